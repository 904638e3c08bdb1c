// Takes leased tokens away from this machine, and sees to it that they are gone.

import type { Address } from "../apply/job.ts";
import { LEASE } from "../config/defaults.ts";
import { toCodexAuthError } from "../errors.ts";
import type { DeskParts } from "./desk-parts.ts";
import { backoffMs, believable } from "./situation.ts";
import type { LeaseRecord, Turn } from "./sticky.ts";

/** What a removal works with. */
export type RemovalParts = Pick<DeskParts, "store" | "authFile" | "now" | "random" | "log">;

type Removal = LeaseRecord["removals"][number];

/** Removals of leased tokens. Each call needs a turn. */
export class LeaseRemovals {
  readonly #parts: RemovalParts;

  constructor(parts: RemovalParts) {
    this.#parts = parts;
  }

  /** Has the leased tokens removed from the store, and from the login file where they are ours; {@link tend} sees that it is done. */
  async remove(turn: Turn, requestedBy: Address | undefined): Promise<void> {
    const { stored, status } = turn.record;
    if (stored !== undefined) {
      const jobId = await this.#parts.store.remove({
        from: stored,
        ...(status === undefined ? {} : { leaseId: status.leaseId }),
        ...(requestedBy === undefined ? {} : { requestedBy }),
      });
      const removals = [...turn.record.removals, { ...stored, jobId, failures: 0 }];
      await turn.change({
        material: undefined,
        storedBy: undefined,
        stored: undefined,
        orphanSinceMs: undefined,
        removals,
      });
    }
    await this.#removeFile(turn);
  }

  /**
   * Looks after removals: one that was not carried out is asked for again, until the store says that it is done. Never throws:
   * a queue or store that cannot be read must not keep the lease from being looked at.
   */
  async tend(turn: Turn): Promise<void> {
    if (turn.record.isFileLeft) await this.#removeFile(turn);
    if (turn.record.removals.length === 0) return;
    const left: LeaseRecord["removals"] = [];
    let again = 0;
    for (const removal of turn.record.removals) {
      const now = await this.#tendOne(removal, turn.record).catch((error: unknown) => {
        this.#parts.log.error("lease.tend-removal", error);
        return removal;
      });
      if (now !== undefined) left.push(now);
      if (now !== undefined && now.failures > removal.failures) again = Math.max(again, now.failures);
    }
    const { now, random } = this.#parts;
    const waitMs = backoffMs(again + LEASE.writeFailureSteps, random(), LEASE.writeBackoffMaxMs);
    await turn.change({ removals: left, ...(again === 0 ? {} : { removeNotBeforeMs: now() + waitMs }) });
  }

  /** The removal as it stands now; undefined where it is carried out. */
  async #tendOne(removal: Removal, { removeNotBeforeMs }: LeaseRecord): Promise<Removal | undefined> {
    const { store, now, log } = this.#parts;
    const state = await store.state(removal.jobId);
    if (state.kind === "done") return undefined;
    if (state.kind === "open" || now() < believable(removeNotBeforeMs, now(), LEASE.writeBackoffMaxMs)) return removal;
    log.warn("lease.remove-again", { job: removal.jobId });
    return { ...removal, failures: removal.failures + 1, jobId: await store.remove({ from: removal }) };
  }

  /** That a file of the person's cannot be read is no reason to keep the lease: it is said, and tried again. */
  async #removeFile(turn: Turn): Promise<void> {
    const { authFile, log } = this.#parts;
    try {
      await authFile?.remove();
      await turn.change({ fileProblem: undefined, isFileLeft: false });
    } catch (error) {
      const { code, message, next } = toCodexAuthError(error);
      if (!turn.record.isFileLeft) log.error("lease.auth-file-remove", error);
      await turn.change({ fileProblem: { code, message, next }, isFileLeft: true });
    }
  }
}
