// Where batches of usage counts lie until the broker has them: one file each, and a ledger of what became of the earlier ones.

import { hostname } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { LEASE } from "../config/defaults.ts";
import { isCodexAuthError } from "../errors.ts";
import { ensurePrivateFolder } from "../storage/atomic-write.ts";
import { readJsonFile, writeJsonFile } from "../storage/json-file.ts";
import { isHolderAlive, thisHolder } from "../storage/openclaw-lock-holder.ts";
import { withProcessLock } from "../storage/process-lock.ts";
import { RecordFolder } from "../storage/record-folder.ts";
import { addUsage, batchSchema, NO_USAGE, type Batch } from "./batch.ts";

const sumSchema = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const sumsSchema = z.object({ requests: sumSchema, tokensIn: sumSchema, tokensOut: sumSchema });
const ledgerSchema = z.object({
  schemaVersion: z.literal(1),
  sent: sumsSchema,
  unattributed: sumsSchema,
  /** The last batches that are in these sums: one of them whose file is still there was killed between the two. */
  settled: z.array(z.string()),
});

/** What became of earlier batches. */
export type Ledger = z.infer<typeof ledgerSchema>;

/** What lies in a spool. */
export interface SpoolSurvey {
  /** Open and sealed, of this and of other processes, oldest first; not those that are in the ledger. */
  readonly batches: readonly Batch[];
  readonly ledger: Ledger;
  /** How many files are no batches (damaged, or of a newer version): they are left alone. */
  readonly damagedFiles: number;
}

/** What may be done with batches by the one process whose turn it is. */
export interface SpoolTurn {
  /** The sealed batches, oldest first; those that a dead process left open are sealed by this. */
  sealed(): Promise<{ readonly batches: readonly Batch[]; readonly damagedFiles: number }>;
  /** Moves a sealed batch into the ledger; `nothing`: it had nothing to say. */
  settle(batch: Batch, as: "sent" | "unattributed" | "nothing"): Promise<void>;
}

/** A place for batches. */
export interface Spool {
  /**
   * Writes what a batch of this process holds now. `taken`: another process has taken what was written of it, so that it may only go on
   * under a new id and without that; `damaged`: what was written cannot be read and is left alone, so that it goes on under a new id.
   */
  save(batch: Batch, isFirst: boolean): Promise<"saved" | "taken" | "damaged">;
  /** Runs `body` while no other process sends; the signal aborts when that is no longer so. @throws CodexAuthError `ERR_LOCK_TIMEOUT`. */
  withTurn<T>(body: (turn: SpoolTurn, lost: AbortSignal) => Promise<T>): Promise<T>;
  survey(): Promise<SpoolSurvey>;
}

/** How many settled ids the ledger remembers; a batch is removed right after it is settled, so one would nearly do. */
const SETTLED_KEPT = 50;

/** Who writes batches here, for others to know when it is dead. */
export function thisProcess(): Batch["process"] {
  return { ...thisHolder(), host: hostname() };
}

/** An empty ledger. */
export const EMPTY_LEDGER: Ledger = { schemaVersion: 1, sent: NO_USAGE, unattributed: NO_USAGE, settled: [] };

/** `ledger` with `batch` in it. */
export function settleInto(ledger: Ledger, batch: Batch, as: "sent" | "unattributed" | "nothing"): Ledger {
  return {
    ...ledger,
    ...(as === "nothing" ? {} : { [as]: addUsage(ledger[as], batch.totals) }),
    settled: [...ledger.settled, batch.id].slice(-SETTLED_KEPT),
  };
}

/** A spool on the disk: `<folder>/spool/<batch>.json` and the ledger `<folder>/telemetry.json`. */
export class DiskSpool implements Spool {
  readonly #records: RecordFolder<Batch>;
  readonly #ledgerFile: string;
  readonly #lockFile: string;
  readonly #now: () => number;

  constructor(options: { readonly folder: string; readonly now: () => number }) {
    this.#records = new RecordFolder(join(options.folder, "spool"), batchSchema);
    this.#ledgerFile = join(options.folder, "telemetry.json");
    this.#lockFile = join(options.folder, "spool");
    this.#now = options.now;
  }

  async save(batch: Batch, isFirst: boolean): Promise<"saved" | "taken" | "damaged"> {
    try {
      // Another process may have taken us for dead: one of another container, where pids say nothing.
      if (!isFirst && (await this.#records.get(batch.id))?.state !== "open") return "taken";
    } catch (error) {
      if (isCodexAuthError(error, "ERR_FILE_NOT_JSON", "ERR_FILE_SHAPE")) return "damaged";
      throw error;
    }
    await this.#records.put(batch.id, batch);
    return "saved";
  }

  async withTurn<T>(body: (turn: SpoolTurn, lost: AbortSignal) => Promise<T>): Promise<T> {
    await ensurePrivateFolder(this.#records.folder);
    return withProcessLock(this.#lockFile, async (lost) => {
      await this.#records.sweep();
      const turn: SpoolTurn = {
        sealed: async () => this.#sealed(),
        settle: async (batch, as) => {
          // Somebody else may be sending by now, and would count it a second time.
          lost.throwIfAborted();
          await this.#settle(batch, as);
        },
      };
      return body(turn, lost);
    });
  }

  async survey(): Promise<SpoolSurvey> {
    const { records, unreadable } = await this.#records.scan();
    // Read after the batches: one that is settled in between is then in both, and known by its id.
    const ledger = await this.#ledger();
    const batches = records.filter(({ id }) => !ledger.settled.includes(id));
    return { batches: batches.toSorted(byAge), ledger, damagedFiles: unreadable.length };
  }

  async #sealed(): Promise<{ readonly batches: readonly Batch[]; readonly damagedFiles: number }> {
    const { records, unreadable } = await this.#records.scan();
    const { settled } = await this.#ledger();
    const sealed: Batch[] = [];
    for (const batch of records) {
      if (settled.includes(batch.id)) await this.#records.remove(batch.id);
      else if (batch.state === "sealed") sealed.push(batch);
      else if (this.#isAbandoned(batch)) {
        const adopted: Batch = { ...batch, state: "sealed" };
        await this.#records.put(batch.id, adopted);
        sealed.push(adopted);
      }
    }
    return { batches: sealed.toSorted(byAge), damagedFiles: unreadable.length };
  }

  async #settle(batch: Batch, as: "sent" | "unattributed" | "nothing"): Promise<void> {
    // The ledger first: killed in between, the file is known as settled, and not counted again.
    await writeJsonFile(this.#ledgerFile, settleInto(await this.#ledger(), batch, as));
    await this.#records.remove(batch.id);
  }

  async #ledger(): Promise<Ledger> {
    return (await readJsonFile(this.#ledgerFile, ledgerSchema)) ?? EMPTY_LEDGER;
  }

  #isAbandoned({ process: owner, savedAtMs }: Batch): boolean {
    const isDead = !isHolderAlive({
      pid: owner.pid,
      ...(owner.startTime === undefined ? {} : { startTime: owner.startTime }),
    });
    // In another container with the same folder a living process looks dead; it saves what it counts every few seconds.
    return isDead && (owner.host === hostname() || this.#now() - savedAtMs >= LEASE.foreignSpoolMs);
  }
}

function byAge(one: Batch, other: Batch): number {
  return one.createdAtMs - other.createdAtMs || (one.id < other.id ? -1 : 1);
}
