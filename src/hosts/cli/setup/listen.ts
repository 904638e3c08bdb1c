// Waits for one person's message to the bot, so that nobody has to find out their own id.

import { setTimeout as delay } from "node:timers/promises";
import { cleanText } from "../../../clean-text.ts";
import { SETUP, TELEGRAM } from "../../../config/defaults.ts";
import { apiSignal } from "../../telegram/api-signal.ts";
import { isConflict, toTelegramError } from "../../telegram/telegram-error.ts";
import { isCodexAuthError } from "../../../errors.ts";
import { apiFor, type BotDoor } from "./telegram-check.ts";
import { senders, type Heard, type Sender } from "./senders.ts";

/** As many as Telegram gives at once: whatever came later cannot be seen without confirming these. */
const MAX_UPDATES = 100;

/** How the waiting ended. */
export type ListenEnd =
  | { readonly kind: "heard"; readonly sender: Sender }
  /** Somebody else listens with this token. */
  | { readonly kind: "conflict" }
  /** A bot of ours listens with it here; nothing was asked of Telegram since. */
  | { readonly kind: "running" }
  /** So many messages wait for the bot that a new one cannot be seen. */
  | { readonly kind: "crowded" }
  | { readonly kind: "nobody" };

/** What is listened for. */
export interface ListenOptions {
  readonly door: BotDoor;
  /** What the message must hold: a bot is public, and a name is its owner's to choose. */
  readonly word: string;
  /** Told of others who write meanwhile. */
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
  /** Whether a bot of ours runs with this token on this state folder. */
  readonly isTaken: () => Promise<boolean>;
  readonly now: () => number;
  /** Default `SETUP.listenMs`. */
  readonly withinMs?: number;
}

/**
 * Listens until somebody writes the word in a private chat. Messages are looked at and not confirmed: whatever waits for the bot
 * still waits for it afterwards. What waited already does not count: nobody could have known the word. It gives way to a bot of ours
 * that runs here before each look, and to any other at the first conflict: at a second one a bot of ours would give up.
 *
 * @throws CodexAuthError `ERR_TELEGRAM_TOKEN`.
 */
export async function listen({
  door,
  word,
  say,
  signal,
  isTaken,
  now,
  withinMs = SETUP.listenMs,
}: ListenOptions): Promise<ListenEnd> {
  const until = AbortSignal.any([signal, AbortSignal.timeout(withinMs)]);
  const api = apiFor(door, until);
  const seen = new Set<number>();
  const notBefore = now() - SETUP.clockSlackMs;
  let isAway = false;
  for (let isFirst = true; !until.aborted; isFirst = false) {
    try {
      if (await isTaken()) return { kind: "running" };
      const updates = await api.getUpdates(
        // Telegram remembers this list for the bot: it must be the bot's own.
        { timeout: isFirst ? 0 : SETUP.pollSeconds, allowed_updates: ["message", "edited_message", "callback_query"] },
        apiSignal(until),
      );
      isAway = false;
      const heard = senders(updates, seen, { word, notBefore });
      const found = isFirst ? undefined : heard.find(({ hasWord }) => hasWord);
      if (found !== undefined) return { kind: "heard", sender: { personId: found.personId, name: found.name } };
      if (updates.length >= MAX_UPDATES) return { kind: "crowded" };
      if (isFirst) for (const one of heard.filter(({ hasWord }) => hasWord)) say(tooEarly(one, word));
      else for (const one of heard) say(without(one, word));
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

/** Somebody who guesses, or the person, where Telegram's first answer took long. */
function tooEarly({ personId, name }: Heard, word: string): string {
  return `${cleanText(name, 64)} (id ${personId}) wrote ${word} before it was waited for: still waiting for it once more`;
}

function without({ personId, name }: Heard, word: string): string {
  return `${cleanText(name, 64)} (id ${personId}) wrote something else than just ${word}: still waiting`;
}

async function pause(signal: AbortSignal): Promise<void> {
  await delay(TELEGRAM.repollMs, undefined, { signal }).catch(() => undefined);
}
