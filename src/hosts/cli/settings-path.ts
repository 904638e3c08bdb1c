// Where the settings of this call are; by itself, so that a command which only looks loads nothing else for it.

import { existsSync } from "node:fs";
import type { Environment } from "../../config/env.ts";
import { openClawPaths, ownPaths } from "../../config/paths.ts";
import { CodexAuthError } from "../../errors.ts";

/** Where the settings are. @throws CodexAuthError `ERR_OPENCLAW_NOT_FOUND` where there is no OpenClaw to have any. */
export function settingsPath(environment: Environment): string {
  const { stateDir } = openClawPaths(environment);
  if (!existsSync(stateDir)) throw notFound();
  return environment.settings.configPath ?? ownPaths(stateDir).config;
}

function notFound(): CodexAuthError {
  return new CodexAuthError("ERR_OPENCLAW_NOT_FOUND", {
    message: "There is no OpenClaw on this machine, for this user. Nothing was created.",
    next: "Run this as the user that runs OpenClaw (or set OPENCLAW_STATE_DIR); to see what it does, run `codex-auth-skill demo`.",
  });
}
