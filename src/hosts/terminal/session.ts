// One person at this machine talking to the chat: hands in what they did, waits until it is over, and shows every answer.

import { randomBytes } from "node:crypto";
import type { Outbox, OutboxMessage } from "../../apply/outbox.ts";
import type { Receipt } from "../../apply/receipt.ts";
import type { Asker, Incoming, Outgoing } from "../../chat/conversation.ts";
import { Delivery } from "../../chat/delivery.ts";
import { endedCard } from "../../chat/device-card.ts";
import type { DeviceSignIn } from "../../chat/device-sign-ins.ts";
import type { Reply } from "../../chat/reply.ts";
import { ChatRouter } from "../../chat/router.ts";
import type { ChatServices } from "../../chat/services.ts";
import { TERMINAL } from "../../config/defaults.ts";
import type { Parts } from "../services.ts";
import { isTerminalAlive, sessionId } from "./session-id.ts";

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
  /** Called before a reply is shown that answers nothing of this person's: a question on the screen is to be closed for it. */
  readonly interrupt?: () => void;
  /** Tells this session's messages from those of the same person's other terminals. Default: this process, and something random. */
  readonly id?: string;
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
  #lastId = "";
  /** The labels under each message of which the buttons can be pressed. */
  readonly #labels = new Map<string, string>();
  /** True where the last reply has changed in its words alone, and that is still to be shown. */
  #isBehind = false;
  readonly #prefix: string;
  #messages = 0;
  #delivering: Promise<unknown> = Promise.resolve();
  /** How many of this person's doings are being answered. */
  #taking = 0;

  constructor(session: SessionParts) {
    const { parts, services, host, hasButtons } = session;
    this.#session = session;
    this.#prefix = `${session.id ?? sessionId(randomBytes(6).toString("hex"))}-`;
    const user = String(parts.environment.uid ?? "user");
    // The chat is the same in every process of this person, so that a list or sign-in of one is known to the next.
    this.asker = { host, botId: host, personId: user, chatId: host, private: true, hasButtons };
    this.#router = new ChatRouter(services);
    this.#out = {
      send: (reply) => this.#show(reply, `${this.#prefix}${++this.#messages}`, true),
      // A message of another terminal is nowhere to be seen here: it is shown anew, and is this one's from then on.
      edit: (messageId, reply) =>
        this.#isOwn(messageId) ? this.#show(reply, messageId, false) : this.#out.send(reply),
      // What was typed without echo, or came from a pipe, is nowhere to be seen.
      deleteIncoming: () => Promise.resolve(true),
    };
    const port = { asker: () => this.asker, out: () => this.#out };
    const outbox: Pick<Outbox, "watch"> = {
      // What another terminal of this person asked for is answered there, as long as nobody asks for it here.
      watch: (of, _deliver, signal) =>
        parts.engine.outbox.watch(
          of,
          async ({ address }) => {
            if (this.#isOwn(address.messageId))
              await this.#deliver((message) => this.#isOwn(message.address.messageId));
            return false;
          },
          signal,
        ),
    };
    this.#delivery = new Delivery({ host, outbox, router: this.#router, services, port });
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
    this.#taking += 1;
    try {
      const result = await this.#router.handle(this.asker, incoming, this.#out);
      await this.#router.idle();
      // A press changes something, and how that ended is to be told here.
      if (this.#session.readOnly !== true || incoming.kind === "press") await this.deliver();
      return result;
    } finally {
      this.#taking -= 1;
    }
  }

  /**
   * Waits again for the device codes that terminals of this person have left which are gone, and tells what ended in between;
   * gives how many. With `isWanted` only for those.
   */
  async resume(isWanted: (signIn: DeviceSignIn) => boolean = () => true): Promise<number> {
    const chat = { asker: this.asker, out: this.#out };
    return this.#router.resumeCodes(this.asker.host, (signIn) =>
      this.#isLeft(signIn) && isWanted(signIn) ? chat : undefined,
    );
  }

  /** The device codes that terminals of this person have left which are gone. */
  async leftCodes(): Promise<readonly DeviceSignIn[]> {
    const all = (await this.#session.services.devices?.leftOver("terminal")) ?? [];
    return all.filter((signIn) => this.#isLeft(signIn));
  }

  /** Whether a code is waited for that this session shows. */
  async isWaitingForCode(): Promise<boolean> {
    const all = (await this.#session.services.devices?.leftOver(this.asker.host)) ?? [];
    return all.some(({ messageId }) => this.#isOwn(messageId));
  }

  /** Resolves when no code is waited for any more, however that ended. */
  async codesEntered(): Promise<void> {
    await this.#router.codesEntered();
  }

  /** Resolves when the jobs that a code has brought have ended and were told. */
  async settle(): Promise<void> {
    await this.#router.idle();
    await this.deliver();
  }

  /** Shows what waits for this person, such as the end of a job of an earlier session. */
  async deliver(): Promise<void> {
    await this.#deliver(() => true);
  }

  /**
   * Shows the ends of this session's own jobs as they come, until `signal` aborts: a job that a device code has brought is
   * begun while nothing is being taken, and nobody else would tell how it ended.
   */
  async hearEnds(signal: AbortSignal): Promise<void> {
    await this.#delivery.run(signal);
  }

  /** Shows the last reply again where only its words have changed since: called before the next question. */
  catchUp(): void {
    if (this.#isBehind && this.#last !== undefined) this.#print(this.#last, false);
  }

  /** Stops showing progress, jobs go on in their worker; a device code that this session waits for is given up, and that is said. */
  async close(): Promise<void> {
    await this.#router.close();
    try {
      await this.#giveUpCodes();
    } catch (error) {
      this.#session.parts.log.error("terminal.device-codes", error);
    }
  }

  /** Nobody would look whether they were entered; a code that is told of no end would be entered in vain. */
  async #giveUpCodes(): Promise<void> {
    const { services, readOnly } = this.#session;
    const { devices } = services;
    if (devices === undefined || readOnly === true || this.#messages === 0) return;
    for (const signIn of await devices.leftOver(this.asker.host)) {
      if (!this.#isOwn(signIn.messageId)) continue;
      const reason = await devices.endOf(signIn);
      if (reason === undefined) await devices.end(signIn, "cancelled");
      await devices.forget(signIn);
      // An entered code has brought its login, which is kept, or its error, which was told.
      if (reason === "used" && signIn.grant !== undefined) continue;
      await this.#out.send(endedCard({ services, asker: this.asker }, signIn, reason ?? "cancelled"));
    }
  }

  /** Not what a living terminal shows; one that was started this moment may not have shown it yet. */
  #isLeft({ personId, messageId, startedAtMs }: DeviceSignIn): boolean {
    if (personId !== this.asker.personId || this.#isOwn(messageId)) return false;
    if (messageId !== undefined) return !isTerminalAlive(messageId);
    return this.#session.services.now() - startedAtMs > TERMINAL.showsWithinMs;
  }

  #isOwn(messageId: string | undefined): boolean {
    return messageId?.startsWith(this.#prefix) === true;
  }

  /** One at a time: what is being told is not told a second time meanwhile. */
  async #deliver(isWanted: (message: OutboxMessage) => boolean): Promise<void> {
    const done = this.#delivering.then(() => this.#deliverNow(isWanted));
    this.#delivering = done.catch(() => undefined);
    await done;
  }

  async #deliverNow(isWanted: (message: OutboxMessage) => boolean): Promise<void> {
    const { outbox, receipts } = this.#session.parts.engine;
    for (const message of await outbox.list(this.asker.host)) {
      if (!isWanted(message) || !(await this.#delivery.deliver(message))) continue;
      await outbox.delivered(message.id);
      const receipt = message.content.kind === "receipt" ? await receipts.get(message.content.receiptId) : undefined;
      if (receipt !== undefined) this.#told.push(receipt);
    }
  }

  #show(reply: Reply, messageId: string, isNews: boolean): Promise<string> {
    const labels = JSON.stringify((reply.buttons ?? []).flat().map(({ label }) => label));
    const isSame = reply.buttons !== undefined && this.#labels.get(messageId) === labels;
    this.#labels.set(messageId, labels);
    const { interrupt } = this.#session;
    if (this.#taking === 0 && interrupt !== undefined) {
      // Fewer minutes left, or a server that is slow: no reason to throw away what is being typed.
      if (isSame && !isNews) {
        this.#wait(reply, messageId);
        return Promise.resolve(messageId);
      }
      interrupt();
    }
    this.#last = reply;
    this.#lastId = messageId;
    this.#print(reply, isNews);
    return Promise.resolve(messageId);
  }

  /** Further words for a message that is no longer the last one are shown with its next step. */
  #wait(reply: Reply, messageId: string): void {
    if (messageId !== this.#lastId) return;
    this.#last = reply;
    this.#isBehind = true;
  }

  #print(reply: Reply, isNews: boolean): void {
    this.#isBehind = false;
    // Another button under the same words is nothing to print again.
    const text = JSON.stringify(reply.lines);
    if (isNews || text !== this.#lastShown) this.#session.show(reply, isNews);
    this.#lastShown = text;
  }
}
