// What comes while the person at the terminal is being asked something: it closes the question, is worked on, and is waited for.

/** News from outside of the terminal, such as a browser that is back. */
export class Arrivals {
  #interrupt = new AbortController();
  #running: Promise<unknown>[] = [];

  /** Aborted when something arrives; give it to whatever asks the person. */
  get interrupt(): AbortSignal {
    return this.#interrupt.signal;
  }

  /** Something has arrived: what is being asked is closed first, then `work` begins. */
  add(work: () => Promise<unknown>): void {
    this.#interrupt.abort();
    const running = work();
    // It is thrown where it is waited for.
    running.catch(() => undefined);
    this.#running.push(running);
  }

  /** Waits until all that has arrived is worked off; true where that was anything since the last time. */
  async settle(): Promise<boolean> {
    if (this.#running.length === 0) return false;
    while (this.#running.length > 0) await this.#running.shift();
    this.#interrupt = new AbortController();
    return true;
  }
}
