// The worker's entry.

import { runWorker } from "./run.ts";

await runWorker();
