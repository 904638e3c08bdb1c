// `start`: begins a sign-in; at a terminal it goes on to the paste, for a script it says where a person goes on.

import { CodexAuthError } from "../../errors.ts";
import { resolveSelector, shortName } from "../../profiles/selector.ts";
import type { CommandRun } from "./call.ts";
import { askAndFinish } from "./finish.ts";
import { openSession, profileWord, type CliSession } from "./open.ts";

/** Starts a sign-in for the named profile. */
export const start: CommandRun = async (call) => {
  const name = profileWord(call);
  if (name === undefined) throw needsProfile();
  const cli = await openSession(call, { presses: true });
  if (!cli.isAttended) return forAPerson(cli, name);
  await cli.session.take({ kind: "command", name: "codex_auth", args: name });
  const isWaiting = cli.session.last?.buttons?.flat().some(({ kind }) => kind === "url") === true;
  return isWaiting ? askAndFinish(call, cli, name) : cli.result();
};

/** A script gets no link: it would only be good in the chat that asked for it, and a model has no use for it. */
async function forAPerson({ parts }: CliSession, name: string): ReturnType<CommandRun> {
  const { agentId } = parts.config;
  const { summaries } = await parts.store.read(agentId);
  const { profileId, exists } = resolveSelector(
    name,
    summaries.map(({ id }) => id),
  );
  const command = `/codex_auth ${shortName(profileId)}`;
  const next =
    parts.config.telegram.botToken === undefined
      ? `A person runs \`codex-auth-skill start ${shortName(profileId)}\` in a terminal of their own.`
      : `A person sends \`${command}\` to the bot in a private chat, signs in, and pastes the address there.`;
  return {
    text: `The sign-in for ${profileId} is finished by a person, not here.\n→ ${next}`,
    data: { agentId, profileId, exists, finishWith: command, next },
  };
}

function needsProfile(): CodexAuthError {
  return new CodexAuthError("ERR_USAGE", {
    message: "Which profile?",
    next: "Name it: `codex-auth-skill start work`. `codex-auth-skill list` shows those there are.",
  });
}
