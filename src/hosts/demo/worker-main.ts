// The demo's worker: the executor of every host, but a restart that does not come back is given up after seconds, not minutes.

import { loadConfig } from "../../config/config.ts";
import { SECOND } from "../../config/defaults.ts";
import { readEnvironment } from "../../config/env.ts";
import { openClawPaths, ownPaths } from "../../config/paths.ts";
import { createGateway } from "../../gateway/gateway.ts";
import { fileLog } from "../file-log.ts";
import { buildParts } from "../services.ts";
import { executeOpenJobs } from "../worker/execute.ts";

/** The sandbox gateway starts in a fraction of a second; the real one takes 6 to 50 s, hence the real limits. */
const LIMITS = { startWindowMs: 1.2 * SECOND, restartWithinMs: 1.5 * SECOND, pollMs: 25 } as const;

const environment = readEnvironment();
const own = ownPaths(openClawPaths(environment).stateDir);
const { log, close } = await fileLog(own.log, "worker");
try {
  const config = await loadConfig(environment.settings.configPath ?? own.config, environment);
  const parts = buildParts({ environment, config, log, launch: () => Promise.resolve() });
  const gateway = createGateway({
    paths: parts.openClaw,
    tmp: environment.tmp,
    uid: environment.uid,
    environment: environment.openclaw,
    limits: LIMITS,
  });
  await executeOpenJobs({ ...parts, gateway }, "worker");
} catch (error) {
  log.error("worker", error);
  process.exitCode = 1;
}
await close();
