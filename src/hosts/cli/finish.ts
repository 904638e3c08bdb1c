// `finish`: takes the callback address from standard input, or asks for it without echo; never from the command line.

import { text as readAll } from "node:stream/consumers";
import { LOGIN } from "../../config/defaults.ts";
import { CodexAuthError } from "../../errors.ts";
import { callbackAddresses } from "../../oauth/callback-text.ts";
import type { Arrivals } from "../terminal/arrivals.ts";
import type { Call, CommandRun } from "./call.ts";
import { chooseOn, uiOf } from "./decide.ts";
import { openSession, profileWord, type CliSession } from "./open.ts";

/** Finishes the sign-in that waits for this person. */
export const finish: CommandRun = async (call) => {
  const cli = await openSession(call, { presses: true });
  return askAndFinish(call, cli, profileWord(call));
};

/** Waits for the address or for the browser that brings it, and lets a person at the terminal decide what it leads to. */
export async function askAndFinish(call: Call, cli: CliSession, name: string | undefined): ReturnType<CommandRun> {
  const { arrivals } = cli.browser ?? {};
  for (;;) {
    const address = await readAddress(call, name, arrivals);
    // Undefined: the browser was faster, and what it brought is already worked off.
    if (address === undefined) break;
    const args = ["finish", name ?? "", addressIn(address)].join(" ");
    await cli.session.take({ kind: "command", name: "codex_auth", args });
    if ((await arrivals?.settle()) === true || arrivals === undefined || !canBeRepeated(cli)) break;
  }
  if (cli.isAttended) await chooseOn(call, cli);
  return cli.result();
}

/** A wrong paste ends neither the sign-in nor the wait for its browser. */
function canBeRepeated({ session }: CliSession): boolean {
  const code = session.last?.problem?.code;
  return code?.startsWith("ERR_CALLBACK_") === true && code !== "ERR_CALLBACK_DENIED";
}

/** Without the words around it, where it can be told which it is; a broken one is put together by whoever knows its state. */
function addressIn(pasted: string): string {
  const [only, ...others] = callbackAddresses(pasted);
  return only === undefined || others.length > 0 ? pasted : only;
}

async function readAddress(
  { host }: Call,
  name: string | undefined,
  arrivals: Arrivals | undefined,
): Promise<string | undefined> {
  const { stdin } = host;
  for (;;) {
    const typed = stdin.isTTY
      ? await uiOf(host).typeHidden("The address your browser ended on (not shown)", arrivals?.interrupt)
      : await readAll(stdin);
    if ((await arrivals?.settle()) === true) return undefined;
    if (typed === undefined) throw stopped(name);
    const address = typed.trim();
    // A longer text is no address; cut, it is refused in the words that a bad address gets.
    if (address !== "") return address.slice(0, LOGIN.maxCallbackChars + 1);
    // A lone Enter must not end the wait for the browser.
    if (arrivals === undefined) throw nothingThere();
  }
}

function nothingThere(): CodexAuthError {
  return new CodexAuthError("ERR_USAGE", {
    message: "There was no address on standard input.",
    next: "Paste the whole address that the browser ended on; it starts with http://localhost and holds code= and state=.",
  });
}

function stopped(name: string | undefined): CodexAuthError {
  const finishIt = ["codex-auth-skill finish", ...(name === undefined ? [] : [name])].join(" ");
  return new CodexAuthError("ERR_CANCELLED", {
    message: "You stopped; nothing was changed, and no browser is waited for any more.",
    next: `While its link is good, \`${finishIt}\` still takes the address; \`codex-auth-skill cancel\` ends it.`,
  });
}
