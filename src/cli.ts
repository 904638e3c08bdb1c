// The program as `bin/codex-auth-skill.js` starts it: answers `--help` and a quiet `status` at once, else loads what the command line needs.
// It and what it answers by are one CommonJS file when built (`scripts/build-cli.mjs`); the rest of the program is loaded beside that file.

import { fstatSync, writeSync } from "node:fs";

/** Runs the command line of this process and sets its exit code; `root` is the folder of the package. */
export async function main(root: string): Promise<void> {
  const isTerminal = isCharacterDevice(1);
  const brief = await briefly(root, isTerminal);
  if (brief === undefined) {
    process.exitCode = await (await import("./hosts/cli/main.ts")).runProcess();
    return;
  }
  const rest = isTerminal ? Buffer.from(brief) : written(brief);
  if (rest.length === 0) return;
  (await import("./hosts/cli/lost-output.ts")).outliveReaders(process);
  process.stdout.write(rest);
}

/** The whole answer, where that is said without the command line. */
async function briefly(root: string, isTerminal: boolean): Promise<string | undefined> {
  const [word, ...rest] = process.argv.slice(2);
  if (word === undefined || rest.length > 0) return undefined;
  if (word === "status") return quietly(root, isTerminal);
  if (!word.startsWith("-")) return undefined;
  return (await import("./hosts/cli/help.ts")).briefAnswer(word, isTerminal ? process.stdout.columns : undefined);
}

/** Whatever goes wrong, the command line says it: a folder that is gone, say, in which this was called. */
async function quietly(root: string, isTerminal: boolean): Promise<string | undefined> {
  try {
    return (await import("./hosts/cli/brief-status.ts")).briefAnswer(root, isTerminal);
  } catch {
    return undefined;
  }
}

/** What is left of `text` after one write without `process.stdout`, whose making takes as long as all else that is done for the help. */
function written(text: string): Uint8Array {
  const bytes = Buffer.from(text);
  try {
    return bytes.subarray(writeSync(1, bytes));
  } catch {
    // A pipe that is full just now, or that nobody reads: as every other answer.
    return bytes;
  }
}

function isCharacterDevice(descriptor: number): boolean {
  try {
    return fstatSync(descriptor).isCharacterDevice();
  } catch {
    return true;
  }
}
