// Defaults of locks and of the disk behind them.

import { SECOND } from "./units.ts";

/** OpenClaw's lock on its auth store (facts/openclaw-json-generation.md §2, §8). */
export const OPENCLAW_LOCK = {
  /** A live gateway may hold it across a token refresh of up to 120 s, so we wait longer than that. */
  waitMs: 130 * SECOND,
  /** OpenClaw calls a lock stale after 30 s; we let go long before. */
  maxHoldMs: 10 * SECOND,
  /** Across a renewal, whose answer must be in the store before anybody else may use the old token; short of those 30 s. */
  maxRenewalHoldMs: 25 * SECOND,
  /** How long a second lock is waited for while a first one is held. */
  nestedWaitMs: 3 * SECOND,
  pollMinMs: 50,
  pollMaxMs: 500,
  /** How often a waiting person hears of it. */
  progressMs: 1 * SECOND,
  /** How long an empty lock file must lie unchanged before our eyes until its maker counts as crashed between open and write. */
  emptyStaleMs: 30 * SECOND,
  /** How long a folder at the lock path (another tool's lock) may take to go away. */
  folderGraceMs: 15 * SECOND,
} as const;

/** proper-lockfile on our own files. */
export const OWN_LOCK = { staleMs: 15 * SECOND, updateMs: 5 * SECOND, waitMs: 20 * SECOND } as const;

/** Waiting for the disk in place: up to when an fsync is quick, how often one is left to the thread pool all the same, and for how long at most all after a slow one. */
export const DISK = { quickMs: 20, turnEveryMs: 0.25 * SECOND, maxPooledMs: 60 * SECOND } as const;
