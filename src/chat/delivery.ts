// Delivers what the outbox holds for a host: the final answer takes the place of the progress message, also after a restart.

import type { Address } from "../apply/job.ts";
import type { Outbox, OutboxMessage } from "../apply/outbox.ts";
import { CHAT } from "../config/defaults.ts";
import type { Asker, Outgoing } from "./conversation.ts";
import type { Reply } from "./reply.ts";
import type { ChatRouter } from "./router.ts";
import type { ChatServices } from "./services.ts";

/** How a host reaches the chat of an address; "not modified" counts as shown, a vanished message is sent anew: the host's part. */
export interface DeliveryPort {
  asker(address: Address): Asker;
  out(address: Address): Pick<Outgoing, "send" | "edit">;
  /** True for an error that no later try can heal, such as a person who has blocked the bot. */
  isFinal?(error: unknown): boolean;
}

/** What a {@link Delivery} is made of. */
export interface DeliveryOptions {
  readonly host: Asker["host"];
  readonly outbox: Pick<Outbox, "watch">;
  readonly router: ChatRouter;
  readonly services: Pick<ChatServices, "engine" | "allow" | "now" | "log">;
  readonly port: DeliveryPort;
}

/** Carries answers from the outbox into the chats of one host. */
export class Delivery {
  readonly #options: DeliveryOptions;
  readonly #failures = new Map<string, { readonly count: number; readonly nextAt: number }>();

  constructor(options: DeliveryOptions) {
    this.#options = options;
  }

  /** Delivers until `signal` aborts. */
  run(signal: AbortSignal): Promise<void> {
    return this.#options.outbox.watch(this.#options.host, (message) => this.deliver(message), signal);
  }

  /** Delivers one message; true where the outbox may forget it, false where it is to be tried again later. */
  async deliver(message: OutboxMessage): Promise<boolean> {
    const { services, port } = this.#options;
    const failed = this.#failures.get(message.id);
    if (failed !== undefined && failed.nextAt > services.now()) return false;
    const asker = port.asker(message.address);
    // Asked again here: who was taken off the list since hears nothing any more.
    if (!services.allow(asker)) {
      services.log.warn("outbox.not-allowed", { message: message.id });
      return true;
    }
    try {
      const reply = await this.#render(message, asker);
      if (reply !== undefined) await this.#show(message, reply);
      this.#failures.delete(message.id);
      return true;
    } catch (error) {
      const count = (failed?.count ?? 0) + 1;
      const waitMs = Math.min(CHAT.deliveryRetryMaxMs, CHAT.deliveryRetryMs * 2 ** Math.min(count - 1, 10));
      this.#failures.set(message.id, { count, nextAt: services.now() + waitMs });
      services.log.error("outbox.deliver", error, { message: message.id, count });
      return port.isFinal?.(error) ?? false;
    }
  }

  /** What there is to say, or undefined where its subject is gone. */
  async #render(message: OutboxMessage, asker: Asker): Promise<Reply | undefined> {
    const { router, services } = this.#options;
    const { content } = message;
    if (content.kind === "receipt") {
      const receipt = await services.engine.receipts.get(content.receiptId);
      return receipt === undefined ? undefined : router.renderReceipt(receipt, asker);
    }
    const parked = await services.engine.parked.get(content.parkedId);
    if (parked === undefined) return undefined;
    return content.kind === "approval" ? router.renderApproval(parked, asker) : router.renderReminder(parked, asker);
  }

  async #show(message: OutboxMessage, reply: Reply): Promise<void> {
    const { router, port } = this.#options;
    const { address, content } = message;
    const out = port.out(address);
    const shown = content.kind === "receipt" ? await router.settled(content.receiptId) : undefined;
    const messageId = shown ?? address.messageId;
    if (content.kind === "receipt" && messageId !== undefined) await out.edit(messageId, reply);
    else await out.send(reply);
  }
}
