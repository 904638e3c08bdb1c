// The defaults and limits of the lease; units are in the names.

import { HOUR, MINUTE, SECOND } from "./units.ts";

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
  /** Tokens that came back unchanged, or that somebody else took out of the store, are not fetched again before this has passed. */
  sameMaterialAgainMs: 1 * MINUTE,
  rewriteAgainMs: 5 * MINUTE,
  /** How long tokens of a lease that is over may stay while another lease is sought. */
  orphanTokensMs: 10 * MINUTE,
  /** How long a broker's "clients may not rotate" is believed. */
  rotationDisabledMs: 1 * HOUR,
  /** Another agent's lease is looked at more seldom than the broker's 180 s: each look is contact, and would keep a dead one alive. */
  otherAgentLookMs: 5 * MINUTE,
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
  /** How many leases under other settings are remembered. */
  othersKept: 4,
  /** A keeper that was not at work for so long is none: it may wait as long as the longest interval, and then for a slow broker. */
  keeperSilentMs: 6 * MINUTE,
  /** How long a command waits for the job that writes its tokens. */
  commandWaitMs: 5 * MINUTE,
  /** How long a host that stops waits for the release of its lease. */
  stopWithinMs: 10 * SECOND,
} as const;

/** Bounds of the lease's numbers: smallest and largest. */
export const LEASE_LIMITS = {
  requestedTtlSeconds: [60, 24 * 60 * 60],
  /** Contact must come within 180 s, and a slow broker may need 90 s for one answer. */
  refreshIntervalMs: [5 * SECOND, 75 * SECOND],
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
