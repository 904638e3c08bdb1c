// What is said in every chat: the messages that can be seen now, and everything that could ever be seen.

import { badRequest } from "./api-error.ts";
import type { FormattedText } from "./html.ts";
import type { InlineButton, InlineKeyboard } from "./markup.ts";

/** A message as it is now. */
export interface StoredMessage {
  readonly messageId: number;
  readonly chatId: number;
  /** Id of the author; the bot's own id for its messages. */
  readonly authorId: number;
  readonly sentAtMs: number;
  content: FormattedText;
  keyboard: InlineKeyboard;
  editedAtMs?: number;
  forwardedFrom?: string;
}

/** What a person sees of a message. */
export interface VisibleMessage {
  readonly messageId: number;
  readonly from: "bot" | number;
  readonly text: string;
  /** Labels of the buttons, row by row. */
  readonly buttons: readonly (readonly string[])[];
  /** Types and texts of what is marked or found in the text. */
  readonly entities: readonly { readonly type: string; readonly text: string }[];
}

/** One thing that happened in a chat; an edit and a deletion are entries of their own. */
export interface HistoryEntry {
  readonly kind: "sent" | "edited" | "deleted" | "toast";
  readonly from: "bot" | number;
  readonly messageId: number;
  readonly text: string;
  readonly buttons: readonly InlineButton[];
}

interface Chat {
  readonly messages: Map<number, StoredMessage>;
  readonly history: HistoryEntry[];
}

/** All chats of one bot. */
export class ChatBook {
  readonly #botId: number;
  readonly #now: () => number;
  readonly #chats = new Map<number, Chat>();
  #lastMessageId = 0;

  constructor(options: { readonly botId: number; readonly now: () => number }) {
    this.#botId = options.botId;
    this.#now = options.now;
  }

  /** Adds a message and gives it its id. */
  add(parts: Pick<StoredMessage, "chatId" | "authorId" | "content" | "keyboard" | "forwardedFrom">): StoredMessage {
    this.#lastMessageId += 1;
    const message: StoredMessage = { ...parts, messageId: this.#lastMessageId, sentAtMs: this.#now() };
    this.#chat(parts.chatId).messages.set(message.messageId, message);
    this.#note("sent", message);
    return message;
  }

  /** Changes a message. @throws ApiError where nothing would change. */
  edit(message: StoredMessage, content: FormattedText, keyboard: InlineKeyboard): void {
    if (JSON.stringify([message.content, message.keyboard]) === JSON.stringify([content, keyboard])) {
      throw badRequest(
        "message is not modified: specified new message content and reply markup are exactly the same as a current content and reply markup of the message",
      );
    }
    message.content = content;
    message.keyboard = keyboard;
    message.editedAtMs = this.#now();
    this.#note("edited", message);
  }

  /** Removes a message for everybody. */
  remove(message: StoredMessage): void {
    this.#chat(message.chatId).messages.delete(message.messageId);
    this.#note("deleted", message);
  }

  /** The message, while it is there. */
  find(chatId: number, messageId: number): StoredMessage | undefined {
    return this.#chat(chatId).messages.get(messageId);
  }

  /** Keeps what a press was answered with. */
  toast(chatId: number, messageId: number, text: string): void {
    this.#chat(chatId).history.push({ kind: "toast", from: "bot", messageId, text, buttons: [] });
  }

  /** What can be seen in the chat now, oldest first. */
  visible(chatId: number): readonly VisibleMessage[] {
    return [...this.#chat(chatId).messages.values()].map((message) => ({
      messageId: message.messageId,
      from: this.#from(message),
      text: message.content.text,
      buttons: message.keyboard.map((row) => row.map((button) => button.text)),
      entities: message.content.entities.map(({ type, offset, length }) => ({
        type,
        text: message.content.text.slice(offset, offset + length),
      })),
    }));
  }

  /** Everything that was ever shown in the chat. */
  everything(chatId: number): readonly HistoryEntry[] {
    return [...this.#chat(chatId).history];
  }

  /** Ids of the chats in which anything happened. */
  chatIds(): readonly number[] {
    return [...this.#chats.keys()];
  }

  #note(kind: HistoryEntry["kind"], message: StoredMessage): void {
    this.#chat(message.chatId).history.push({
      kind,
      from: this.#from(message),
      messageId: message.messageId,
      text: message.content.text,
      buttons: message.keyboard.flat(),
    });
  }

  #from(message: StoredMessage): "bot" | number {
    return message.authorId === this.#botId ? "bot" : message.authorId;
  }

  #chat(chatId: number): Chat {
    const chat = this.#chats.get(chatId) ?? { messages: new Map(), history: [] };
    this.#chats.set(chatId, chat);
    return chat;
  }
}
