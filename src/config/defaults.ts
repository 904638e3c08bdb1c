// Every default and limit of the project, in one place; units are in the names.

/** One second in milliseconds. */
export const SECOND = 1_000;
/** One minute in milliseconds. */
export const MINUTE = 60 * SECOND;
/** One hour in milliseconds. */
export const HOUR = 60 * MINUTE;
/** One day in milliseconds. */
export const DAY = 24 * HOUR;

/** How large a file of ours or of OpenClaw may be before we refuse to read it, in bytes. */
export const MAX_FILE_BYTES = 16 * 1024 * 1024;

/** OpenClaw's lock on its auth store (facts/openclaw-json-generation.md §2, §8). */
export const OPENCLAW_LOCK = {
  /** A live gateway may hold it across a token refresh of up to 120 s, so we wait longer than that. */
  waitMs: 130 * SECOND,
  /** OpenClaw calls a lock stale after 30 s; we let go long before. */
  maxHoldMs: 10 * SECOND,
  pollMinMs: 50,
  pollMaxMs: 500,
} as const;

/** proper-lockfile on our own files. */
export const OWN_LOCK = { staleMs: 15 * SECOND, updateMs: 5 * SECOND, waitMs: 20 * SECOND } as const;

/** Sign-in attempts (facts/codex-oauth.md §1). */
export const LOGIN = {
  attemptTtlMs: 10 * MINUTE,
  requestTimeoutMs: 30 * SECOND,
  connectTimeoutMs: 10 * SECOND,
  maxBodyBytes: 1024 * 1024,
  maxCallbackChars: 8_192,
} as const;

/** Chat: how long things last and how long texts may be. */
export const CHAT = {
  buttonTtlMs: 10 * MINUTE,
  pickerTtlMs: 1 * HOUR,
  listTtlMs: 10 * MINUTE,
  maxArgumentChars: 4_096,
  maxLabelChars: 64,
  maxReplyChars: 4_096,
} as const;

/** The apply queue. */
export const APPLY = {
  heartbeatMs: 2 * SECOND,
  executorStaleMs: 15 * SECOND,
  idleExitMs: 3 * SECOND,
  repairAttempts: 3,
  healthyWithinMs: 2 * MINUTE,
  receiptsKept: 200,
  receiptTtlMs: 90 * DAY,
  outboxTtlMs: 7 * DAY,
  parkedReminderMs: 1 * DAY,
} as const;
