// A person at their phone: writes, presses, edits, forwards, blocks.

import { describe, type ServerParts } from "./bot-methods.ts";
import type { PressAnswer } from "./callbacks.ts";
import { withFoundEntities } from "./entities.ts";

/** A press: what the bot answered it with, once it does. */
export interface PressHandle {
  readonly queryId: string;
  readonly answer: Promise<PressAnswer>;
  /** Delivers the same query to the bot once more, under another update id. */
  arrivesAgain(): void;
}

/** One person who talks to the bot. */
export class Person {
  readonly id: number;
  readonly #parts: ServerParts;
  readonly #changed: () => void;

  constructor(id: number, parts: ServerParts, changed: () => void) {
    this.id = id;
    this.#parts = parts;
    this.#changed = changed;
  }

  /** Writes `text` to the bot, or into the group `chat`; gives the message's id. */
  sends(text: string, options: { readonly chat?: number; readonly forwardedFrom?: string } = {}): number {
    const { book, rooms, updates } = this.#parts;
    const chatId = options.chat ?? this.id;
    if (chatId === this.id) rooms.start(this.id);
    const message = book.add({
      chatId,
      authorId: this.id,
      content: withFoundEntities({ text, entities: [] }),
      keyboard: [],
      ...(options.forwardedFrom === undefined ? {} : { forwardedFrom: options.forwardedFrom }),
    });
    if (this.#botHears(chatId, text)) updates.push("message", describe(this.#parts, message));
    this.#changed();
    return message.messageId;
  }

  /** Forwards somebody else's text to the bot. */
  forwards(text: string, from = "Somebody else"): number {
    return this.sends(text, { forwardedFrom: from });
  }

  /** Sends a picture with words under it, and with addresses behind some of them. */
  sendsPicture(caption: string, options: { readonly chat?: number; readonly links?: readonly string[] } = {}): number {
    const { book, updates } = this.#parts;
    const chatId = options.chat ?? this.id;
    const content = withFoundEntities({ text: caption, entities: [] });
    const message = book.add({ chatId, authorId: this.id, content, keyboard: [] });
    const { text: _text, entities: _entities, ...rest } = describe(this.#parts, message);
    const links = (options.links ?? []).map((url) => ({ type: "text_link", offset: 0, length: 1, url }));
    updates.push("message", { ...rest, caption, caption_entities: links, photo: [] });
    this.#changed();
    return message.messageId;
  }

  /** Changes an own message. */
  edits(messageId: number, text: string, options: { readonly chat?: number } = {}): void {
    const chatId = options.chat ?? this.id;
    const message = this.#parts.book.find(chatId, messageId);
    if (message === undefined || message.authorId !== this.id)
      throw new Error("There is no such message of this person.");
    this.#parts.book.edit(message, withFoundEntities({ text, entities: [] }), []);
    this.#parts.updates.push("edited_message", describe(this.#parts, message));
    this.#changed();
  }

  /** Presses a button of a visible message, by its label or its exact data. */
  presses(messageId: number, button: string, options: { readonly chat?: number } = {}): PressHandle {
    const chatId = options.chat ?? this.id;
    const buttons = this.#parts.book.find(chatId, messageId)?.keyboard.flat() ?? [];
    const found = buttons.find(
      ({ text, callback_data: data }) => data !== undefined && (text === button || data === button),
    );
    if (found?.callback_data === undefined) {
      throw new Error(
        `No button "${button}" on message ${messageId}; there are: ${buttons.map(({ text }) => text).join(", ")}`,
      );
    }
    return this.pressesData(messageId, found.callback_data, options);
  }

  /** Sends callback data as a changed client could: the server does not check that such a button exists. */
  pressesData(messageId: number, data: string, options: { readonly chat?: number } = {}): PressHandle {
    const chatId = options.chat ?? this.id;
    const { book, callbacks, updates, rooms } = this.#parts;
    const query = callbacks.open(chatId, messageId);
    const message = book.find(chatId, messageId);
    const content = {
      id: query.id,
      from: { id: this.id, is_bot: false, first_name: `Person ${this.id}` },
      chat_instance: String(chatId * 7),
      data,
      message:
        message === undefined
          ? { chat: rooms.describe(chatId), message_id: messageId, date: 0 }
          : describe(this.#parts, message),
    };
    const arrives = (): void => {
      updates.push("callback_query", content);
      this.#changed();
    };
    arrives();
    return { queryId: query.id, answer: query.answer, arrivesAgain: arrives };
  }

  /** Blocks the bot. */
  blocks(): void {
    this.#parts.rooms.block(this.id);
  }

  /** In a group with privacy mode the bot hears commands that name it or nobody, and nothing else. */
  #botHears(chatId: number, text: string): boolean {
    const group = this.#parts.rooms.group(chatId);
    if (group === undefined || !group.privacyMode) return true;
    const [, mention] = /^\/\w+(?:@(\w+))?/.exec(text) ?? [];
    return text.startsWith("/") && (mention === undefined || mention === this.#parts.bot.username);
  }
}
