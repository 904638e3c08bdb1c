// Delivers what the outbox holds for a host: the final answer takes the place of the progress message, also after a restart.

import { setTimeout as delay } from "node:timers/promises";
import type { ApplyEngine } from "../apply/engine.ts";
import type { Address } from "../apply/job.ts";
import type { Outbox, OutboxMessage } from "../apply/outbox.ts";
import { CHAT } from "../config/defaults.ts";
import type { LogFields } from "../secrets/log.ts";
import type { Asker, Outgoing } from "./conversation.ts";
import type { Reply } from "./reply.ts";
import type { ChatRouter } from "./router.ts";
import type { ChatServices } from "./services.ts";

/** How a host reaches the chat of an address; "not modified" counts as shown, a vanished message is sent anew: the host's part. */
export interface DeliveryPort {
  asker(address: Address): Asker;
  out(address: Address): Pick<Outgoing, "send" | "edit">;
  /** What the operator's log may know of an error of `out`. */
  errorFields?(error: unknown): LogFields;
}

/** What a {@link Delivery} is made of. */
export interface DeliveryOptions {
  readonly host: Asker["host"];
  readonly outbox: Pick<Outbox, "watch">;
  readonly router: Pick<
    ChatRouter,
    "renderReceipt" | "renderApproval" | "renderReminder" | "renderInvitation" | "renderChange" | "settled"
  >;
  readonly services: Pick<ChatServices, "allow" | "now" | "log"> & {
    readonly engine: Pick<ApplyEngine, "receipts" | "parked">;
  };
  readonly port: DeliveryPort;
  /** The first wait after a failure, in milliseconds; it doubles up to `CHAT.deliveryRetryMaxMs`. Default `CHAT.deliveryRetryMs`. */
  readonly retryMs?: number;
}

interface Failure {
  readonly personId: string;
  readonly waitMs: number;
  readonly dueAt: number;
}

/**
 * Carries answers from the outbox into the chats of one host. What fails stays in the outbox and is tried again, ever less
 * often: no error is final, for whoever has blocked the bot may unblock it. The outbox drops what is too old.
 */
export class Delivery {
  readonly #options: DeliveryOptions;
  readonly #retryMs: number;
  readonly #failed = new Map<string, Failure>();

  constructor(options: DeliveryOptions) {
    this.#options = options;
    this.#retryMs = options.retryMs ?? CHAT.deliveryRetryMs;
  }

  /** Delivers until `signal` aborts, also where looking into the outbox itself fails for a while. */
  async run(signal: AbortSignal): Promise<void> {
    const { host, outbox, services } = this.#options;
    while (!signal.aborted) {
      try {
        await outbox.watch(host, (message) => this.deliver(message), signal);
      } catch (error) {
        services.log.error("outbox.watch", error);
        await delay(this.#retryMs, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  /** Delivers one message; true where the outbox may forget it, false where it is to be tried again later. */
  async deliver(message: OutboxMessage): Promise<boolean> {
    const { services, port } = this.#options;
    const { id, address, content } = message;
    if (this.#mustWait(id)) return false;
    const asker = port.asker(address);
    // Asked again here: who was taken off the list since hears nothing any more.
    if (!services.allow(asker)) {
      services.log.warn("outbox.not-allowed", { message: id, kind: content.kind });
      this.#failed.delete(id);
      return true;
    }
    try {
      const reply = await this.#render(message, asker);
      if (reply !== undefined) await this.#show(message, reply);
      this.#failed.delete(id);
      return true;
    } catch (error) {
      const fields = { message: id, kind: content.kind, ...port.errorFields?.(error) };
      services.log.error("outbox.deliver", error, fields);
      this.#postpone(id, address.personId);
      return false;
    }
  }

  /** This person is there: if they could not be reached (never started the bot, had it blocked), now they can. */
  heardFrom(asker: Pick<Asker, "personId">): void {
    for (const [id, { personId }] of this.#failed) if (personId === asker.personId) this.#failed.delete(id);
  }

  /** What there is to say, or undefined where its subject is gone: decided elsewhere, or too old. */
  async #render({ content }: OutboxMessage, asker: Asker): Promise<Reply | undefined> {
    const { router, services } = this.#options;
    if (content.kind === "receipt") {
      const receipt = await services.engine.receipts.get(content.receiptId);
      return receipt === undefined ? undefined : router.renderReceipt(receipt, asker);
    }
    if (content.kind === "change") return router.renderChange(content.wanted, asker);
    if (content.kind === "invitation") return router.renderInvitation(content, asker);
    const parked = await services.engine.parked.get(content.parkedId);
    if (parked === undefined) return undefined;
    return content.kind === "approval" ? router.renderApproval(parked, asker) : router.renderReminder(parked, asker);
  }

  /** A receipt takes the place of its progress; a question, wish or reminder is a new message, for an edit alerts nobody. */
  async #show({ address, content }: OutboxMessage, reply: Reply): Promise<void> {
    const { router, port } = this.#options;
    const out = port.out(address);
    // A step of progress that is still on its way must not write over the answer.
    const moved = content.kind === "receipt" ? await router.settled(content.receiptId) : undefined;
    const messageId = moved ?? address.messageId;
    if (content.kind === "receipt" && messageId !== undefined) await out.edit(messageId, reply);
    else await out.send(reply);
  }

  #mustWait(id: string): boolean {
    const failure = this.#failed.get(id);
    if (failure === undefined) return false;
    const leftMs = failure.dueAt - this.#options.services.now();
    // Further away than the pause was: the clock was set back, and must not hold an answer for as long.
    return leftMs > 0 && leftMs <= failure.waitMs;
  }

  #postpone(id: string, personId: string): void {
    const before = this.#failed.get(id)?.waitMs;
    const waitMs = Math.min(before === undefined ? this.#retryMs : before * 2, CHAT.deliveryRetryMaxMs);
    this.#failed.set(id, { personId, waitMs, dueAt: this.#options.services.now() + waitMs });
  }
}
