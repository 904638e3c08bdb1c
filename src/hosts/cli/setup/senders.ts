// Who wrote, in a list of updates: people in private chats, and whether their message holds the word and no other number. Pure.

import type { Update } from "grammy/types";
import { cleanText } from "../../../clean-text.ts";

/** Somebody who wrote to the bot. */
export interface Sender {
  readonly personId: string;
  /** As they call themselves. */
  readonly name: string;
}

/** A sender of one message. */
export interface Heard extends Sender {
  readonly hasWord: boolean;
}

/** What is looked for. */
export interface Looked {
  readonly word: string;
  /** Messages that Telegram dates before this are nobody's answer; milliseconds since 1970. */
  readonly notBefore: number;
}

/** Those of the updates that are not in `seen`, which they are added to. */
export function senders(updates: readonly Update[], seen: Set<number>, { word, notBefore }: Looked): readonly Heard[] {
  const heard: Heard[] = [];
  for (const { update_id: id, message } of updates) {
    if (seen.has(id)) continue;
    seen.add(id);
    const from = message?.from;
    // In a group anybody could write it, and not everybody's account there is a person's.
    if (message?.chat.type !== "private" || from === undefined || from.is_bot || !Number.isSafeInteger(from.id))
      continue;
    if (message.date * 1_000 < notBefore) continue;
    // The only number in it: a message has room for hundreds, and somebody who sends guesses is not the person we wait for.
    const numbers: readonly string[] = (message.text ?? "").match(/\d+/g) ?? [];
    heard.push({ personId: String(from.id), name: nameOf(from), hasWord: numbers.length === 1 && numbers[0] === word });
  }
  return heard;
}

function nameOf(from: NonNullable<NonNullable<Update["message"]>["from"]>): string {
  const { first_name: first, last_name: last, username } = from;
  const name = cleanText([first, last ?? ""].join(" "), 64);
  return username === undefined ? name || "somebody without a name" : `${name} (@${cleanText(username, 32)})`;
}
