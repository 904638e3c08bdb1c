// Every default and limit of the project, from one place (the lease's own and those of locks are beside it); units are in the names.

import { DAY, HOUR, MINUTE, SECOND } from "./units.ts";

export { BROKER, LEASE, LEASE_LIMITS, USAGE } from "./lease-defaults.ts";
export { DISK, OPENCLAW_LOCK, OWN_LOCK } from "./lock-defaults.ts";
export { DAY, HOUR, MINUTE, SECOND } from "./units.ts";

/** How large a file of ours or of OpenClaw may be before we refuse to read it, in bytes. */
export const MAX_FILE_BYTES = 16 * 1024 * 1024;

/** How large our settings file may be to be looked at for each question of who may, in bytes. */
export const MAX_SETTINGS_BYTES = 256 * 1024;

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
  /** As the Codex CLI waits (facts/codex-oauth.md §1.9). */
  revokeTimeoutMs: 10 * SECOND,
  maxBodyBytes: 1024 * 1024,
  maxCallbackChars: 8_192,
} as const;

/** Renewing a login by its refresh token. */
export const RENEWAL = {
  /** For the whole request: what is left of `OPENCLAW_LOCK.maxRenewalHoldMs` is for writing and the reload. */
  requestTimeoutMs: 15 * SECOND,
  connectTimeoutMs: 5 * SECOND,
  /** How long a presented token counts as on its way, in milliseconds: longer than any request takes. */
  underWayMs: 30 * SECOND,
  /** What must be left of the hold after the request has run into its time-out: for the write and the reload. */
  writeReserveMs: 5 * SECOND,
  /** A login that is handed to another program is renewed first where it would run out sooner. */
  freshForMs: 5 * MINUTE,
  /** How long is remembered that a refresh token was presented: a backup may bring one back. */
  journalTtlMs: 365 * DAY,
  journalKept: 2_000,
} as const;

/** Where the browser of a sign-in at this machine ends up (facts/codex-oauth.md §1.2, §1.3). */
export const LOOPBACK = {
  /** The only ports that are registered for the client id, in the order in which they are tried. */
  ports: [1_455, 1_457],
  /** Request line and headers together; the longest callback address is half of it. */
  maxHeaderBytes: 16 * 1024,
  requestWithinMs: 10 * SECOND,
  checkEveryMs: 1 * SECOND,
  maxConnections: 64,
  /** How often is looked whether a sign-in is still waited for: another program, or another way, may have ended it. */
  lookEveryMs: 2 * SECOND,
  /** How long a browser that comes late is still told that the sign-in is over. */
  lingerMs: 10 * SECOND,
} as const;

/** Sign-ins by device code (facts/codex-oauth.md §1.6). */
export const DEVICE = {
  ttlMs: 15 * MINUTE,
  intervalMs: 5 * SECOND,
  minIntervalMs: 1 * SECOND,
  maxIntervalMs: 1 * MINUTE,
  /** What `slow_down` adds, for good. */
  slowDownMs: 5 * SECOND,
  /** Short, because a stopping bot waits for the answer: it may be the one that holds the login. */
  requestTimeoutMs: 10 * SECOND,
  maxBodyBytes: 64 * 1024,
  /** The longest wait while the server is in trouble and does not say when to come back. */
  maxBackoffMs: 1 * MINUTE,
  hintAfterMs: 1 * MINUTE,
  /** The time left is shown in steps of this length: each step is an edit of the message. */
  leftStepMs: 5 * MINUTE,
} as const;

/** `showsWithinMs`: how long a terminal may take until the card of a new device code is on its screen. */
export const TERMINAL = { showsWithinMs: 10 * SECOND } as const;

/** Chat: how long things last and how long texts may be. */
export const CHAT = {
  buttonTtlMs: 10 * MINUTE,
  pickerTtlMs: 1 * HOUR,
  /** Buttons of a received login: it stays parked, so they may be pressed the next morning. */
  decisionTtlMs: 1 * DAY,
  progressEveryMs: 1 * SECOND,
  listTtlMs: 10 * MINUTE,
  /** How many previewed changes a person may still confirm. */
  pendingChanges: 8,
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

/** The plugin inside OpenClaw. */
export const PLUGIN = {
  /** How often it says that it is at work; a process that is gone is noticed at once, whatever it said. */
  beatMs: 15 * SECOND,
  /** A plugin that has said nothing for so long is not at work. */
  silentMs: 1 * MINUTE,
  /** How long a command waits for the end of the job that it made, so that its answer is the outcome. */
  answerWithinMs: 8 * SECOND,
  /** How many shown messages can still be edited, the newest. */
  messagesKept: 256,
  /** How many buttons are remembered with the message they were shown in. */
  buttonsKept: 2_048,
  /** How long after a failure the queue is looked at again. */
  retryMs: 15 * SECOND,
  /** How long OpenClaw waits for what is under way when it stops the plugin; the rest ends by itself. */
  stopWithinMs: 5 * SECOND,
  /** How often other hosts are told of the profiles anew: OpenClaw's own sign-ins are seen nowhere else. */
  publishEveryMs: 1 * MINUTE,
  /** How many pasted messages are known between the two hooks that tell of one. */
  pastesKept: 32,
  /** How long taking a message out of the chat may take. */
  deleteWithinMs: 5 * SECOND,
  /** How long 2026.9.6 needs to end the activation of a plugin: a write into its store before that undoes it. */
  settlesMs: 10 * SECOND,
  /** How often is looked whether OpenClaw still has our commands; a second was too seldom (docs/openclaw-generations.md, e). */
  lookEveryMs: 0.2 * SECOND,
  /** Telegram takes no longer message; OpenClaw's markdown makes some of it longer. */
  maxTextChars: 3_800,
  /** A typed command as a button of `presentation`: 64 bytes less OpenClaw's own prefix. */
  maxCommandBytes: 58,
} as const;

/**
 * How long a file must have been left alone for its times to tell it from what is written next: far more than a tick of the kernel's clock
 * (1 to 10 ms), or of a file system that counts in seconds (two on FAT).
 */
export const MARKS = { settledMs: 100, settledInSecondsMs: 3 * SECOND } as const;

/** How often a watched folder is looked at where the system gives no notice. */
export const WATCH = { pollMs: 1 * SECOND } as const;

/** The Telegram bot (facts/skill-ecosystem.md §4). */
export const TELEGRAM = {
  /** How long one getUpdates waits at the server; Telegram's own maximum is 50. */
  pollSeconds: 30,
  /** A call that has not answered by then is given up: longer than the long poll, so that a dead connection is noticed. */
  requestTimeoutSeconds: 45,
  /** A hundred updates of the largest messages are far smaller. */
  maxAnswerBytes: 16 * 1024 * 1024,
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

/** The set-up in a terminal: how long each live check may take. */
export const SETUP = {
  telegramWithinMs: 15 * SECOND,
  /** Longer than one long poll, which is what a listening set-up waits in. */
  telegramTimeoutSeconds: 30,
  /** The broker serves one call at a time and took up to 4 s under load (facts/lease-broker.md §1). */
  brokerWithinMs: 20 * SECOND,
  /** How long a person's message to the bot is waited for, and one long poll of that. */
  listenMs: 3 * MINUTE,
  pollSeconds: 20,
  /** How far Telegram's clock and ours may differ where the age of a message is judged. */
  clockSlackMs: 60 * SECOND,
  /** As many as the settings take. */
  maxPeople: 100,
  frameMs: 100,
} as const;

/** The longest access token that is looked into; real ones have about 2,000 characters. */
export const MAX_TOKEN_CHARS = 32 * 1024;

/** Of how many tokens it is remembered what they say of themselves; the tokens are not. */
export const MAX_DECODED_TOKENS = 500;

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
export const LOG_FILE = { maxBytes: 1024 * 1024, repeatMs: 1 * HOUR } as const;

/** The Codex CLI's login file: it writes it without a lock, so a look at it may have to be repeated. */
export const CODEX_HOME = { tries: 3, maxBytes: 256 * 1024 } as const;

/** The usage export that is passed on to the broker; of more sessions only the newest are sent, and known again. */
export const USAGE_EXPORT = { maxBytes: 8 * 1024 * 1024, maxSessions: 5_000 } as const;

/** Usage checks (facts/codex-oauth.md §1.11). */
export const USAGE_CHECK = {
  /** For one try; there is one more after a silence or a server's error. */
  tryTimeoutMs: 10 * SECOND,
  retryWaitMs: 500,
  maxBodyBytes: 256 * 1024,
  /** How many profiles are asked about at a time. */
  concurrent: 3,
  /** The same question within this time gets the answer that is under way, or has just come. */
  shareMs: 20 * SECOND,
  /** After "too many requests": where the provider does not say when to come back, and the longest that is believed. */
  backoffMs: 1 * MINUTE,
  maxBackoffMs: 1 * HOUR,
  /** How long the answer waits for another process that keeps the same account's figures; then they are left to that one. */
  keepWaitMs: 1 * SECOND,
  /** The history of an account: one point in this time, for so long. */
  historyStepMs: 1 * HOUR,
  historyMs: 14 * DAY,
  /** How many limits of an answer, and windows of a limit, are read. */
  maxLimits: 12,
  maxWindows: 6,
  maxLabelChars: 48,
} as const;
