// `parked`, `take`, `discard`: logins that were received and wait for a decision.

import type { ParkedLogin } from "../../apply/parked.ts";
import type { Call, CommandRun } from "./call.ts";
import { chooseOn } from "./decide.ts";
import { openSession } from "./open.ts";

/** Lists them; a person at the terminal may go on by pressing. */
export const parked: CommandRun = async (call) => {
  const cli = await openSession(call, { presses: true });
  if (call.output.isJson) {
    return { data: { parked: (await cli.parts.engine.parked.list()).map(parkedData) } };
  }
  return say(call, "parked");
};

/** A parked login as data. */
export function parkedData(login: ParkedLogin): Readonly<Record<string, unknown>> {
  const { id, profileId, agentId, reason, email, planType, createdAt, expiresAtMs, problem } = login;
  return { id, profileId, agentId, reason, email, planType, createdAt, expiresAtMs, problem };
}

/** Saves one of them. */
export const take: CommandRun = (call) => {
  const { options, words } = call;
  const as = options["as"];
  const parts = [
    "take",
    words[0] ?? "",
    ...(typeof as === "string" ? ["as", as] : []),
    ...(options["replace"] === true ? ["replace"] : []),
    ...(options["first"] === true ? ["first"] : []),
  ];
  return say(call, parts.join(" "));
};

/** Throws one of them away. */
export const discard: CommandRun = (call) =>
  say(call, ["discard", call.words[0] ?? "", ...(call.options["sure"] === true ? ["yes"] : [])].join(" "));

async function say(call: Call, args: string): ReturnType<CommandRun> {
  const cli = await openSession(call, { presses: true });
  await cli.session.take({ kind: "command", name: "codex_auth", args });
  if (cli.isAttended) await chooseOn(call, cli);
  return cli.result();
}
