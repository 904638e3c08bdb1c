// `show`, `reload`, `use`, `only`, `reset`, `refresh`, `rename`, `remove`, `rollback`: the chat's handlers, for one call of the command line.

import { hasEnded } from "../../apply/job.ts";
import { LEASE } from "../../config/defaults.ts";
import { CodexAuthError } from "../../errors.ts";
import { resolveSelector } from "../../profiles/selector.ts";
import type { Call, CommandRun } from "./call.ts";
import { chooseOn } from "./decide.ts";
import { atNumber, openSession, profileWord, type CliSession } from "./open.ts";

/** The card of one profile; a person at the terminal may go on by pressing. */
export const showProfile: CommandRun = async (call) => {
  const cli = await openSession(call, { presses: true, readOnly: true });
  const word = profileWord(call);
  const id = word === undefined ? undefined : await idAt(cli, word);
  await cli.session.take({ kind: "command", name: "codex_auth", args: id === undefined ? "show" : `show ${id}` });
  if (cli.isAttended) await chooseOn(call, cli);
  const result = cli.result();
  if (!call.output.isJson || id === undefined) return result;
  const { summaries } = await cli.parts.store.read(cli.parts.config.agentId);
  return { ...result, data: { ...result.data, profile: summaries.find((profile) => profile.id === id) ?? null } };
};

/** What was seen of the gateway; a script may call it, for it changes nothing. */
export const reload: CommandRun = async (call) => {
  const cli = await openSession(call, { readOnly: true });
  await cli.session.take({ kind: "command", name: "codex_auth", args: "reload" });
  return cli.result();
};

/** One change: its preview with the question, or with `--sure` the change itself. */
export function changeProfile(
  kind: "use" | "only" | "reset" | "refresh" | "rename" | "remove" | "rollback",
): CommandRun {
  return async (call) => {
    const cli = await openSession(call, { presses: true });
    const isSure = call.options["sure"] === true;
    const [, ...rest] = call.words;
    const first = await firstWord(kind, call, cli, isSure);
    const args = [kind, ...(first === undefined ? [] : [first]), ...rest, ...(isSure ? ["yes"] : [])].join(" ");
    await cli.session.take({ kind: "command", name: "codex_auth", args });
    // Who says `--sure` has decided: neither *Cancel* nor *Undo* keeps the command from ending.
    if (cli.isAttended && !(isSure && first !== undefined)) await chooseOn(call, cli);
    await untilDone(cli);
    return cli.result();
  };
}

async function firstWord(kind: string, call: Call, cli: CliSession, isSure: boolean): Promise<string | undefined> {
  const word = kind === "rollback" ? call.words[0] : profileWord(call);
  if (word === undefined || kind === "rollback") return word;
  const id = await idAt(cli, word);
  // The list may have changed since it was looked at.
  if (isSure && /^\d{1,4}$/.test(word)) throw numberIsNotSure(kind, id);
  return id;
}

/** The full id, so that a profile that is called like one of our words, or a number of the list, is meant without a doubt. */
async function idAt({ parts }: CliSession, word: string): Promise<string> {
  const { provider, summaries } = await parts.store.read(parts.config.agentId);
  const known = summaries.map(({ id }) => id);
  return resolveSelector(atNumber(word, known, "list"), known, provider).profileId;
}

/** A command is over when its change is: whoever runs it next relies on that. */
async function untilDone({ parts, session }: CliSession): Promise<void> {
  const { queue } = parts.engine;
  const late = AbortSignal.timeout(LEASE.commandWaitMs);
  for (const job of await queue.open()) {
    if (job.requestedBy?.host === "cli" && !hasEnded(job)) await queue.watch(job.id, () => undefined, late);
  }
  await session.deliver();
}

function numberIsNotSure(kind: string, id: string): CodexAuthError {
  return new CodexAuthError("ERR_CONFIRMATION_NEEDED", {
    message: "A number does not say for sure which profile is meant: the list may have changed. Nothing was changed.",
    next: `Name it by its id: \`codex-auth-skill ${kind} ${id} --sure\`.`,
  });
}
