// A clock that stands still until the test moves it, and the waits that go by it.

import { EventEmitter, once } from "node:events";

/** Time as a test wants it. */
export class ManualClock {
  readonly #events = new EventEmitter();
  readonly #waiting = new Set<{ readonly at: number; readonly done: () => void }>();
  #now: number;

  constructor(start = Date.now()) {
    this.#now = start;
  }

  readonly now = (): number => this.#now;

  /** Resolves when the clock has passed `ms` from now, or when `signal` aborts. */
  readonly wait = (ms: number, signal: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      const waiter = { at: this.#now + ms, done: () => this.#waiting.delete(waiter) && resolve() };
      if (signal.aborted) return resolve();
      this.#waiting.add(waiter);
      signal.addEventListener("abort", waiter.done, { once: true });
      this.#events.emit("rests");
    });

  /** Moves the clock; whoever waits for a moment that has passed goes on. */
  advance(ms: number): void {
    this.#now += ms;
    for (const waiter of this.#waiting) if (waiter.at <= this.#now) waiter.done();
  }

  /** Resolves when somebody waits: what went before is over. */
  async rests(): Promise<void> {
    while (this.#waiting.size === 0) await once(this.#events, "rests");
  }

  /** Moves the clock and lets everything happen that this brings about. */
  async pass(ms: number): Promise<void> {
    await this.rests();
    this.advance(ms);
    await this.rests();
  }
}
