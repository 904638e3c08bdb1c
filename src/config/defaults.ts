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

/** How large our settings file may be to be looked at for each question of who may, in bytes. */
export const MAX_SETTINGS_BYTES = 256 * 1024;

/** OpenClaw's lock on its auth store (facts/openclaw-json-generation.md §2, §8). */
export const OPENCLAW_LOCK = {
  /** A live gateway may hold it across a token refresh of up to 120 s, so we wait longer than that. */
  waitMs: 130 * SECOND,
  /** OpenClaw calls a lock stale after 30 s; we let go long before. */
  maxHoldMs: 10 * SECOND,
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

/** Profiles as they are shown and stored. */
export const PROFILES = {
  /** From when on an access token is shown as expiring; OpenClaw's own `models status` warns a day before. */
  expiringWithinMs: 1 * DAY,
  /** How many copies of stores that did not parse are kept. */
  corruptCopiesKept: 3,
  maxNameChars: 64,
  /** How many agent folders are looked at. */
  maxAgents: 500,
} as const;

/** Sign-in attempts (facts/codex-oauth.md §1). */
export const LOGIN = {
  attemptTtlMs: 10 * MINUTE,
  /** How long an ended attempt is remembered after it would have expired, without any secret: to call a replay a replay. */
  tombstoneMs: 1 * HOUR,
  requestTimeoutMs: 30 * SECOND,
  connectTimeoutMs: 10 * SECOND,
  maxBodyBytes: 1024 * 1024,
  maxCallbackChars: 8_192,
} as const;

/** Chat: how long things last and how long texts may be. */
export const CHAT = {
  buttonTtlMs: 10 * MINUTE,
  pickerTtlMs: 1 * HOUR,
  /** Buttons of a received login: it stays parked, so they may be pressed the next morning. */
  decisionTtlMs: 1 * DAY,
  progressEveryMs: 1 * SECOND,
  listTtlMs: 10 * MINUTE,
  maxArgumentChars: 4_096,
  maxLabelChars: 64,
  maxReplyChars: 4_096,
  maxProblemChars: 400,
  /** How long the same profile's sign-in is not asked for a second time by scripts. */
  invitationAgainMs: 10 * MINUTE,
  /** For how many profiles scripts may ask within that time: a phone is not to ring for each name that a script makes up. */
  maxInvitations: 5,
  /** How long a script's question is remembered; as long as a message may wait for a bot. */
  invitationTtlMs: 7 * DAY,
  /** First and longest wait before an answer that could not be delivered is tried again. */
  deliveryRetryMs: 2 * SECOND,
  deliveryRetryMaxMs: 5 * MINUTE,
} as const;

/** The apply queue. */
export const APPLY = {
  heartbeatMs: 2 * SECOND,
  repairAttempts: 3,
  receiptsKept: 200,
  receiptTtlMs: 90 * DAY,
  outboxTtlMs: 7 * DAY,
  parkedReminderMs: 1 * DAY,
  endedJobTtlMs: 1 * DAY,
  orphanSecretMs: 1 * HOUR,
  /** More than a login with its three tokens takes on the disk. */
  roomForLoginBytes: 64 * 1024,
  replanAttempts: 3,
  /** A gateway that is just starting is waited for that long before its signs are believed to disagree. */
  gatewaySettlesMs: 1 * MINUTE,
  executorAttempts: 3,
  executorRetryMs: 1 * SECOND,
  /** An executor that has not beaten for so long is not at work; a job so old should have had one. */
  executorSilentMs: 15 * SECOND,
} as const;

/** How often a watched folder is looked at where the system gives no notice. */
export const WATCH = { pollMs: 1 * SECOND } as const;

/** The Telegram bot (facts/skill-ecosystem.md §4). */
export const TELEGRAM = {
  /** How long one getUpdates waits at the server; Telegram's own maximum is 50. */
  pollSeconds: 30,
  /** A call that has not answered by then is given up: longer than the long poll, so that a dead connection is noticed. */
  requestTimeoutSeconds: 45,
  /** How often new updates are asked for while earlier ones are still being handled; below 0.5 s Telegram gives one at a time. */
  repollMs: 1 * SECOND,
  backoffMinMs: 1 * SECOND,
  backoffMaxMs: 30 * SECOND,
  /** After a first 409 the other poller may be our own predecessor on its way out. */
  conflictPauseMs: 5 * SECOND,
  /** A second 409 within this time is another bot. */
  conflictWindowMs: 2 * MINUTE,
  /** How long a stopping bot waits for answers under way. */
  stopGraceMs: 10 * SECOND,
  /** An update counts as handled after this time, whatever its handler still does. */
  handledAfterMs: 2 * MINUTE,
  /** A press is acknowledged after this time even if its answer is not ready: the button stops spinning. */
  ackAfterMs: 4 * SECOND,
  /** Second tries of a call after a network failure or a server error, the first wait, and the longest `retry_after` that is waited for. */
  retryAttempts: 3,
  retryFirstMs: 1 * SECOND,
  maxRetryAfterSeconds: 60,
  /** How often the bot looks for parked logins that are to be reminded of. */
  remindEveryMs: 1 * HOUR,
  /** How many ids of ignored senders are printed. */
  maxStrangersShown: 20,
  /** How many presses are remembered, to answer each once. */
  pressesRemembered: 1_000,
  maxToastChars: 200,
  maxButtons: 100,
} as const;

/** The longest access token that is looked into; real ones have about 2,000 characters. */
export const MAX_TOKEN_CHARS = 32 * 1024;

/** The gateway (facts/openclaw-json-generation.md §3 and §8). */
export const GATEWAY = {
  defaultPort: 18_789,
  connectTimeoutMs: 2 * SECOND,
  healthTimeoutMs: 3 * SECOND,
  /** A reload took 0.07 to 1.3 s on a busy machine. */
  rpcTimeoutMs: 20 * SECOND,
  maxFrameChars: 16 * 1024 * 1024,
  maxHealthBytes: 64 * 1024,
  /** A restart before the start has finished leaves the gateway without its lock. */
  startWindowMs: 30 * SECOND,
  /** Draining takes up to 90 s before the restart begins, starting up to 50 s. */
  restartWithinMs: 3 * MINUTE,
  pollMs: 250,
  /** How long systemctl, launchctl, lsof or a configured restart command may take. */
  commandTimeoutMs: 100 * SECOND,
  /** Starts of the gateway's uptime and of our clock may be apart by this much. */
  uptimeSlackMs: 1 * SECOND,
} as const;

/** Log files of the hosts: one is kept beside the current one. */
export const LOG_FILE = { maxBytes: 1024 * 1024 } as const;

/** The lease, with the Auth Manager plugin's documented defaults where it has them. */
export const LEASE = {
  agentId: "openclaw",
  profileId: "openai-codex:lease",
  authFilePath: "~/.codex/auth.json",
  requestedTtlSeconds: 30 * 60,
  /** The broker ends a lease after 180 s without contact, whatever its time (facts/lease-broker.md §4). */
  refreshIntervalMs: 1 * MINUTE,
  flushIntervalMs: 1 * MINUTE,
  flushEveryRequests: 10,
  /** How often counts that are not sent yet are written to disk: what a SIGKILL may lose. */
  spoolIntervalMs: 5 * SECOND,
  /** Utilization and quota that were observed longer ago are not told: the broker would take them for today's. */
  observedFreshMs: 5 * MINUTE,
  /** Flushes that a number of requests brings about are at least so far apart, however many requests there are. */
  flushGapMs: 1 * SECOND,
  /** When so many batches are refused by the broker itself, no more are made: counts then gather in the open one. */
  refusedBatches: 20,
  /** How long a stop waits for its last flush. */
  stopFlushMs: 10 * SECOND,
  /** Counts of a process in another container, whose life cannot be judged from here, are adopted when they have lain still so long. */
  foreignSpoolMs: 10 * MINUTE,
  usageExportDays: 30,
  /** Renewed when no more than this is left: the broker's own threshold. */
  renewWithinMs: 5 * MINUTE,
  /** Materialized again when the leased access token has no more than this left. */
  materialWithinMs: 5 * MINUTE,
  /** A material that expires sooner than this is refused. */
  materialMinLifeMs: 1 * MINUTE,
  /** The broker may go on calling a material out of date after it was given: it is not fetched again before this has passed. */
  materialAgainMs: 10 * MINUTE,
  /** A rotation that is only recommended is not repeated before this has passed: the next credential may be as full (§4, ping-pong). */
  rotateAgainMs: 30 * MINUTE,
  /** A lease that ended sooner than this after it was given counts as a repeated revocation: the broker gives the same credential again. */
  shortLivedMs: 10 * MINUTE,
  /** First and longest wait after a failure. */
  backoffMinMs: 2 * SECOND,
  backoffMaxMs: 5 * MINUTE,
  /** A profile store that refused the leased tokens is asked again after half a minute at first, and at most this long. */
  writeFailureSteps: 4,
  writeBackoffMaxMs: 1 * HOUR,
  /** Two keepers of one machine, or a keeper and a command, take turns; a slow broker makes turns long. */
  turnWaitMs: 2 * MINUTE,
  /** How long a command waits for the job that writes its tokens. */
  commandWaitMs: 5 * MINUTE,
  /** How long a host that stops waits for the release of its lease. */
  stopWithinMs: 10 * SECOND,
} as const;

/** Bounds of the lease's numbers: smallest and largest. */
export const LEASE_LIMITS = {
  requestedTtlSeconds: [60, 24 * 60 * 60],
  /** Contact must come well within 180 s. */
  refreshIntervalMs: [5 * SECOND, 150 * SECOND],
  flushIntervalMs: [1 * SECOND, 1 * HOUR],
  flushEveryRequests: [1, 10_000],
  usageExportDays: [1, 366],
} as const;

/** What is believed of a usage event. */
export const USAGE = {
  /** No request and no sum of a host has more tokens than that. */
  maxCount: 1e12,
  earliestMs: Date.UTC(2020),
  latestMs: Date.UTC(2100),
  /** How many model names and how many source names one row of telemetry carries. */
  maxNames: 10,
  maxNameChars: 64,
} as const;

/** Calls to the broker: it is single-threaded and takes 3 to 5 s under load (facts/lease-broker.md §1). */
export const BROKER = {
  connectTimeoutMs: 10 * SECOND,
  headersTimeoutMs: 20 * SECOND,
  bodyTimeoutMs: 20 * SECOND,
  /** For one try as a whole. */
  tryTimeoutMs: 30 * SECOND,
  /** Tries of a call that may be repeated. */
  tries: 3,
  retryMinMs: 500,
  retryMaxMs: 10 * SECOND,
  /** A longer Retry-After is answered as a failure: the caller comes back by itself. */
  maxRetryAfterMs: 60 * SECOND,
  maxBodyBytes: 1024 * 1024,
  maxLabelChars: 120,
} as const;

/** The Codex CLI's login file: it writes it without a lock, so a look at it may have to be repeated. */
export const CODEX_HOME = { tries: 3, maxBytes: 256 * 1024 } as const;

/** The usage export that is passed on to the broker. */
export const USAGE_EXPORT = { maxBytes: 8 * 1024 * 1024 } as const;
