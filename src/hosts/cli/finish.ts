// `finish`: takes the callback address from standard input, or asks for it without echo; never from the command line.

import { text as readAll } from "node:stream/consumers";
import { LOGIN } from "../../config/defaults.ts";
import { CodexAuthError } from "../../errors.ts";
import { callbackAddresses } from "../../oauth/callback-text.ts";
import { clackUi } from "../terminal/ui.ts";
import type { Call, CommandRun } from "./call.ts";
import { chooseOn } from "./decide.ts";
import { openSession, profileWord, type CliSession } from "./open.ts";

/** Finishes the sign-in that waits for this person. */
export const finish: CommandRun = async (call) => {
  const cli = await openSession(call, { presses: true });
  return askAndFinish(call, cli, profileWord(call));
};

/** Reads the address, hands it in, and lets a person at the terminal decide what it leads to. */
export async function askAndFinish(call: Call, cli: CliSession, name: string | undefined): ReturnType<CommandRun> {
  const pasted = addressIn(await readAddress(call));
  await cli.session.take({ kind: "command", name: "codex_auth", args: ["finish", name ?? "", pasted].join(" ") });
  if (cli.isAttended) await chooseOn(call, cli);
  return cli.result();
}

/** Without the words around it, where it can be told which it is; a broken one is put together by whoever knows its state. */
function addressIn(pasted: string): string {
  const [only, ...others] = callbackAddresses(pasted);
  return only === undefined || others.length > 0 ? pasted : only;
}

async function readAddress({ host }: Call): Promise<string> {
  const { stdin, stdout } = host;
  const typed = stdin.isTTY
    ? await clackUi(stdout).typeHidden("The address your browser ended on (not shown)")
    : await readAll(stdin);
  const address = typed?.trim() ?? "";
  if (address === "") {
    throw new CodexAuthError("ERR_USAGE", {
      message: "There was no address on standard input.",
      next: "Paste the whole address that the browser ended on; it starts with http://localhost:1455.",
    });
  }
  // A longer text is no address; cut, it is refused in the words that a bad address gets.
  return address.slice(0, LOGIN.maxCallbackChars + 1);
}
