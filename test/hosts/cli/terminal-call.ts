// Calls the command line as at a terminal whose person follows a script.

import { PassThrough } from "node:stream";
import { runCli } from "../../../src/hosts/cli/program.ts";
import { ScriptedUi, type Step, type terminalLab } from "../terminal/terminal-lab.ts";

function terminalStream(): PassThrough & { readonly isTTY: true } {
  return Object.assign(new PassThrough(), { isTTY: true as const });
}

/** What a call at a terminal left. */
export interface TerminalCall {
  readonly code: number;
  /** Everything on the screen. */
  readonly written: string;
  /** How often the person was asked for a yes. */
  readonly asked: number;
}

/** Calls the program with `args`; its choices are answered by `steps`, its yes-or-no questions by `agrees`, after `meanwhile`. */
export async function callAtTerminal(
  { parts, loopback }: Pick<Awaited<ReturnType<typeof terminalLab>>, "parts" | "loopback">,
  args: readonly string[],
  {
    agrees = true,
    steps = [],
    meanwhile,
  }: { readonly agrees?: boolean; readonly steps?: readonly Step[]; readonly meanwhile?: () => void } = {},
): Promise<TerminalCall> {
  let written = "";
  const [stdin, stdout, stderr] = [terminalStream(), terminalStream(), terminalStream()];
  for (const stream of [stdout, stderr]) stream.on("data", (chunk: Buffer) => (written += chunk.toString("utf8")));
  const ui = new ScriptedUi(steps);
  ui.agrees = agrees;
  const answer = ui.agree.bind(ui);
  ui.agree = () => {
    meanwhile?.();
    return answer();
  };
  const code = await runCli({
    argv: args,
    environment: parts.environment,
    stdin: stdin as unknown as NodeJS.ReadStream,
    stdout: stdout as unknown as NodeJS.WriteStream,
    stderr: stderr as unknown as NodeJS.WriteStream,
    signals: process,
    person: { ui, loopback },
  });
  return { code, written, asked: ui.asked };
}
