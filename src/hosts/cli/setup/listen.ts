// Waits for one person's message to the bot, so that nobody has to find out their own id.

import { setTimeout as delay } from "node:timers/promises";
import { cleanText } from "../../../clean-text.ts";
import { SETUP, TELEGRAM } from "../../../config/defaults.ts";
import { apiSignal } from "../../telegram/api-signal.ts";
import { isConflict, toTelegramError } from "../../telegram/telegram-error.ts";
import { isCodexAuthError } from "../../../errors.ts";
import { apiFor, type BotDoor } from "./telegram-check.ts";
import { senders, type Heard, type Sender } from "./senders.ts";

/** How the waiting ended. */
export type ListenEnd =
  | { readonly kind: "heard"; readonly sender: Sender }
  /** Somebody else listens with this token. */
  | { readonly kind: "conflict" }
  | { readonly kind: "nobody" };

/** What is listened for. */
export interface ListenOptions {
  readonly door: BotDoor;
  /** What the message must hold: a bot is public, and a name is its owner's to choose. */
  readonly word: string;
  /** Told of others who write meanwhile. */
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
  /** Default `SETUP.listenMs`. */
  readonly withinMs?: number;
}

/**
 * Listens until somebody writes the word in a private chat. Messages are looked at and not confirmed: whatever waits for the bot
 * still waits for it afterwards. A first conflict ends it, for at a second one a bot of ours that runs would give up.
 *
 * @throws CodexAuthError `ERR_TELEGRAM_TOKEN`.
 */
export async function listen({
  door,
  word,
  say,
  signal,
  withinMs = SETUP.listenMs,
}: ListenOptions): Promise<ListenEnd> {
  const api = apiFor(door);
  const until = AbortSignal.any([signal, AbortSignal.timeout(withinMs)]);
  const seen = new Set<number>();
  let isAway = false;
  for (let isFirst = true; !until.aborted; isFirst = false) {
    try {
      const updates = await api.getUpdates(
        // Telegram remembers this list for the bot: it must be the bot's own.
        { timeout: isFirst ? 0 : SETUP.pollSeconds, allowed_updates: ["message", "edited_message", "callback_query"] },
        apiSignal(until),
      );
      isAway = false;
      const heard = senders(updates, seen, word);
      const found = heard.find(({ hasWord }) => hasWord);
      if (found !== undefined) return { kind: "heard", sender: { personId: found.personId, name: found.name } };
      if (!isFirst) for (const one of heard) say(without(one, word));
      // What is not confirmed comes back at once: without a pause this would ask in circles.
      if (updates.length > 0) await pause(until);
    } catch (error) {
      if (until.aborted) break;
      if (isConflict(error)) return { kind: "conflict" };
      const known = toTelegramError(error);
      if (isCodexAuthError(known, "ERR_TELEGRAM_TOKEN")) throw known;
      if (!isAway) say("Telegram cannot be reached now; trying again.");
      isAway = true;
      await pause(until);
    }
  }
  return { kind: "nobody" };
}

function without({ personId, name }: Heard, word: string): string {
  return `${cleanText(name, 64)} (id ${personId}) wrote something else than ${word}: still waiting`;
}

async function pause(signal: AbortSignal): Promise<void> {
  await delay(TELEGRAM.repollMs, undefined, { signal }).catch(() => undefined);
}
