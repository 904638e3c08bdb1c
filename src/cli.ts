// The program as `bin/codex-auth-skill.js` starts it: gives the process's own things to the command line, and nothing else.

import { fileURLToPath } from "node:url";
import { loadSettingsFile, readEnvironment } from "./config/env.ts";
import { toCodexAuthError } from "./errors.ts";
import { runCli } from "./hosts/cli/program.ts";

/** Runs the command line of this process and sets its exit code. */
export async function main(): Promise<void> {
  // Only the .env beside our own package.json (a clone with `npm start`): one in whatever folder somebody stands in could
  // redirect the bot's token.
  try {
    loadSettingsFile(fileURLToPath(new URL("../.env", import.meta.url)));
  } catch (error) {
    const { message, next } = toCodexAuthError(error);
    process.stderr.write(`${message}\n→ ${next}\n`);
    process.exitCode = 1;
    return;
  }
  process.exitCode = await runCli({
    argv: process.argv.slice(2),
    environment: readEnvironment(),
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    signals: process,
  });
}
