// `start`: begins a sign-in; at a terminal it waits for the browser, a paste or a code, for a script it asks a person in the chat to begin it.

import { CodexAuthError } from "../../errors.ts";
import { typedName } from "../../chat/command.ts";
import { resolveSelector } from "../../profiles/selector.ts";
import { shortName } from "../../profiles/profile-id.ts";
import { approversNow } from "../services.ts";
import type { Call, CommandRun } from "./call.ts";
import { askAndFinish } from "./finish.ts";
import { atNumber, openSession, profileWord, type CliSession } from "./open.ts";
import { leftFor, signInByCode } from "./start-code.ts";

/** Starts a sign-in for the named profile. */
export const start: CommandRun = async (call) => {
  const word = profileWord(call);
  if (word === undefined) throw needsProfile();
  const { device, link } = call.options;
  if (device === true && link === true) throw oneWay(word);
  const cli = await openSession(call, { presses: true, hears: true });
  try {
    const name = await profileAt(word, cli);
    if (!cli.isAttended) return await forAPerson(cli, name);
    return await ((await isByCode(call, cli, name)) ? signInByCode(call, name) : signIn(call, cli, name));
  } finally {
    await cli.browser?.close();
  }
};

/** By a code where it was asked for, where no browser comes back here, or where a killed call has left one for this profile. */
async function isByCode({ options, host, output }: Call, cli: CliSession, name: string): Promise<boolean> {
  const left = await cli.session.leftCodes();
  const isFor = left.length === 0 ? () => false : await leftFor(cli, name);
  for (const { profileId } of left.filter((one) => !isFor(one)))
    output.progress(
      `A code for ${shortName(profileId)} was left waiting: \`codex-auth-skill chat\` takes it up again.`,
    );
  if (options["link"] === true) return false;
  return options["device"] === true || host.environment.isSsh || left.some(isFor);
}

async function signIn(call: Call, cli: CliSession, name: string): ReturnType<CommandRun> {
  await cli.session.take({ kind: "command", name: "codex_auth", args: name });
  const isWaiting = cli.session.last?.buttons?.flat().some(({ kind }) => kind === "url") === true;
  if (!isWaiting) return cli.result();
  if (cli.browser?.isListening() === false)
    call.output.progress(
      `Or use a device code, which needs no browser on this machine: \`codex-auth-skill start ${name} --device\`.`,
    );
  return askAndFinish(call, cli, name);
}

async function profileAt(word: string, { parts }: CliSession): Promise<string> {
  if (!/^\d{1,4}$/.test(word)) return word;
  const { summaries } = await parts.store.read(parts.config.agentId);
  const ids = summaries.map(({ id }) => id);
  return atNumber(word, ids, "list");
}

/**
 * A script gets no link: it would only be good in the chat that asked for it, and a model has no use for it. Where there are
 * people and a bot to ask them, each finds the question with its button in the chat.
 */
async function forAPerson({ parts }: CliSession, name: string): ReturnType<CommandRun> {
  const { agentId } = parts.config;
  const { provider, summaries } = await parts.store.read(agentId);
  const { profileId, exists } = resolveSelector(
    name,
    summaries.map(({ id }) => id),
    provider,
  );
  const command = `/codex_auth ${typedName(profileId)}`;
  const finishWith = { agentId, profileId, exists, finishWith: command };
  const people = await approversNow(parts);
  if (people.length > 0) {
    const { invitation, isNew } = await parts.invitations.invite({ agentId, profileId }, people);
    const { answeredAt } = invitation;
    const head = `The sign-in for ${profileId} is begun and finished by a person, in the chat.`;
    const where = isNew
      ? `${people.some(({ host }) => host === "openclaw") ? "OpenClaw's own bot" : "The bot"} is asked to put the question to ${people.length === 1 ? "1 person" : `${people.length} people`}; it does so when it runs.`
      : answeredAt === undefined
        ? "The bot was asked already; the question is not sent again so soon."
        : "A person has begun it already.";
    const next = `They press *Sign in* there or send \`${command}\`. \`codex-auth-skill status\` shows how it stands.`;
    const asked = answeredAt === undefined ? "asked" : "begun";
    return { text: `${head} ${where}\n→ ${next}`, data: { ...finishWith, next, invitation: asked } };
  }
  const next =
    parts.config.telegram.botToken === undefined
      ? `A person runs \`codex-auth-skill start ${shortName(profileId)}\` in a terminal of their own.`
      : `A person sends \`${command}\` to the bot in a private chat, and signs in.`;
  return {
    text: `The sign-in for ${profileId} is finished by a person, not here.\n→ ${next}`,
    data: { ...finishWith, next },
  };
}

function oneWay(word: string): CodexAuthError {
  return new CodexAuthError("ERR_USAGE", {
    message: "A sign-in goes by a code or by a link, not by both.",
    next: `For example: \`codex-auth-skill start ${word} --device\`.`,
  });
}

function needsProfile(): CodexAuthError {
  return new CodexAuthError("ERR_USAGE", {
    message: "Which profile?",
    next: "Name it: `codex-auth-skill start work`. `codex-auth-skill list` shows those there are.",
  });
}
