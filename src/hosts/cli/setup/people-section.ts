// The section of the allow-list: who may use the bot, by their numeric ids.

import { peopleIn, judgePeople, botIdOf } from "./judge.ts";
import type { BotChoice } from "./bot-section.ts";
import type { SetupFrame } from "./frame.ts";
import type { Finding } from "../finding.ts";
import { isBotRunning } from "../../telegram/running-sign.ts";
import { listen, type ListenEnd } from "./listen.ts";

/** Asks; undefined where the list stays as it is. */
export async function askPeople(frame: SetupFrame, bot: BotChoice): Promise<readonly string[] | undefined> {
  const { ui, settings } = frame;
  ui.heading("2 of 4 · Who may use it");
  const before = settings.allowFrom;
  let people = before;
  let mayListen = bot.token !== undefined && bot.username !== undefined;
  for (;;) {
    const how = await ui.choose<"done" | "listen" | "type">(question(people), [
      ...(people.length > 0 ? [{ value: "done", label: "That is right" } as const] : []),
      ...(mayListen
        ? [
            {
              value: "listen",
              label: "Add whoever writes to the bot now",
              hint: "shows their id; stop a bot of this token on another machine first",
            } as const,
          ]
        : []),
      { value: "type", label: people.length > 0 ? "Change the ids by hand" : "Enter ids by hand" },
      ...(people.length === 0 ? [{ value: "done", label: "Nobody for now" } as const] : []),
    ]);
    if (how === "done") break;
    if (how === "type") {
      people = peopleIn(
        await ui.type({
          question: "Numeric Telegram ids of persons, separated by commas",
          initial: people.join(", "),
          example: "123456789",
          judge: (answer) => judgePeople(answer, bot.token === undefined ? undefined : botIdOf(bot.token)),
        }),
      );
      continue;
    }
    const ended = await hear(frame, bot);
    if (ended?.kind === "conflict") mayListen = false;
    if (ended?.kind === "heard" && (await mayCome(frame, ended.sender, people)))
      people = [...people, ended.sender.personId];
  }
  return people.join() === before.join() ? undefined : people;
}

function question(people: readonly string[]): string {
  if (people.length === 0) return "Nobody may use the bot yet";
  return `${people.length === 1 ? "This id" : "These ids"} may use the bot: ${people.join(", ")}`;
}

async function hear({ ui, parts, randomBelow }: SetupFrame, bot: BotChoice): Promise<ListenEnd | undefined> {
  const { token, username = "" } = bot;
  if (token === undefined) return undefined;
  const isTaken = (): Promise<boolean> => isBotRunning(parts.own, botIdOf(token), parts.now);
  if (await isTaken()) {
    ui.tell([notHeard("running", "")]);
    return { kind: "running" };
  }
  // A stranger who happens to write now does not write it; and six digits answer none of the bot's lists, where it reads them later.
  const word = String(100_000 + randomBelow(900_000));
  ui.note(`Write this number and no other to @${username} in Telegram, from the account that shall use it: ${word}`);
  const ended = await ui.working<ListenEnd>({
    label: `Waiting for ${word}`,
    canSkip: true,
    run: (signal, say) =>
      listen({
        door: { token, apiRoot: parts.config.telegram.apiRoot },
        word,
        say,
        signal,
        isTaken,
        now: parts.now,
      }),
  });
  if (ended !== undefined && ended.kind !== "heard") ui.tell([notHeard(ended.kind, word)]);
  return ended;
}

/** Why nobody was heard, and what can be done. */
function notHeard(kind: Exclude<ListenEnd["kind"], "heard">, word: string): Finding {
  const { text, next } = {
    nobody: { text: `nobody wrote ${word} in time`, next: "Try again, or enter the id by hand." },
    conflict: {
      text: "another program listens with this token, such as a bot of ours on another machine",
      next: "Stop it and run the set-up again, or enter the id by hand: a bot of ours prints the ids of strangers where it runs.",
    },
    running: {
      text: "a bot of ours runs here with this token, and hears every message itself",
      next: "Write to it: it prints the ids of strangers where it runs. Enter that id by hand; or stop it, wait half a minute and try again.",
    },
    crowded: {
      text: "many messages wait for this bot, and a new one cannot be seen behind them",
      next: "Enter the id by hand; or start the bot once, which takes what waits: it prints the ids of strangers.",
    },
  }[kind];
  return { what: "message", state: "warn", text, next };
}

async function mayCome(
  { ui }: SetupFrame,
  { personId, name }: { readonly personId: string; readonly name: string },
  people: readonly string[],
): Promise<boolean> {
  if (people.includes(personId)) {
    ui.note(`${name}, id ${personId}, is on the list already.`);
    return false;
  }
  // Not by Enter: whoever is taken in here can use every login.
  return ui.agree(`${name} wrote it, id ${personId}. May they use the bot?`, false);
}
