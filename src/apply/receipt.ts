// What is kept of a job that has ended: who, what, from which fingerprint to which, how long; never a secret.

import { z } from "zod";
import { APPLY } from "../config/defaults.ts";
import { failureNotesSchema } from "../profiles/usage-stats.ts";
import { RecordFolder } from "../storage/record-folder.ts";
import { ACTIVATIONS, addressSchema, problemSchema } from "./job.ts";
import { END_STATES, JOB_KINDS, ORDER_WAYS } from "./job-words.ts";

const receiptSchema = z.object({
  schemaVersion: z.literal(1),
  /** The id of the job. */
  id: z.string(),
  kind: z.enum(JOB_KINDS),
  agentId: z.string(),
  profileId: z.string(),
  outcome: z.enum(END_STATES),
  startedAt: z.number(),
  endedAt: z.number(),
  /** Milliseconds by name of the phase. */
  durations: z.record(z.string(), z.number()),
  files: z.array(
    z.object({
      path: z.string(),
      before: z.string().nullable(),
      after: z.string().nullable(),
      /** Where the order changed: what it was and what it became. */
      orderBefore: z.array(z.string()).nullable().optional(),
      orderAfter: z.array(z.string()).nullable().optional(),
      notes: z.object({ before: failureNotesSchema, after: failureNotesSchema }).optional(),
    }),
  ),
  /** The id that the profile got. */
  renamedTo: z.string().optional(),
  /** How the order was asked for. */
  how: z.enum(ORDER_WAYS).optional(),
  /** The receipt whose change was taken back. */
  undoes: z.string().optional(),
  activation: z.object({
    asked: z.enum(ACTIVATIONS),
    used: z.enum(["reload", "restart", "none"]),
    healthyAfterMs: z.number().optional(),
    /** Whether the gateway answered when a rollback was over. */
    gatewayAfter: z.enum(["running", "stopped"]).optional(),
    /** True where what was put back is in the store and the gateway could not be restarted to read it. */
    isRestartOwed: z.boolean().optional(),
    /** What shows that the running gateway has the new value. */
    proven: z.enum(["listed-by-gateway", "reloaded", "restarted", "not-running", "unproven"]),
  }),
  order: z.object({ written: z.array(z.string()), wasImplicit: z.boolean() }).optional(),
  /** Agents whose own copy of the profile was removed, so that there is one owner. */
  removedCopies: z.array(z.string()).optional(),
  email: z.string().optional(),
  planType: z.string().optional(),
  expiresAtMs: z.number().optional(),
  problem: problemSchema.optional(),
  parkedId: z.string().optional(),
  /** The lease of a leased credential, and what the broker calls the credential. */
  leaseId: z.string().optional(),
  label: z.string().optional(),
  /** Why nothing was changed, where that is no failure. */
  note: z.string().optional(),
  /** Absent where nobody in a chat asked. */
  requestedBy: addressSchema.optional(),
  /** The executor was killed on the way and another one finished the job. */
  interrupted: z.boolean().optional(),
});

/** The receipt of one job. */
export type Receipt = z.infer<typeof receiptSchema>;

/** The receipts of this machine; the oldest go when there are more than `APPLY.receiptsKept`. */
export class Receipts {
  readonly #records: RecordFolder<Receipt>;
  readonly #now: () => number;

  constructor(options: { readonly folder: string; readonly now: () => number }) {
    this.#records = new RecordFolder(options.folder, receiptSchema);
    this.#now = options.now;
  }

  /** Keeps `receipt`; writing it again gives the same file. */
  async put(receipt: Receipt): Promise<void> {
    await this.#records.put(receipt.id, receipt);
  }

  /** One receipt, or undefined. */
  async get(id: string): Promise<Receipt | undefined> {
    return this.#records.get(id);
  }

  /** The newest `limit` receipts, newest first. */
  async list(limit = 10): Promise<readonly Receipt[]> {
    const { records } = await this.#records.scan();
    return records.toSorted((a, b) => b.endedAt - a.endedAt).slice(0, limit);
  }

  /** Removes receipts that are too old or too many; tells how many. */
  async prune(): Promise<number> {
    const all = await this.list(Number.POSITIVE_INFINITY);
    const old = all.filter(
      (receipt, index) =>
        // The newest stays: where the clock has just jumped ahead, its answer is still to be told.
        index >= APPLY.receiptsKept || (index > 0 && this.#now() - receipt.endedAt > APPLY.receiptTtlMs),
    );
    await this.#records.sweep();
    for (const receipt of old) await this.#records.remove(receipt.id);
    return old.length;
  }
}
