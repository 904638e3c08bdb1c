// The worker's composition root: executes every open job, then ends. Nobody reads its output, so its log is a file.

import { loadConfig } from "../../config/config.ts";
import { readEnvironment } from "../../config/env.ts";
import { openClawPaths, ownPaths } from "../../config/paths.ts";
import { waitForDiskInPlace } from "../../storage/fsync.ts";
import { fileLog } from "../file-log.ts";
import { buildParts, type OutsideOptions } from "../services.ts";
import { executeOpenJobs } from "./execute.ts";

/** Runs a worker in this process; what it cannot do is in its log and its exit code. */
export async function runWorker(options: Pick<OutsideOptions, "limits"> = {}): Promise<void> {
  waitForDiskInPlace();
  const environment = readEnvironment();
  const own = ownPaths(openClawPaths(environment).stateDir);
  const { log, close } = await fileLog(own.log, "worker");
  try {
    const config = await loadConfig(environment.settings.configPath ?? own.config, environment);
    // Whoever executes jobs starts nobody else for it.
    const parts = buildParts({ ...options, environment, config, log, launch: () => Promise.resolve() });
    await executeOpenJobs(parts, "worker");
  } catch (error) {
    log.error("worker", error);
    process.exitCode = 1;
  }
  await close();
}
