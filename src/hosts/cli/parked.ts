// `parked`, `take`, `discard`: logins that were received and wait for a decision.

import type { ParkedLogin } from "../../apply/parked.ts";
import { CodexAuthError } from "../../errors.ts";
import type { Call, CommandRun } from "./call.ts";
import { chooseOn } from "./decide.ts";
import { atNumber, openSession, type CliSession } from "./open.ts";

/** Lists them, read-only; a person at the terminal may go on by pressing. */
export const parked: CommandRun = async (call) => {
  const cli = await openSession(call, { presses: true, readOnly: true });
  if (call.output.isJson) {
    return { data: { parked: (await cli.parts.engine.parked.list()).map(parkedData) } };
  }
  return say(call, cli, "parked");
};

/** A parked login as data. */
export function parkedData(login: ParkedLogin): Readonly<Record<string, unknown>> {
  const { id, profileId, agentId, reason, email, planType, createdAt, expiresAtMs, problem, revokingAt } = login;
  return { id, profileId, agentId, reason, email, planType, createdAt, expiresAtMs, problem, revokingAt };
}

/** Saves one of them. */
export const take: CommandRun = async (call) => {
  const { options } = call;
  const cli = await openSession(call, { presses: true });
  const as = options["as"];
  const words = [
    "take",
    await idOf(call, cli),
    ...(typeof as === "string" ? ["as", as] : []),
    ...(options["replace"] === true ? ["replace"] : []),
    ...(options["first"] === true ? ["first"] : []),
  ];
  return say(call, cli, words.join(" "));
};

/** Throws one of them away. */
export const discard: CommandRun = (call) => end(call, "discard");

/** Has the sign-in server end one of them. */
export const revoke: CommandRun = (call) => end(call, "revoke");

async function end(call: Call, how: "discard" | "revoke"): ReturnType<CommandRun> {
  const cli = await openSession(call, { presses: true });
  const id = await idOf(call, cli);
  const isSure = call.options["sure"] === true;
  // The list may have changed since it was looked at, and what is thrown away is gone.
  if (isSure && id !== call.words[0]) throw numberIsNotSure(how, id);
  return say(call, cli, [how, id, ...(isSure ? ["yes"] : [])].join(" "));
}

async function idOf({ words }: Call, { parts }: CliSession): Promise<string> {
  const waiting = await parts.engine.parked.list();
  return atNumber(
    words[0] ?? "",
    waiting.map(({ id }) => id),
    "parked",
  );
}

async function say(call: Call, cli: CliSession, args: string): ReturnType<CommandRun> {
  await cli.session.take({ kind: "command", name: "codex_auth", args });
  if (cli.isAttended) await chooseOn(call, cli);
  return cli.result();
}

function numberIsNotSure(how: "discard" | "revoke", id: string): CodexAuthError {
  return new CodexAuthError("ERR_CONFIRMATION_NEEDED", {
    message: "A number does not say for sure which login is meant: the list may have changed. Nothing was done.",
    next: `Name it by its id: \`codex-auth-skill ${how} ${id} --sure\`.`,
  });
}
