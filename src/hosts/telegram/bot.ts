// The bot's wiring: who is heard, in which order, and what of an update reaches the chat.

import { Bot, type Context, type NextFunction } from "grammy";
import type { Message } from "grammy/types";
import { mayHoldCallback } from "../../chat/command.ts";
import type { Asker, Incoming, Outgoing } from "../../chat/conversation.ts";
import type { ChatRouter } from "../../chat/router.ts";
import { errorReply } from "../../chat/wording.ts";
import type { Log } from "../../secrets/log.ts";
import type { Secret } from "../../secrets/secret.ts";
import { botApiFetch } from "./bot-api.ts";
import { ChatQueues } from "./chat-queues.ts";
import { ChatWindow } from "./chat-window.ts";
import { COMMANDS, meaningOf } from "./commands.ts";
import type { TelegramLimits } from "./limits.ts";
import { outgoingFor } from "./outgoing.ts";
import { PressAnswer } from "./press-answer.ts";
import { RecentIds } from "./recent-ids.ts";
import { endWith, tryAgain, waitWhenAsked } from "./retries.ts";
import type { Strangers } from "./strangers.ts";
import { errorFields } from "./telegram-error.ts";

/** What a bot is made of. */
export interface BotParts {
  readonly token: Secret;
  /** Root of the Bot API, without a slash at its end. */
  readonly apiRoot: string;
  readonly router: Pick<ChatRouter, "handle">;
  readonly allow: (asker: Asker) => boolean;
  readonly strangers: Strangers;
  /** Told of everybody on the list who writes or presses. */
  readonly heardFrom: (asker: Asker) => void;
  readonly limits: TelegramLimits;
  readonly log: Log;
  /** Ends every call when the bot is gone. */
  readonly lifetime: AbortSignal;
}

/** The namespaces of our buttons; anything else is from another time or another program. */
const OUR_BUTTONS = /^(?:codex_auth|lease|codex_usage)_/;

/** An update that was let in: who acts, and the way back. */
type TurnContext = Context & { turn?: { readonly asker: Asker; readonly out: Outgoing } };

/** A bot that is wired but not yet polling. */
export function createBot(parts: BotParts): Bot<TurnContext> {
  const { limits, allow, log, router } = parts;
  const bot = new Bot<TurnContext>(parts.token.expose(), {
    // `sensitiveLogs` would put the address of a call, and so the token, into error messages.
    client: {
      apiRoot: parts.apiRoot,
      fetch: botApiFetch(parts.apiRoot, parts.lifetime),
      timeoutSeconds: limits.requestTimeoutSeconds,
      sensitiveLogs: false,
    },
  });
  bot.api.config.use(tryAgain(limits.retryFirstMs), waitWhenAsked(), endWith(parts.lifetime));
  bot.catch(async ({ error, ctx }) => {
    log.error("telegram.update", error, errorFields(error));
    const asker = askerOf(ctx);
    if (asker !== undefined && allow(asker))
      await windowOf(ctx, asker)
        .send(errorReply(error))
        .catch(() => undefined);
  });
  bot.use(doorkeeper(parts));

  const hand = async ({ turn }: TurnContext, incoming: Incoming): Promise<void> => {
    if (turn !== undefined) await router.handle(turn.asker, incoming, turn.out);
  };
  for (const command of COMMANDS) {
    bot.command(command, (ctx) => hand(ctx, { kind: "command", ...meaningOf(command, ctx.match) }));
  }
  bot.callbackQuery(OUR_BUTTONS, (ctx) => {
    const messageId = ctx.callbackQuery.message?.message_id;
    const { data } = ctx.callbackQuery;
    return hand(ctx, { kind: "press", data, ...(messageId === undefined ? {} : { messageId: String(messageId) }) });
  });
  bot.on("callback_query", (ctx) => ctx.turn?.out.toast?.("This button is not in use any more. Send /codex_auth."));
  bot.on("message", async (ctx) => {
    const text = textOf(ctx.message);
    // In a group, and under a picture, only what must not be seen there concerns us.
    const isPlain = ctx.chat.type === "private" && ctx.message.text !== undefined;
    if (isPlain || mayHoldCallback(text)) await hand(ctx, { kind: "text", text });
  });
  bot.on("edited_message", async (ctx) => {
    // A command is not given twice by mending a letter; an address that was put in later must go all the same.
    const text = textOf(ctx.editedMessage);
    if (mayHoldCallback(text)) await hand(ctx, { kind: "text", text });
  });
  return bot;
}

/**
 * The first middleware: each update once, from people on the list, one after another in each chat and chats side by side.
 * It must not wait before it queues, or updates of one chat overtake each other.
 */
function doorkeeper(parts: BotParts): (ctx: TurnContext, next: NextFunction) => Promise<unknown> {
  const presses = new RecentIds(parts.limits.pressesRemembered);
  const queues = new ChatQueues();
  return async (ctx, next) => {
    const { callback_query: query } = ctx.update;
    const message = ctx.update.message ?? ctx.update.edited_message;
    if (query !== undefined && !presses.add(query.id)) return;
    const asker = askerOf(ctx);
    if (asker === undefined) return;
    if (parts.allow(asker)) parts.heardFrom(asker);
    else {
      parts.strangers.ignored(asker);
      // Posted by whomever: a sign-in's address that a group has read must end its attempt. The chat stays silent about it.
      if (asker.private || message === undefined || !mayHoldCallback(textOf(message))) return;
    }
    const window = windowOf(ctx, asker);
    const press = query === undefined ? undefined : pressAnswer(ctx, window, parts.limits.ackAfterMs);
    ctx.turn = {
      asker,
      out: outgoingFor({
        window,
        ...(message === undefined ? {} : { incomingMessageId: message.message_id }),
        ...(press === undefined ? {} : { press }),
      }),
    };
    try {
      await queues.run(asker.chatId, next);
    } finally {
      // The press was carried out: that the button goes on spinning is nobody's "Something went wrong".
      await press?.finish().catch((error: unknown) => parts.log.error("telegram.press", error, errorFields(error)));
    }
  };
}

/** Everything that can be read in a message: its words, those under a picture, and the addresses behind its links. */
function textOf(message: Pick<Message, "text" | "caption" | "entities" | "caption_entities">): string {
  const links = [...(message.entities ?? []), ...(message.caption_entities ?? [])].flatMap((entity) =>
    entity.type === "text_link" ? [entity.url] : [],
  );
  return [message.text ?? message.caption ?? "", ...links].join("\n");
}

function pressAnswer(ctx: Context, window: ChatWindow, ackAfterMs: number): PressAnswer {
  return new PressAnswer({
    answer: (text) => ctx.answerCallbackQuery(text === undefined ? {} : { text }),
    tell: (text) => window.send({ lines: [[text]] }),
    ackAfterMs,
  });
}

function windowOf(ctx: Context, asker: Asker): ChatWindow {
  return new ChatWindow(ctx.api, asker.chatId);
}

/** Who acts is the sender or the one who presses, never whom a message was written for. */
function askerOf(ctx: Context): Asker | undefined {
  const { from, chat } = ctx;
  // Ids are numbers: anything else does not come from Telegram, and is neither compared with the list nor printed.
  if (!Number.isSafeInteger(from?.id) || !Number.isSafeInteger(chat?.id)) return undefined;
  if (from === undefined || chat === undefined) return undefined;
  return {
    host: "telegram",
    botId: String(ctx.me.id),
    personId: String(from.id),
    chatId: String(chat.id),
    private: chat.type === "private",
    hasButtons: true,
  };
}
