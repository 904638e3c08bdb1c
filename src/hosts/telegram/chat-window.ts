// One Telegram chat as a place to write into: new messages, edits that fall back to new messages, deletions.

import type { Api } from "grammy";
import type { Reply } from "../../chat/reply.ts";
import { renderReply } from "./render.ts";
import { isGone, isNotModified, isUneditable } from "./telegram-error.ts";

/** Writes into the chat `chatId`. */
export class ChatWindow {
  readonly #api: Api;
  readonly #chatId: string;

  constructor(api: Api, chatId: string) {
    this.#api = api;
    this.#chatId = chatId;
  }

  /** Shows a new message and gives its id. */
  async send(reply: Reply): Promise<string> {
    const { html, keyboard } = renderReply(reply);
    const sent = await this.#api.sendMessage(this.#chatId, html, {
      ...LOOK,
      reply_markup: { inline_keyboard: keyboard },
    });
    return String(sent.message_id);
  }

  /** Replaces a message of the bot; gives the id of the message that shows `reply` now. */
  async edit(messageId: string, reply: Reply): Promise<string> {
    const { html, keyboard } = renderReply(reply);
    try {
      await this.#api.editMessageText(this.#chatId, Number(messageId), html, {
        ...LOOK,
        reply_markup: { inline_keyboard: keyboard },
      });
      return messageId;
    } catch (error) {
      if (isNotModified(error)) return messageId;
      if (isUneditable(error)) return this.send(reply);
      throw error;
    }
  }

  /**
   * Removes a message; false where Telegram does not let us (older than 48 h, no right in a group) or cannot be reached. One
   * that is gone already is removed: the person was faster, or this is the second look at an update after a crash.
   */
  async delete(messageId: number): Promise<boolean> {
    try {
      return await this.#api.deleteMessage(this.#chatId, messageId);
    } catch (error) {
      return isGone(error);
    }
  }
}

/** A preview would fetch the sign-in page from Telegram's servers. */
const LOOK = { parse_mode: "HTML", link_preview_options: { is_disabled: true } } as const;
