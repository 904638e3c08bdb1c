// The demo's worker: the executor of every host, but a restart that does not come back is given up after seconds, not minutes.

import { SECOND } from "../../config/defaults.ts";
import { runWorker } from "../worker/run.ts";

/**
 * The sandbox gateway starts in a fraction of a second; the real one takes 6 to 50 s, hence the real limits. The window is longer than the
 * second by which uptimes may differ, or the old process would pass for a fresh one, and shorter than it has run by then.
 */
await runWorker({ limits: { startWindowMs: 1.2 * SECOND, restartWithinMs: 3 * SECOND, pollMs: 25 } });
