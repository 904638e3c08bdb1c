// A running bot: connected, polling, delivering, and an orderly end.

import type { Bot } from "grammy";
import type { ApplyEngine } from "../../apply/engine.ts";
import type { Address } from "../../apply/job.ts";
import type { Asker } from "../../chat/conversation.ts";
import { Delivery } from "../../chat/delivery.ts";
import type { ChatRouter } from "../../chat/router.ts";
import type { Log } from "../../secrets/log.ts";
import type { Secret } from "../../secrets/secret.ts";
import { createBot } from "./bot.ts";
import { ChatWindow } from "./chat-window.ts";
import { registerCommands } from "./commands.ts";
import { askerAt, deliveryPort } from "./deliver.ts";
import { type TelegramLimits, telegramLimits } from "./limits.ts";
import { outgoingFor } from "./outgoing.ts";
import { Poller } from "./polling.ts";
import { keepReminding } from "./reminders.ts";
import { Strangers } from "./strangers.ts";
import { errorFields } from "./telegram-error.ts";

/** What a bot needs of the chat. */
export type BotRouter = Pick<
  ChatRouter,
  | "handle"
  | "renderReceipt"
  | "renderApproval"
  | "renderReminder"
  | "renderInvitation"
  | "renderChange"
  | "settled"
  | "resume"
  | "close"
>;

/** What a running bot is made of. */
export interface TelegramBotParts {
  readonly token: Secret;
  /** Root of the Bot API: https, or http on loopback. */
  readonly apiRoot: string;
  readonly router: BotRouter;
  readonly engine: Pick<ApplyEngine, "outbox" | "receipts" | "parked">;
  /** Asked for each message, each press and each delivery. */
  readonly allow: (asker: Asker) => boolean;
  /** Those who are reminded of what a script asks for. */
  readonly approvers: () => readonly Address[];
  /** Where the allow-list is kept, for the hint about ignored senders. */
  readonly settingsPath: string;
  readonly now: () => number;
  readonly log: Log;
  /** One sentence for the operator's terminal; never what somebody wrote. */
  readonly print: (line: string) => void;
  /** Ends the start, too: a bot without a network waits for one. */
  readonly signal?: AbortSignal;
  readonly limits?: Partial<TelegramLimits>;
  /** The first wait before an answer that could not be delivered is tried again. Default `CHAT.deliveryRetryMs`. */
  readonly deliveryRetryMs?: number;
}

/** A bot at work. */
export interface RunningBot {
  readonly botId: string;
  readonly username: string;
  /** Resolves when the bot has stopped; rejects where it cannot go on (`ERR_TELEGRAM_TOKEN`, `ERR_TELEGRAM_CONFLICT`). */
  readonly finished: Promise<void>;
  /** Stops taking updates, lets answers under way finish, and confirms what was handled. */
  stop(): Promise<void>;
}

/**
 * Connects and starts; resolves when the bot listens.
 *
 * @throws CodexAuthError `ERR_TELEGRAM_TOKEN`, `ERR_TELEGRAM_CONFLICT`, `ERR_CANCELLED`.
 */
export async function runTelegramBot(parts: TelegramBotParts): Promise<RunningBot> {
  const limits = telegramLimits(parts.limits);
  const stopping = new AbortController();
  const stop = parts.signal === undefined ? stopping.signal : AbortSignal.any([stopping.signal, parts.signal]);
  const lifetime = new AbortController();
  const strangers = new Strangers(parts);
  let delivery: Delivery | undefined;
  const heardFrom = (asker: Asker): void => delivery?.heardFrom(asker);
  const bot = createBot({ ...parts, limits, strangers, heardFrom, lifetime: lifetime.signal });
  const poller = new Poller({ bot, limits, now: parts.now, log: parts.log, print: parts.print, stop });
  const me = await poller.connect().catch((error: unknown) => {
    lifetime.abort();
    throw error;
  });
  bot.botInfo = me;
  const botId = String(me.id);
  await prepare(parts, bot, botId);
  delivery = new Delivery({
    host: "telegram",
    outbox: parts.engine.outbox,
    router: parts.router,
    services: parts,
    port: deliveryPort(bot.api, botId),
    ...(parts.deliveryRetryMs === undefined ? {} : { retryMs: parts.deliveryRetryMs }),
  });
  const { approvers, now, log } = parts;
  const { outbox, parked } = parts.engine;
  const reminding = keepReminding({ outbox, parked, approvers, now, log, everyMs: limits.remindEveryMs }, stop);
  const inBackground = Promise.all([delivery.run(stop), reminding]);
  const work = async (): Promise<void> => {
    try {
      await poller.run();
    } finally {
      stopping.abort();
      await parts.router.close();
      await inBackground;
      lifetime.abort();
    }
  };
  const finished = work();
  // Whoever only calls stop() must not meet an unhandled rejection.
  finished.catch((error: unknown) => parts.log.error("telegram.finished", error));
  return {
    botId,
    username: me.username,
    finished,
    stop: async () => {
      stopping.abort();
      await finished.catch(() => undefined);
    },
  };
}

/** The menu, and the progress of jobs that an earlier bot had shown; neither is worth not starting for. */
async function prepare(parts: TelegramBotParts, bot: Bot, botId: string): Promise<void> {
  await registerCommands(bot.api).catch((error: unknown) =>
    parts.log.error("telegram.commands", error, errorFields(error)),
  );
  try {
    await parts.router.resume("telegram", (address) => ({
      asker: askerAt(botId, address),
      out: outgoingFor({ window: new ChatWindow(bot.api, address.chatId) }),
    }));
  } catch (error) {
    parts.log.error("telegram.resume", error);
  }
}
