// The messages of this host: a command collects its one answer, a press edits the message under it, everything else is sent anew.

import { randomBytes } from "node:crypto";
import type { Outgoing } from "../../chat/conversation.ts";
import type { Reply } from "../../chat/reply.ts";
import { PLUGIN } from "../../config/defaults.ts";
import type { PressResponder } from "./api.ts";
import { Collector } from "./collector.ts";
import { placeOf } from "./place.ts";
import { renderRaw } from "./render.ts";

/** Sends a message of its own into the chat of an address. @throws CodexAuthError where this OpenClaw has no way to. */
export type SendTo = (chatId: string, reply: Reply) => Promise<void>;

/** A press as the chat gets it. */
export interface PressedMessage {
  /** The message under the button, by the name that the chat knows it by. */
  readonly messageId: string;
  readonly out: Outgoing;
}

/**
 * OpenClaw tells no message's id after a command was answered, and edits only what was pressed. So messages have names of our own;
 * a button tells which one it stands under, and from its press on that message can be edited, as long as the process lives.
 */
export class OpenClawMessages {
  readonly #sendTo: SendTo;
  readonly #open = new Set<Collector>();
  readonly #editable = new Recent<PressResponder>(PLUGIN.messagesKept);
  readonly #names = new Recent<string>(PLUGIN.buttonsKept);

  constructor(sendTo: SendTo) {
    this.#sendTo = sendTo;
  }

  /** Begins the answer of a command in `chatId`; `close` ends it. */
  collect(chatId: string): Collector {
    const collector: Collector = new Collector(chatId, newName, () => {
      this.#open.delete(collector);
      for (const [name, reply] of collector.named) this.#remember(name, reply);
    });
    this.#open.add(collector);
    return collector;
  }

  /** The way back for a press of the button with `data`, under the message that Telegram calls `messageId`. */
  pressed(press: {
    readonly chatId: string;
    readonly data: string;
    readonly messageId: string;
    readonly respond: PressResponder;
  }): PressedMessage {
    const name = this.#names.get(press.data) ?? `under/${press.messageId}`;
    this.#editable.set(name, press.respond);
    const send: Outgoing["send"] = async (reply) => {
      const own = newName();
      await press.respond.reply(renderRaw(reply));
      this.#remember(own, reply);
      return own;
    };
    return {
      messageId: name,
      out: {
        send,
        edit: (messageId, reply) => this.#edit(press.chatId, messageId, reply, send),
        // A press has no message of the person to remove.
        deleteIncoming: () => Promise.resolve(true),
      },
    };
  }

  /** The chat of an address, for what nobody is waiting for: progress, and answers out of the outbox. */
  at(chatId: string): Outgoing {
    const send: Outgoing["send"] = (reply) => this.#send(chatId, reply);
    return {
      send,
      edit: async (messageId, reply) => {
        const collector = this.#collectorOf(chatId, messageId);
        const shown = await this.#edit(chatId, messageId, reply, send);
        // Only when the command has answered is it shown: what dies before stays in the outbox.
        await collector?.closed;
        return shown;
      },
      deleteIncoming: () => Promise.resolve(false),
    };
  }

  /** Whether the message belongs to the answer of a command that has not ended yet. */
  isInAnswer(chatId: string, messageId: string): boolean {
    return this.#collectorOf(chatId, messageId) !== undefined;
  }

  /** Edits the message where that is possible; else a new one takes its place, by `send`. */
  async #edit(chatId: string, messageId: string, reply: Reply, send: Outgoing["send"]): Promise<string> {
    if (this.#collectorOf(chatId, messageId)?.edit(messageId, reply) === true) return messageId;
    const respond = this.#editable.get(messageId);
    if (respond !== undefined && (await editedBy(respond, reply))) {
      this.#remember(messageId, reply);
      return messageId;
    }
    return reply.isPassing === true ? messageId : send(reply);
  }

  async #send(chatId: string, reply: Reply): Promise<string> {
    const name = newName();
    await this.#sendTo(chatId, reply);
    this.#remember(name, reply);
    return name;
  }

  #collectorOf(chatId: string, messageId: string): Collector | undefined {
    return [...this.#open].find((collector) => collector.chatId === chatId && collector.holds(messageId));
  }

  #remember(name: string, { buttons = [] }: Reply): void {
    for (const button of buttons.flat()) if (button.kind === "action") this.#names.set(button.data, name);
  }
}

/** Whether `chatId` is one where Telegram's buttons work. */
export function isTelegram(chatId: string): boolean {
  return placeOf(chatId).channel === "telegram";
}

function newName(): string {
  return `shown/${randomBytes(9).toString("base64url")}`;
}

/** False where the message is gone or too old; that it shows the same already is as good as an edit. */
async function editedBy(respond: PressResponder, reply: Reply): Promise<boolean> {
  try {
    await respond.editMessage(renderRaw(reply));
    return true;
  } catch (error) {
    return error instanceof Error && error.message.includes("message is not modified");
  }
}

/** The entries that were set last. */
class Recent<T> {
  readonly #entries = new Map<string, T>();
  readonly #kept: number;

  constructor(kept: number) {
    this.#kept = kept;
  }

  get(key: string): T | undefined {
    return this.#entries.get(key);
  }

  set(key: string, value: T): void {
    this.#entries.delete(key);
    this.#entries.set(key, value);
    const [oldest] = this.#entries.keys();
    if (this.#entries.size > this.#kept && oldest !== undefined) this.#entries.delete(oldest);
  }
}
