// One person at this machine talking to the chat: hands in what they did, waits until it is over, and shows every answer.

import type { Receipt } from "../../apply/receipt.ts";
import type { Asker, Incoming, Outgoing } from "../../chat/conversation.ts";
import { Delivery } from "../../chat/delivery.ts";
import type { Reply } from "../../chat/reply.ts";
import { ChatRouter } from "../../chat/router.ts";
import type { ChatServices } from "../../chat/services.ts";
import type { Parts } from "../services.ts";

/** What a session is made of. */
export interface SessionParts {
  readonly parts: Parts;
  readonly services: ChatServices;
  readonly host: "terminal" | "cli";
  readonly hasButtons: boolean;
  /** True where this person only looks: what waits for them is left for a call that may take it away. Default false. */
  readonly readOnly?: boolean;
  /** Shows a reply; `isNews` is false for another step of a message that was shown before. */
  readonly show: (reply: Reply, isNews: boolean) => void;
}

/** A conversation with the chat in this process. */
export class TerminalSession {
  readonly asker: Asker;
  readonly #session: SessionParts;
  readonly #router: ChatRouter;
  readonly #delivery: Delivery;
  readonly #out: Outgoing;
  readonly #told: Receipt[] = [];
  #last: Reply | undefined;
  #lastShown = "";
  #messages = 0;

  constructor(session: SessionParts) {
    const { parts, services, host, hasButtons } = session;
    this.#session = session;
    const user = String(parts.environment.uid ?? "user");
    // The chat is the same in every process of this person, so that a list or sign-in of one is known to the next.
    this.asker = { host, botId: host, personId: user, chatId: host, private: true, hasButtons };
    this.#router = new ChatRouter(services);
    this.#out = {
      send: (reply) => this.#show(reply, String(++this.#messages), true),
      edit: (messageId, reply) => this.#show(reply, messageId, false),
      // What was typed without echo, or came from a pipe, is nowhere to be seen.
      deleteIncoming: () => Promise.resolve(true),
    };
    const port = { asker: () => this.asker, out: () => this.#out };
    this.#delivery = new Delivery({ host, outbox: parts.engine.outbox, router: this.#router, services, port });
  }

  /** The reply that was shown last: its buttons are those that can be pressed. */
  get last(): Reply | undefined {
    return this.#last;
  }

  /** The receipts that were shown so far. */
  get told(): readonly Receipt[] {
    return this.#told;
  }

  /** Hands `incoming` in and resolves when its jobs, if any, have ended and were told; `ignored` where it means nothing to us. */
  async take(incoming: Incoming): Promise<"handled" | "ignored"> {
    const result = await this.#router.handle(this.asker, incoming, this.#out);
    await this.#router.idle();
    // A press changes something, and how that ended is to be told here.
    if (this.#session.readOnly !== true || incoming.kind === "press") await this.deliver();
    return result;
  }

  /** Shows what waits for this person, such as the end of a job of an earlier session. */
  async deliver(): Promise<void> {
    const { outbox, receipts } = this.#session.parts.engine;
    for (const message of await outbox.list(this.asker.host)) {
      if (!(await this.#delivery.deliver(message))) continue;
      await outbox.delivered(message.id);
      const receipt = message.content.kind === "receipt" ? await receipts.get(message.content.receiptId) : undefined;
      if (receipt !== undefined) this.#told.push(receipt);
    }
  }

  /** Stops showing progress; jobs go on in their worker. */
  async close(): Promise<void> {
    await this.#router.close();
  }

  #show(reply: Reply, messageId: string, isNews: boolean): Promise<string> {
    // Another button under the same words is nothing to print again.
    const text = JSON.stringify(reply.lines);
    this.#last = reply;
    if (isNews || text !== this.#lastShown) this.#session.show(reply, isNews);
    this.#lastShown = text;
    return Promise.resolve(messageId);
  }
}
