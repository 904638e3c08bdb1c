// The demo's worker: the executor of every host, but a restart that does not come back is given up after seconds, not minutes.

import { SECOND } from "../../config/defaults.ts";
import { runWorker } from "../worker/run.ts";

/** The sandbox gateway starts in a fraction of a second; the real one takes 6 to 50 s, hence the real limits. */
await runWorker({ limits: { startWindowMs: 1.2 * SECOND, restartWithinMs: 1.5 * SECOND, pollMs: 25 } });
