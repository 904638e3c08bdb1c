// One call of the program: gives the process's own things to the command line, and nothing else.

import { fileURLToPath } from "node:url";
import { loadSettingsFile, readEnvironment } from "../../config/env.ts";
import { toCodexAuthError } from "../../errors.ts";
import { EXIT } from "./io.ts";
import { outliveReaders } from "./lost-output.ts";
import { runCli } from "./program.ts";

/** Runs the command line of this process; gives its exit code. */
export async function runProcess(): Promise<number> {
  outliveReaders(process);
  // Only the .env beside our own package.json (a clone with `npm start`): one in whatever folder somebody stands in could
  // redirect the bot's token.
  try {
    loadSettingsFile(fileURLToPath(new URL("../../../.env", import.meta.url)));
  } catch (error) {
    const { message, next } = toCodexAuthError(error);
    process.stderr.write(`${message}\n→ ${next}\n`);
    return EXIT.failed;
  }
  return runCli({
    argv: process.argv.slice(2),
    environment: readEnvironment(),
    // Opened by those commands alone that read it.
    get stdin() {
      return process.stdin;
    },
    stdout: process.stdout,
    stderr: process.stderr,
    signals: process,
  });
}
