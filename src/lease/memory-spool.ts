// A spool that ends with the process, for hosts that gave no folder.

import type { Batch } from "./batch.ts";
import { EMPTY_LEDGER, settleInto, type Ledger, type Spool, type SpoolSurvey, type SpoolTurn } from "./spool.ts";

/** Batches in memory: they survive an outage of the broker, a rotation and nothing more. */
export class MemorySpool implements Spool {
  readonly #batches = new Map<string, Batch>();
  #ledger: Ledger = EMPTY_LEDGER;

  async save(batch: Batch): Promise<"saved"> {
    this.#batches.set(batch.id, batch);
    return "saved";
  }

  async withTurn<T>(body: (turn: SpoolTurn, lost: AbortSignal) => Promise<T>): Promise<T> {
    const turn: SpoolTurn = {
      sealed: async () => ({
        batches: [...this.#batches.values()].filter(({ state }) => state === "sealed"),
        damagedFiles: 0,
      }),
      settle: async (batch, as) => {
        this.#ledger = settleInto(this.#ledger, batch, as);
        this.#batches.delete(batch.id);
      },
    };
    return body(turn, new AbortController().signal);
  }

  async survey(): Promise<SpoolSurvey> {
    return { batches: [...this.#batches.values()], ledger: this.#ledger, damagedFiles: 0 };
  }
}
