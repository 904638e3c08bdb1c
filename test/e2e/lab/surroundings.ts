// The lab's only reader of process.env: where the cache is, and what a child process may inherit.
/* oxlint-disable node/no-process-env */

import { homedir } from "node:os";
import { join } from "node:path";

/** The cache folder: `CODEX_AUTH_E2E_CACHE`, else `~/.cache/codex-auth-e2e`. */
export function cacheFolder(): string {
  const given = process.env["CODEX_AUTH_E2E_CACHE"]?.trim();
  return given === undefined || given === "" ? join(homedir(), ".cache", "codex-auth-e2e") : given;
}

/** The environment for npm: this process's own, since the registry may be set up there. */
export function installEnvironment(): NodeJS.ProcessEnv {
  return { ...process.env };
}

/** The environment for OpenClaw: nothing of this process's but PATH and the language, so that no real login or gateway is touched. */
export function bareEnvironment(): NodeJS.ProcessEnv {
  const kept: NodeJS.ProcessEnv = { LANG: "C.UTF-8" };
  if (process.env["PATH"] !== undefined) kept["PATH"] = process.env["PATH"];
  return kept;
}
