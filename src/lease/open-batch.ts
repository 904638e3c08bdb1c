// A batch that still grows in this process, and its way onto the disk.

import { addUsage, hasContent, NO_USAGE, type Batch, type LeaseContext, type UsageSums } from "./batch.ts";
import type { CounterTotals, LeaseCounters } from "./counters.ts";
import type { Spool } from "./spool.ts";

/** What an open batch is made of. */
export interface OpenBatchOptions {
  /** Undefined: its events belong to no lease. */
  readonly lease: LeaseContext | undefined;
  /** They go on counting for the next batch when this one is closed. */
  readonly counters: LeaseCounters;
  readonly process: Batch["process"];
  readonly createdAtMs: number;
  readonly newId: () => string;
}

/** The counters of one lease since the last flush. */
export class OpenBatch {
  readonly lease: LeaseContext | undefined;
  readonly #options: OpenBatchOptions;
  #id: string;
  /** What it ended with; undefined while it grows. */
  #final: CounterTotals | undefined;
  /** What was last written under `#id`. */
  #saved: Batch | undefined;
  /** What another process has taken over of these counts. */
  #taken: UsageSums = NO_USAGE;

  constructor(options: OpenBatchOptions) {
    this.lease = options.lease;
    this.#options = options;
    this.#id = options.newId();
  }

  /** Takes no more events from now on. */
  close(): void {
    this.#final = this.#options.counters.take();
  }

  /** The batch as it is now. */
  record(state: Batch["state"], now: number): Batch {
    const { models, sources, ...totals } = this.#final ?? this.#options.counters.totals();
    const { lease } = this;
    return {
      schemaVersion: 1,
      id: this.#id,
      state,
      ...(lease === undefined
        ? {}
        : { lease: { leaseId: lease.leaseId, machineId: lease.owner.machineId, agentId: lease.owner.agentId } }),
      process: this.#options.process,
      createdAtMs: this.#options.createdAtMs,
      savedAtMs: now,
      totals: {
        ...totals,
        ...(totals.requests === undefined ? {} : { requests: totals.requests - this.#taken.requests }),
        ...(totals.tokensIn === undefined ? {} : { tokensIn: totals.tokensIn - this.#taken.tokensIn }),
        ...(totals.tokensOut === undefined ? {} : { tokensOut: totals.tokensOut - this.#taken.tokensOut }),
        ...(models === undefined ? {} : { models: [...models] }),
        ...(sources === undefined ? {} : { sources: [...sources] }),
      },
    };
  }

  /** Writes the batch where it has changed, or is sealed by this; an empty one is not written. */
  async save(spool: Spool, state: Batch["state"], now: number): Promise<void> {
    for (;;) {
      const batch = this.record(state, now);
      if (!hasContent(batch.totals)) return;
      if (state === "open" && this.#saved !== undefined && isSame(this.#saved, batch)) return;
      const outcome = await spool.save(batch, this.#saved === undefined);
      if (outcome === "saved") {
        this.#saved = batch;
        return;
      }
      if (outcome === "taken" && this.#saved !== undefined) this.#taken = addUsage(this.#taken, this.#saved.totals);
      this.#saved = undefined;
      this.#id = this.#options.newId();
    }
  }
}

function isSame(one: Batch, other: Batch): boolean {
  return JSON.stringify(one.totals) === JSON.stringify(other.totals);
}
