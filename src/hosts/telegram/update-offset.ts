// Which updates are confirmed to Telegram: those below the oldest one that is still being handled, and none that was not.

/** Follows updates from their arrival to their end; what was under way when the bot died comes again. */
export class UpdateOffset {
  readonly #underWay = new Set<number>();
  /** Handled, but above one that is not: Telegram gives them again until the offset passes them. */
  readonly #handled = new Set<number>();
  #highest: number | undefined;
  #idle: (() => void)[] = [];

  /** Takes an update on; false where it is being handled or was. */
  begin(updateId: number): boolean {
    if (this.#underWay.has(updateId) || this.#handled.has(updateId)) return false;
    this.#underWay.add(updateId);
    // Not the maximum: after a week of silence Telegram goes on with a lower number.
    this.#highest = updateId;
    return true;
  }

  /** An update is done with. */
  end(updateId: number): void {
    if (!this.#underWay.delete(updateId)) return;
    this.#handled.add(updateId);
    const offset = this.offset ?? 0;
    for (const id of this.#handled) if (id < offset - REMEMBERED) this.#handled.delete(id);
    if (this.#underWay.size === 0) for (const wake of this.#idle.splice(0)) wake();
  }

  /** What the next getUpdates confirms with; undefined before the first update. */
  get offset(): number | undefined {
    if (this.#underWay.size > 0) return Math.min(...this.#underWay);
    return this.#highest === undefined ? undefined : this.#highest + 1;
  }

  /** How many updates are being handled. */
  get size(): number {
    return this.#underWay.size;
  }

  /** Resolves when nothing is being handled. */
  async idle(): Promise<void> {
    if (this.#underWay.size === 0) return;
    await new Promise<void>((resolve) => this.#idle.push(resolve));
  }
}

/** How far below the offset an id is still known: a confirmation may be lost on its way. */
const REMEMBERED = 1_000;
