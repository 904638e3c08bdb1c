// The methods that a bot calls, with the checks of the real server.

import { badRequest, conflict } from "./api-error.ts";
import { type Arguments, integer, structured, text } from "./arguments.ts";
import type { CallbackQueries } from "./callbacks.ts";
import type { ChatBook, StoredMessage } from "./chat-book.ts";
import type { CommandMenu } from "./commands.ts";
import { withFoundEntities } from "./entities.ts";
import { type FormattedText, parseHtml } from "./html.ts";
import { parseMarkup } from "./markup.ts";
import type { Rooms } from "./rooms.ts";
import type { UpdateQueue } from "./update-queue.ts";

/** The parts of the server that methods work on. */
export interface ServerParts {
  readonly bot: { readonly id: number; readonly username: string };
  readonly book: ChatBook;
  readonly rooms: Rooms;
  readonly updates: UpdateQueue;
  readonly callbacks: CallbackQueries;
  readonly menu: CommandMenu;
  readonly now: () => number;
  /** The webhook that somebody set; empty means none. */
  webhookUrl: string;
}

type Method = (parts: ServerParts, args: Arguments, signal: AbortSignal) => unknown;

const MAX_TEXT_CHARS = 4_096;
const DELETABLE_MS = 48 * 60 * 60 * 1_000;
const CHAT_ACTIONS = new Set(["typing", "upload_document", "find_location"]);

/** Every method that this server knows, by its name in lower case. */
export const BOT_METHODS: Readonly<Record<string, Method>> = {
  getme: ({ bot }) => ({
    id: bot.id,
    is_bot: true,
    first_name: "Fake bot",
    username: bot.username,
    can_join_groups: true,
    can_read_all_group_messages: false,
    supports_inline_queries: false,
  }),
  getwebhookinfo: ({ webhookUrl, updates }) => ({
    url: webhookUrl,
    has_custom_certificate: false,
    pending_update_count: updates.pending().length,
  }),
  deletewebhook: (parts) => {
    parts.webhookUrl = "";
    return true;
  },
  getupdates: async (parts, args, signal) => {
    if (parts.webhookUrl !== "") {
      throw conflict(
        "can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first",
      );
    }
    return parts.updates.get(args, signal);
  },
  setmycommands: ({ menu }, args) => menu.set(args),
  getmycommands: ({ menu }, args) => menu.get(args),
  deletemycommands: ({ menu }, args) => menu.delete(args),
  answercallbackquery: ({ callbacks }, args) => callbacks.answer(args),
  sendchataction: ({ rooms }, args) => {
    rooms.writable(chatIdOf(args));
    if (!CHAT_ACTIONS.has(text(args, "action"))) throw badRequest("wrong parameter action in request");
    return true;
  },
  sendmessage: (parts, args) => {
    const chatId = chatIdOf(args);
    parts.rooms.writable(chatId);
    const content = contentOf(args, "message is too long");
    const keyboard = parseMarkup(structured(args, "reply_markup"));
    return describe(parts, parts.book.add({ chatId, authorId: parts.bot.id, content, keyboard }));
  },
  editmessagetext: (parts, args) => {
    const content = contentOf(args, "MESSAGE_TOO_LONG");
    const keyboard = parseMarkup(structured(args, "reply_markup"));
    const message = ownMessage(parts, args);
    parts.book.edit(message, content, keyboard);
    return describe(parts, message);
  },
  editmessagereplymarkup: (parts, args) => {
    const keyboard = parseMarkup(structured(args, "reply_markup"));
    const message = ownMessage(parts, args);
    parts.book.edit(message, message.content, keyboard);
    return describe(parts, message);
  },
  deletemessage: (parts, args) => {
    const chatId = chatIdOf(args);
    parts.rooms.writable(chatId);
    const message = parts.book.find(chatId, integer(args, "message_id"));
    if (message === undefined) throw badRequest("message to delete not found");
    const group = parts.rooms.group(chatId);
    const isOwn = message.authorId === parts.bot.id;
    if (!isOwn && group !== undefined && !group.botCanDelete) throw badRequest("message can't be deleted");
    if (parts.now() - message.sentAtMs > DELETABLE_MS) throw badRequest("message can't be deleted for everyone");
    parts.book.remove(message);
    return true;
  },
};

/** A message as the Bot API gives it. */
export function describe(parts: ServerParts, message: StoredMessage): Record<string, unknown> {
  const isOwn = message.authorId === parts.bot.id;
  return {
    message_id: message.messageId,
    from: isOwn
      ? { id: parts.bot.id, is_bot: true, first_name: "Fake bot", username: parts.bot.username }
      : { id: message.authorId, is_bot: false, first_name: `Person ${message.authorId}` },
    chat: parts.rooms.describe(message.chatId),
    date: Math.floor(message.sentAtMs / 1_000),
    text: message.content.text,
    ...(message.editedAtMs === undefined ? {} : { edit_date: Math.floor(message.editedAtMs / 1_000) }),
    ...(message.content.entities.length === 0 ? {} : { entities: message.content.entities }),
    ...(message.keyboard.length === 0 ? {} : { reply_markup: { inline_keyboard: message.keyboard } }),
    ...(message.forwardedFrom === undefined
      ? {}
      : { forward_origin: { type: "hidden_user", sender_user_name: message.forwardedFrom, date: 0 } }),
  };
}

function chatIdOf(args: Arguments): number {
  if (args["chat_id"] === undefined || args["chat_id"] === "") throw badRequest("chat_id is empty");
  return integer(args, "chat_id");
}

function contentOf(args: Arguments, tooLong: string): FormattedText {
  const raw = text(args, "text");
  const mode = text(args, "parse_mode").toLowerCase();
  if (mode !== "" && mode !== "html") throw badRequest("unsupported parse_mode");
  const content = withFoundEntities(mode === "html" ? parseHtml(raw) : { text: raw, entities: [] });
  if (content.text.trim() === "") throw badRequest("message text is empty");
  if (content.text.length > MAX_TEXT_CHARS) throw badRequest(tooLong);
  return content;
}

function ownMessage(parts: ServerParts, args: Arguments): StoredMessage {
  const chatId = chatIdOf(args);
  parts.rooms.writable(chatId);
  const message = parts.book.find(chatId, integer(args, "message_id"));
  if (message === undefined) throw badRequest("message to edit not found");
  if (message.authorId !== parts.bot.id) throw badRequest("message can't be edited");
  return message;
}
