// The program as `bin/codex-auth-skill.js` starts it: answers `--help` at once, else loads what the command line needs.

import { briefAnswer } from "./hosts/cli/help.ts";

/** Runs the command line of this process and sets its exit code. */
export async function main(): Promise<void> {
  const brief = await briefAnswer(process.argv.slice(2), process.stdout.columns);
  if (brief !== undefined) process.stdout.write(brief);
  else process.exitCode = await (await import("./hosts/cli/main.ts")).runProcess();
}
