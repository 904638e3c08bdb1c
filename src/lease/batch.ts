// A batch of usage counts: what is kept of it on disk, and the row of telemetry that it becomes.

import { z } from "zod";
import { LEASE, USAGE } from "../config/defaults.ts";
import type { LeaseOwner, TelemetryReport } from "./broker.ts";
import { clamp, type CounterTotals } from "./counters.ts";

const countSchema = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const timeSchema = z.number().int().min(0).max(USAGE.latestMs);
const nameSchema = z.string().min(1).max(USAGE.maxNameChars);
const namesSchema = z.array(nameSchema).max(USAGE.maxNames);

const totalsSchema = z
  .object({
    requests: countSchema,
    tokensIn: countSchema,
    tokensOut: countSchema,
    status: nameSchema,
    utilizationPct: z.number().min(0).max(100),
    quotaRemaining: countSchema,
    rateLimitRemaining: countSchema,
    observedAtMs: timeSchema,
    lastSuccessAtMs: timeSchema,
    lastErrorAtMs: timeSchema,
    models: namesSchema,
    sources: namesSchema,
  })
  .partial();

/** One batch on disk; `open` grows, `sealed` never changes again. */
export const batchSchema = z.object({
  schemaVersion: z.literal(1),
  id: z.string(),
  state: z.enum(["open", "sealed"]),
  /** Absent where no lease was set when its events came: they are `unattributed`. */
  lease: z.object({ leaseId: z.string().min(1), machineId: z.string().min(1), agentId: z.string().min(1) }).optional(),
  /** Whose it is, to know when nobody will seal it any more. */
  process: z.object({ pid: z.number().int(), startTime: z.number().optional(), host: z.string() }),
  createdAtMs: z.number(),
  savedAtMs: z.number(),
  totals: totalsSchema,
});
/** See {@link batchSchema}. */
export type Batch = z.infer<typeof batchSchema>;

/** The lease that events belong to, and who has it. */
export interface LeaseContext {
  readonly leaseId: string;
  readonly owner: LeaseOwner;
}

/** Sums as they are shown. */
export interface UsageSums {
  readonly requests: number;
  readonly tokensIn: number;
  readonly tokensOut: number;
}

/** Nothing. */
export const NO_USAGE: UsageSums = { requests: 0, tokensIn: 0, tokensOut: 0 };

/** `sums` and a batch's counts together. */
export function addUsage(sums: UsageSums, counts: Partial<UsageSums> | Batch["totals"]): UsageSums {
  return {
    requests: clamp(sums.requests + (counts.requests ?? 0)),
    tokensIn: clamp(sums.tokensIn + (counts.tokensIn ?? 0)),
    tokensOut: clamp(sums.tokensOut + (counts.tokensOut ?? 0)),
  };
}

/** Whether two contexts are the same lease of the same owner. */
export function isSameLease(one: Batch["lease"], other: LeaseContext | undefined): boolean {
  if (one === undefined || other === undefined) return one === undefined && other === undefined;
  const { leaseId, owner } = other;
  return one.leaseId === leaseId && one.machineId === owner.machineId && one.agentId === owner.agentId;
}

/** Whether a batch is worth a file: it has counts or anything else that was observed. */
export function hasContent(totals: CounterTotals | Batch["totals"]): boolean {
  return Object.values(totals).some((value) => value !== undefined);
}

/**
 * The row for `batch`, or undefined where it would say nothing.
 *
 * A late one (its lease is not the current one any more, or it was made by another process or too long ago) tells counts only: what
 * the broker reads from status, utilization and quota is about now, and 100 % in a late row revokes whoever has the credential by then
 * (facts/lease-broker.md §3.5). Where nothing was observed, utilization and quota are left out, although that clears the broker's
 * `latest_*`: its own figure sent back would be no observation, and the manager knows its own.
 */
export function reportOf(
  batch: Batch,
  at: {
    readonly now: number;
    /** Now by the broker's clock: it takes this for its last contact with us, and more than 180 s ago ends the lease (§3.5). */
    readonly capturedAtMs: number;
    readonly isLate: boolean;
  },
): TelemetryReport | undefined {
  const { requests, tokensIn, tokensOut, models, sources, ...observed } = batch.totals;
  const isFresh = !at.isLate && at.now - batch.savedAtMs <= LEASE.observedFreshMs;
  const isObserved =
    isFresh && observed.observedAtMs !== undefined && at.now - observed.observedAtMs <= LEASE.observedFreshMs;
  const { status, utilizationPct, quotaRemaining, rateLimitRemaining, lastSuccessAtMs, lastErrorAtMs } = observed;
  const counts = {
    ...(requests === undefined ? {} : { requestsCount: requests }),
    ...(tokensIn === undefined ? {} : { tokensIn }),
    ...(tokensOut === undefined ? {} : { tokensOut }),
  };
  const state = {
    ...(status === undefined || !isFresh ? {} : { status }),
    ...(utilizationPct === undefined || !isObserved ? {} : { utilizationPct }),
    ...(quotaRemaining === undefined || !isObserved ? {} : { quotaRemaining }),
    ...(rateLimitRemaining === undefined || !isObserved ? {} : { rateLimitRemaining }),
  };
  const hasCounts = [requests, tokensIn, tokensOut].some((value) => value !== undefined && value > 0);
  if (!hasCounts && Object.keys(state).length === 0) return undefined;
  return {
    capturedAtMs: at.capturedAtMs,
    ...(hasCounts ? counts : {}),
    ...state,
    ...(lastSuccessAtMs === undefined || !hasCounts ? {} : { lastSuccessAtMs }),
    ...(lastErrorAtMs === undefined || !hasCounts ? {} : { lastErrorAtMs }),
    metadata: {
      batch_id: batch.id,
      ...(sources === undefined || !hasCounts ? {} : { source: sources.length === 1 ? (sources[0] ?? "") : sources }),
      ...(models === undefined || !hasCounts ? {} : { models }),
    },
  };
}
