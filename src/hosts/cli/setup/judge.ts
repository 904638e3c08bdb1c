// Judges what was typed: undefined where it can be taken, else why not. Pure.

import { SETUP } from "../../../config/defaults.ts";
import { toCodexAuthError } from "../../../errors.ts";
import { parseBrokerUrl } from "../../../lease/broker-request.ts";
import type { Secret } from "../../../secrets/secret.ts";

/** Whether it has the form of a bot's token; nothing of it is quoted. */
export function judgeBotToken(answer: string): string | undefined {
  if (/^\d{5,15}:[\w-]{20,}$/.test(answer)) return undefined;
  return "That is no bot token: it is digits, a colon, and letters. Copy all of it from @BotFather.";
}

/** The bot's own Telegram id, which its token begins with. */
export function botIdOf(token: Secret): string {
  return token.expose().split(":", 1)[0] ?? "";
}

/** The ids in what was typed, each once. */
export function peopleIn(answer: string): readonly string[] {
  return [...new Set(answer.split(/[\s,;]+/).filter((word) => word !== ""))];
}

/** Whether every word is the id of a person; `botId` is that of the bot, who is none. */
export function judgePeople(answer: string, botId?: string): string | undefined {
  const people = peopleIn(answer);
  for (const word of people) {
    if (/^-\d+$/.test(word))
      return `${word} is a group: everybody in it could use the bot. Give the ids of persons; they have no minus.`;
    if (word.startsWith("@"))
      return "A name with @ can be given to somebody else tomorrow. Give the number of the account.";
    if (!/^[1-9]\d{0,19}$/.test(word)) return `Numbers only, separated by commas${shortWord(word)}.`;
    if (word === botId) return `${word} is the bot itself. Give the ids of persons.`;
  }
  return people.length > SETUP.maxPeople ? `No more than ${SETUP.maxPeople} ids.` : undefined;
}

/** Whether a broker's token may be sent to this address. */
export function judgeBrokerUrl(answer: string, allowInsecureLocalhost: boolean): string | undefined {
  try {
    parseBrokerUrl(answer, allowInsecureLocalhost);
    return undefined;
  } catch (error) {
    return toCodexAuthError(error).message;
  }
}

/** Whether the broker can be told of this machine by that name; empty is the host name. */
export function judgeMachineId(answer: string): string | undefined {
  if (answer.length > 128) return "No more than 128 characters.";
  return /\p{Cc}/u.test(answer) ? "No control characters." : undefined;
}

/** A token that was pasted in the wrong place is long: it is not shown again. */
function shortWord(word: string): string {
  return word.length <= 24 && /^[\w.-]+$/.test(word) ? ` (not "${word}")` : "";
}
