// The newest usage of each account and its course over two weeks, one small 0600 file each; no token, no address, no name.

import { hash } from "node:crypto";
import { join } from "node:path";
import { z } from "zod";
import { USAGE_CHECK } from "../config/defaults.ts";
import type { Identity } from "../profiles/claims.ts";
import { ensurePrivateFolder } from "../storage/atomic-write.ts";
import { withProcessLock } from "../storage/process-lock.ts";
import { RecordFolder } from "../storage/record-folder.ts";
import { hasFigures, usageReportSchema, type UsageReport } from "./report.ts";

const pointSchema = z.object({
  atMs: z.number(),
  /** The main limit's windows. */
  windows: z.array(z.object({ seconds: z.number(), usedPercent: z.number() })),
});

const recordSchema = z.object({
  schemaVersion: z.literal(1),
  key: z.string(),
  /** The newest answer. */
  latest: z.object({ atMs: z.number(), report: usageReportSchema }).optional(),
  /** Until when the provider wants no further question. */
  holdUntilMs: z.number().optional(),
  /** At most one in an hour, the oldest first. */
  points: z.array(pointSchema),
});

/** What is kept of one account. */
export type UsageRecord = z.infer<typeof recordSchema>;
/** The figures of one moment. */
export type UsagePoint = z.infer<typeof pointSchema>;

/**
 * Under which name an account's usage is kept: by whose login it is, so that a profile which got another login does not show
 * the earlier one's; by the profile where the login does not say.
 */
export function usageKey(identity: Identity | undefined, agentId: string, profileId: string): string {
  const parts = identity === undefined ? ["profile", agentId, profileId] : [identity.userId, identity.accountId];
  return hash("sha256", `codex-auth usage\0${JSON.stringify(parts)}`).slice(0, 32);
}

/** The kept usage of all accounts. */
export class UsageRecords {
  readonly #folder: RecordFolder<UsageRecord>;
  readonly #now: () => number;

  constructor(options: { readonly folder: string; readonly now: () => number }) {
    this.#folder = new RecordFolder(options.folder, recordSchema);
    this.#now = options.now;
  }

  /** What is kept under `key`, as far as it is young enough. @throws CodexAuthError `ERR_FILE_*` where the file is damaged. */
  async get(key: string): Promise<UsageRecord | undefined> {
    const record = await this.#folder.get(key);
    return record === undefined ? undefined : this.#current(record);
  }

  /** The keys under which anything is kept. @throws CodexAuthError `ERR_FILE_UNREADABLE`. */
  keys(): ReadonlySet<string> {
    return this.#folder.ids();
  }

  /** Keeps an answer of now, and what of the history is young enough; one without any figure forgets no earlier one that has some. */
  async keep(key: string, report: UsageReport): Promise<void> {
    const atMs = this.#now();
    await this.#change(key, ({ latest, points }) => {
      const isLoss = latest !== undefined && hasFigures(latest.report) && !hasFigures(report);
      return { latest: isLoss ? latest : { atMs, report }, points: withPoint(points, atMs, report) };
    });
    await this.#sweep();
  }

  /** Remembers that the provider wants no question about `key` until then. */
  async hold(key: string, holdUntilMs: number): Promise<void> {
    await this.#change(key, (record) => ({ ...record, holdUntilMs }));
  }

  async #change(
    key: string,
    change: (record: Pick<UsageRecord, "latest" | "points" | "holdUntilMs">) => typeof record,
  ): Promise<void> {
    await ensurePrivateFolder(this.#folder.folder);
    const keep = async (): Promise<void> => {
      // A damaged file makes this throw: it is left as it is.
      const record = (await this.get(key)) ?? { points: [] };
      await this.#folder.put(key, { schemaVersion: 1, key, ...change(record) });
    };
    await withProcessLock(join(this.#folder.folder, key), keep, { waitMs: USAGE_CHECK.keepWaitMs });
  }

  #current(record: UsageRecord): UsageRecord {
    const from = this.#now() - USAGE_CHECK.historyMs;
    const { latest, ...rest } = record;
    const points = record.points.filter(({ atMs }) => atMs > from);
    return latest === undefined || latest.atMs <= from ? { ...rest, points } : { ...rest, latest, points };
  }

  /** Accounts that nobody asks about any more leave no trace after two weeks. */
  async #sweep(): Promise<void> {
    const from = this.#now() - USAGE_CHECK.historyMs;
    const { records } = await this.#folder.scan();
    for (const { key, latest, holdUntilMs } of records) {
      if (Math.max(latest?.atMs ?? 0, holdUntilMs ?? 0) <= from) await this.#folder.remove(key);
    }
  }
}

/** `points` with the figures of `report`; a second one in the same hour takes the place of the first. */
function withPoint(points: readonly UsagePoint[], atMs: number, report: UsageReport): UsagePoint[] {
  const main = report.limits.find(({ name }) => name === undefined);
  const windows = (main?.windows ?? []).flatMap(({ seconds, usedPercent }) =>
    seconds === undefined || usedPercent === undefined ? [] : [{ seconds, usedPercent }],
  );
  if (windows.length === 0) return [...points];
  const hour = hourOf(atMs);
  return [...points.filter((point) => hourOf(point.atMs) !== hour), { atMs, windows }];
}

function hourOf(atMs: number): number {
  return Math.floor(atMs / USAGE_CHECK.historyStepMs);
}
