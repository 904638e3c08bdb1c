// What one command says: OpenClaw takes a single message as its answer, so everything said until then is put into one.

import type { Outgoing } from "../../chat/conversation.ts";
import type { Reply } from "../../chat/reply.ts";
import { fitsOneMessage, joinReplies, type Surface } from "./render.ts";

/** The answer of one command while it is being made. */
export class Collector {
  readonly chatId: string;
  /** Resolves when the command has answered. */
  readonly closed: Promise<void>;
  readonly #newName: () => string;
  readonly #onClose: () => void;
  readonly #replies = new Map<string, Reply>();
  readonly #final = new Set<string>();
  #resolveClosed: () => void = () => undefined;
  #isClosed = false;
  #wake: () => void = () => undefined;

  constructor(chatId: string, newName: () => string, onClose: () => void) {
    this.chatId = chatId;
    this.#newName = newName;
    this.#onClose = onClose;
    this.closed = new Promise((resolve) => (this.#resolveClosed = resolve));
  }

  /** The chat's way to answer; `later` takes what comes after the end. */
  out(later: Pick<Outgoing, "send" | "edit">): Outgoing {
    return {
      send: (reply) => (this.#isClosed ? later.send(reply) : Promise.resolve(this.add(reply))),
      edit: (messageId, reply) =>
        this.edit(messageId, reply) ? Promise.resolve(messageId) : later.edit(messageId, reply),
      // No version tells the id of the message that held the command.
      deleteIncoming: () => Promise.resolve(false),
    };
  }

  /** Puts one more message into the answer. */
  add(reply: Reply): string {
    const name = this.#newName();
    this.#replies.set(name, reply);
    return name;
  }

  /** Whether one more message goes into the answer without anything being cut off. */
  fits(reply: Reply, surface: Surface): boolean {
    return fitsOneMessage(joinReplies([...this.#replies.values(), reply]), surface);
  }

  /** Replaces one of them; false where it is not here, or the answer is given. */
  edit(name: string, reply: Reply): boolean {
    if (this.#isClosed || !this.#replies.has(name)) return false;
    this.#replies.set(name, reply);
    if (reply.isPassing !== true) this.#final.add(name);
    this.#wake();
    return true;
  }

  /** Whether the message is one of this answer. */
  holds(name: string): boolean {
    return !this.#isClosed && this.#replies.has(name);
  }

  /** The messages by their names. */
  get named(): Iterable<readonly [string, Reply]> {
    return this.#replies;
  }

  /** Waits until each of `names` was replaced by something that stays, or `signal` aborts. */
  async settled(names: readonly string[], signal: AbortSignal): Promise<void> {
    while (!signal.aborted && names.some((name) => !this.#final.has(name))) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        signal.addEventListener("abort", () => resolve(), { once: true });
      });
    }
  }

  /** Ends the answer and gives it; undefined where nothing was said. */
  close(): Reply | undefined {
    this.#isClosed = true;
    this.#onClose();
    this.#resolveClosed();
    return this.#replies.size === 0 ? undefined : joinReplies([...this.#replies.values()]);
  }
}
