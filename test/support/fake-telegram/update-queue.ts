// getUpdates: a queue with offsets, a real long poll, and one poller at a time (tdlib/telegram-bot-api, Client.cpp).

import { conflict } from "./api-error.ts";
import { type Arguments, integer, structured } from "./arguments.ts";

/** An update as the bot gets it. */
export interface Update {
  readonly update_id: number;
  readonly [type: string]: unknown;
}

/** What a bot gets where it never said `allowed_updates`. */
const DEFAULT_UPDATES = [
  "message",
  "edited_message",
  "channel_post",
  "edited_channel_post",
  "callback_query",
  "my_chat_member",
];
const MAX_POLL_SECONDS = 50;

interface WaitingPoll {
  readonly finish: (updates: readonly Update[]) => void;
  readonly fail: (error: Error) => void;
  readonly offset: number;
  readonly limit: number;
}

/** The updates of one bot. */
export class UpdateQueue {
  readonly #now: () => number;
  #updates: Update[] = [];
  #nextId = 1_000;
  #allowed = new Set(DEFAULT_UPDATES);
  #waiting: WaitingPoll | undefined;
  #previous: { offset: number; at: number } | undefined;

  constructor(options: { readonly now: () => number }) {
    this.#now = options.now;
  }

  /** Queues an update, unless the bot did not ask for its type; gives its id. */
  push(type: string, content: unknown): number | undefined {
    if (!this.#allowed.has(type)) return undefined;
    const update = { update_id: this.#nextId, [type]: content };
    this.#nextId += 1;
    this.#updates.push(update);
    this.#wake();
    return update.update_id;
  }

  /** Queues an update a second time, as happens where its confirmation was lost. */
  repeat(update: Update): void {
    this.#updates = [...this.#updates, update].toSorted((a, b) => a.update_id - b.update_id);
    this.#wake();
  }

  /** Updates that no `offset` has confirmed yet. */
  pending(): readonly Update[] {
    return [...this.#updates];
  }

  /** Answers one getUpdates; `signal` aborts when the bot hangs up. */
  async get(args: Arguments, signal: AbortSignal): Promise<readonly Update[]> {
    const offset = integer(args, "offset", 0);
    let limit = Math.min(Math.max(integer(args, "limit", 100), 1), 100);
    let timeout = Math.min(Math.max(integer(args, "timeout", 0), 0), MAX_POLL_SECONDS);
    this.#allow(structured(args, "allowed_updates"));
    // The real server slows down who asks the same again at once.
    const sinceMs = this.#previous?.offset === offset ? this.#now() - this.#previous.at : Number.POSITIVE_INFINITY;
    if (timeout < 3 && sinceMs < 3_000) timeout = 3;
    if (sinceMs < 500) limit = 1;
    this.#previous = { offset, at: this.#now() };
    if (offset > 0) this.#updates = this.#updates.filter((update) => update.update_id >= offset);
    if (offset < 0) this.#updates = this.#updates.slice(offset);
    if (this.#updates.length > 0 || timeout === 0) return this.#updates.slice(0, limit);
    return this.#wait(offset, limit, timeout, signal);
  }

  async #wait(offset: number, limit: number, seconds: number, signal: AbortSignal): Promise<readonly Update[]> {
    this.#waiting?.fail(
      conflict("terminated by other getUpdates request; make sure that only one bot instance is running"),
    );
    return new Promise((resolve, reject) => {
      const poll: WaitingPoll = {
        offset,
        limit,
        finish: (updates) => this.#end(poll, timer, () => resolve(updates)),
        fail: (error) => this.#end(poll, timer, () => reject(error)),
      };
      const timer = setTimeout(() => poll.finish([]), seconds * 1_000);
      signal.addEventListener("abort", () => poll.finish([]), { once: true });
      this.#waiting = poll;
    });
  }

  #end(poll: WaitingPoll, timer: NodeJS.Timeout, settle: () => void): void {
    clearTimeout(timer);
    if (this.#waiting === poll) this.#waiting = undefined;
    settle();
  }

  #wake(): void {
    const poll = this.#waiting;
    poll?.finish(this.#updates.filter((update) => update.update_id >= poll.offset).slice(0, poll.limit));
  }

  /** An empty list means the default; absent means as last time. */
  #allow(types: unknown): void {
    if (!Array.isArray(types)) return;
    this.#allowed = new Set(types.length === 0 ? DEFAULT_UPDATES : types.filter((type) => typeof type === "string"));
  }
}
