// Brings the answers that wait in the outbox to their chats, by editing the progress message that they belong to.

import { setTimeout as delay } from "node:timers/promises";
import type { ApplyEngine } from "../../apply/engine.ts";
import type { OutboxMessage } from "../../apply/outbox.ts";
import type { Asker } from "../../chat/conversation.ts";
import type { Reply } from "../../chat/reply.ts";
import type { ChatRouter } from "../../chat/router.ts";
import type { Log } from "../../secrets/log.ts";
import type { ChatWindow } from "./chat-window.ts";
import type { TelegramLimits } from "./limits.ts";
import { errorFields } from "./telegram-error.ts";

/** What delivery is made of. */
export interface DeliveryParts {
  readonly engine: Pick<ApplyEngine, "outbox" | "receipts" | "parked">;
  readonly router: Pick<ChatRouter, "renderReceipt" | "renderApproval" | "renderReminder" | "settled">;
  readonly botId: string;
  readonly allow: (asker: Asker) => boolean;
  readonly windowFor: (chatId: string) => ChatWindow;
  readonly log: Log;
  readonly limits: Pick<TelegramLimits, "deliverRetryMs" | "deliverRetryMaxMs">;
  readonly now: () => number;
}

/** Takes messages of the outbox to Telegram; what fails stays in the outbox and is tried again, ever less often. */
export class Delivery {
  readonly #parts: DeliveryParts;
  readonly #failed = new Map<string, { readonly personId: string; readonly waitMs: number; readonly dueAt: number }>();

  constructor(parts: DeliveryParts) {
    this.#parts = parts;
  }

  /** Delivers until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { engine, limits, log } = this.#parts;
    while (!signal.aborted) {
      try {
        await engine.outbox.watch("telegram", (message) => this.deliver(message), signal);
      } catch (error) {
        log.error("telegram.outbox", error);
        await delay(limits.deliverRetryMs, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  /** Delivers one message; true where there is nothing left to do for it. */
  async deliver(message: OutboxMessage): Promise<boolean> {
    const { botId, allow, log, now } = this.#parts;
    const { address, content, id } = message;
    if (now() < (this.#failed.get(id)?.dueAt ?? 0)) return false;
    const asker = askerAt(botId, address);
    // Somebody taken off the list since they asked learns nothing more.
    if (!allow(asker)) {
      log.warn("telegram.outbox.not-allowed", { kind: content.kind });
      return true;
    }
    try {
      await this.#show(message, asker);
      this.#failed.delete(id);
      return true;
    } catch (error) {
      log.error("telegram.outbox.deliver", error, { kind: content.kind, ...errorFields(error) });
      this.#postpone(id, address.personId);
      return false;
    }
  }

  /** Somebody wrote to the bot: if they could not be reached (never started it, had it blocked), now they can. */
  heardFrom(asker: Pick<Asker, "personId">): void {
    for (const [id, { personId }] of this.#failed) if (personId === asker.personId) this.#failed.delete(id);
  }

  async #show({ address, content }: OutboxMessage, asker: Asker): Promise<void> {
    const { router, windowFor } = this.#parts;
    // A step of progress that is still on its way must not write over the answer.
    const moved = content.kind === "receipt" ? await router.settled(content.receiptId) : undefined;
    const reply = await this.#render(content, asker);
    if (reply === undefined) return;
    const messageId = moved ?? address.messageId;
    const window = windowFor(address.chatId);
    await (messageId === undefined ? window.send(reply) : window.edit(messageId, reply));
  }

  /** Undefined where what was to be told is gone: decided elsewhere, or too old. */
  async #render(content: OutboxMessage["content"], asker: Asker): Promise<Reply | undefined> {
    const { engine, router } = this.#parts;
    if (content.kind === "receipt") {
      const receipt = await engine.receipts.get(content.receiptId);
      return receipt === undefined ? undefined : router.renderReceipt(receipt, asker);
    }
    const parked = await engine.parked.get(content.parkedId);
    if (parked === undefined) return undefined;
    return content.kind === "approval" ? router.renderApproval(parked, asker) : router.renderReminder(parked, asker);
  }

  #postpone(id: string, personId: string): void {
    const { limits, now } = this.#parts;
    const before = this.#failed.get(id)?.waitMs;
    const waitMs = before === undefined ? limits.deliverRetryMs : Math.min(before * 2, limits.deliverRetryMaxMs);
    this.#failed.set(id, { personId, waitMs, dueAt: now() + waitMs });
  }
}

/** The asker that an address stands for: in a private chat, Telegram's chat id is the person's id. */
export function askerAt(botId: string, address: { readonly chatId: string; readonly personId: string }): Asker {
  const { chatId, personId } = address;
  return { host: "telegram", botId, personId, chatId, private: chatId === personId, hasButtons: true };
}
