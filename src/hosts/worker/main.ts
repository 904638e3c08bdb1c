// The worker's entry and composition root: executes every open job, then ends. Nobody reads its output, so its log is a file.

import { loadConfig } from "../../config/config.ts";
import { readEnvironment } from "../../config/env.ts";
import { openClawPaths, ownPaths } from "../../config/paths.ts";
import { fileLog } from "../file-log.ts";
import { buildParts } from "../services.ts";
import { executeOpenJobs } from "./execute.ts";

const environment = readEnvironment();
const own = ownPaths(openClawPaths(environment).stateDir);
const { log, close } = await fileLog(own.log, "worker");

try {
  const config = await loadConfig(environment.settings.configPath ?? own.config, environment);
  // Whoever executes jobs starts nobody else for it.
  const parts = buildParts({ environment, config, log, launch: () => Promise.resolve() });
  await executeOpenJobs(parts, "worker");
} catch (error) {
  log.error("worker", error);
  process.exitCode = 1;
}
await close();
