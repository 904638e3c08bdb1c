// The command line: words to a command, loaded only when it is called; every end of it is an exit code and one answer.

import { refuseCallbackOnArgv } from "./argv-guard.ts";
import { loadCommand } from "./command-code.ts";
import { EXIT, Output, type CliHost, type Result } from "./io.ts";
import { plainCall } from "./plain-call.ts";

/** Runs one call of the program; gives its exit code. Never throws. */
export async function runCli(host: CliHost): Promise<number> {
  const output = new Output(host, host.argv.includes("--json"));
  let name = "codex-auth-skill";
  let exitCode: number = EXIT.done;
  const run = async (command: string, start: () => Promise<Result>): Promise<void> => {
    name = command;
    exitCode = output.result(command, await start());
  };
  try {
    await refuseCallbackOnArgv(host);
    const plain = plainCall(host.argv);
    if (plain === undefined) {
      const { parseCall } = await import("./parse-call.ts");
      return (await parseCall(host, output, run)) ?? exitCode;
    }
    const { entry, options, words } = plain;
    const start = await loadCommand(entry.name);
    await run(entry.name, () => start({ host, output, options, words }));
    return exitCode;
  } catch (error) {
    return output.failure(name, error);
  }
}
