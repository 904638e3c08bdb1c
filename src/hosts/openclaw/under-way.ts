// The answers that are being given right now, so that a stop can wait for them.

/** Keeps account of turns; one for each composed plugin. */
export class UnderWay {
  readonly #running = new Set<Promise<unknown>>();
  readonly #closing = new AbortController();

  /** Aborts when the plugin is being stopped: nothing that takes long begins from then on. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  /** Does `work`, and lets a stop wait for it. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    const running = work();
    const ended = running.then(nothing, nothing).finally(() => this.#running.delete(ended));
    this.#running.add(ended);
    return running;
  }

  /** Resolves when nothing is being answered. */
  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  /** Says that the end has come, and waits until everybody has heard it. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.settled();
  }
}

function nothing(): void {}
