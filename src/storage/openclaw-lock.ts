// OpenClaw's own lock on its auth store: waits for the living, takes over from the dead, and knows whether it is still held.

import { realpathSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { OPENCLAW_LOCK } from "../config/defaults.ts";
import { CodexAuthError, systemCode } from "../errors.ts";
import {
  createLockFile,
  isSameLock,
  readLockFile,
  removeAbandonedLock,
  removeDeadAsides,
  removeOwnLock,
  type LockFile,
} from "./openclaw-lock-file.ts";
import { isHolderAlive, thisHolder, type LockHolder } from "./openclaw-lock-holder.ts";

/** What a person who waits may be told. */
export interface LockWait {
  readonly holderPid?: number;
  readonly waitedMs: number;
}

/** How {@link withOpenClawLock} waits. */
export interface OpenClawLockOptions {
  /** Ends the wait with `ERR_CANCELLED`; it does not end `body`. */
  readonly signal?: AbortSignal;
  /** Called when a wait begins, and about every `OPENCLAW_LOCK.progressMs` of it. */
  readonly onWait?: (wait: LockWait) => void;
  /** How long to wait for another holder, in milliseconds. Default `OPENCLAW_LOCK.waitMs`. */
  readonly waitMs?: number;
  /** How long it may be held, in milliseconds, at most 25 s. Default `OPENCLAW_LOCK.maxHoldMs`. */
  readonly maxHoldMs?: number;
  /** A clock in milliseconds for waiting and holding; default one that no clock change moves. */
  readonly now?: () => number;
  /** Whether a holder lives; default asks the system. */
  readonly isAlive?: (holder: LockHolder) => boolean;
}

/** The lock while it is held. */
export interface OpenClawLockHold {
  readonly lockPath: string;
  /** @throws CodexAuthError `ERR_LOCK_LOST` where the lock file is no longer the one we made. */
  assertStillOurs(): void;
  /** Milliseconds left of the time that it may be held; at 30 s OpenClaw 2026.4.5 calls us stale. May be negative. */
  remainingMs(): number;
}

/**
 * Runs `body` while we hold OpenClaw's lock of `storePath`, whose folder must exist.
 *
 * A live process is waited for, however old its lock: a gateway keeps it across a token refresh (up to 120 s).
 * A lock is taken over from a process that is gone, and from nobody (an empty file that lay unchanged before our eyes
 * for `emptyStaleMs`: its maker died between open and write, and OpenClaw 2026.5.28 would wait for it for ever).
 *
 * @throws CodexAuthError `ERR_LOCK_TIMEOUT`, `ERR_LOCK_BLOCKED`, `ERR_CANCELLED`, `ERR_FILE_UNWRITABLE` before `body` began;
 *   `ERR_LOCK_LOST` where it was no longer ours when `body` was done.
 */
export async function withOpenClawLock<T>(
  storePath: string,
  body: (hold: OpenClawLockHold) => Promise<T>,
  options: OpenClawLockOptions = {},
): Promise<T> {
  const now = options.now ?? (() => performance.now());
  const lockPath = await openClawLockPath(storePath);
  const mine = await acquire(lockPath, options, now);
  const since = now();
  const hold: OpenClawLockHold = {
    lockPath,
    assertStillOurs: () => {
      const found = readLockFile(lockPath);
      if (found === undefined || !isSameLock(found, mine)) throw lost();
    },
    remainingMs: () => (options.maxHoldMs ?? OPENCLAW_LOCK.maxHoldMs) - (now() - since),
  };
  let result: T;
  try {
    result = await body(hold);
  } catch (error) {
    release(lockPath, mine);
    throw error;
  }
  if (!release(lockPath, mine)) throw lost();
  return result;
}

/** Where OpenClaw locks `storePath`: beside the name it was given, in the real folder, so beside a link and not its target. */
export async function openClawLockPath(storePath: string): Promise<string> {
  try {
    return join(realpathSync.native(dirname(storePath)), `${basename(storePath)}.lock`);
  } catch (cause) {
    throw unusable(storePath, cause);
  }
}

async function acquire(lockPath: string, options: OpenClawLockOptions, now: () => number): Promise<LockFile> {
  const waitMs = options.waitMs ?? OPENCLAW_LOCK.waitMs;
  const isAlive = options.isAlive ?? isHolderAlive;
  const me = thisHolder();
  const startedAt = now();
  let watched: { readonly file: LockFile; readonly since: number } | undefined;
  let toldAt = Number.NEGATIVE_INFINITY;
  for (let pollMs: number = OPENCLAW_LOCK.pollMinMs; ; pollMs = Math.min(pollMs * 1.5, OPENCLAW_LOCK.pollMaxMs)) {
    if (options.signal?.aborted === true) throw cancelled();
    const mine = attempt(lockPath, me);
    if (mine !== undefined) {
      removeDeadAsides(lockPath, isAlive);
      return mine;
    }
    const found = attemptRead(lockPath);
    const at = now();
    if (found !== undefined) {
      if (isUnreleased(lockPath, found)) continue;
      if (watched === undefined || !isSameLock(watched.file, found)) watched = { file: found, since: at };
      if (isAbandoned(found, at - watched.since, isAlive) && takeOver(lockPath, found)) continue;
      if (isForeign(found) && at - watched.since >= Math.min(waitMs, OPENCLAW_LOCK.folderGraceMs))
        throw blocked(lockPath);
    }
    const waitedMs = at - startedAt;
    if (waitedMs >= waitMs) throw timedOut(lockPath, found, waitedMs);
    if (at - toldAt >= OPENCLAW_LOCK.progressMs) {
      toldAt = at;
      options.onWait?.({ ...(found?.holder === undefined ? {} : { holderPid: found.holder.pid }), waitedMs });
    }
    await pause(Math.min(pollMs, waitMs - waitedMs), options.signal);
  }
}

function isAbandoned(found: LockFile, watchedMs: number, isAlive: (holder: LockHolder) => boolean): boolean {
  if (found.kind !== "file") return false;
  if (found.holder !== undefined) return !isAlive(found.holder);
  // Text that names no process may be a newer OpenClaw's: its owner may live, so it is waited for and then refused.
  return found.text === "" && watchedMs >= OPENCLAW_LOCK.emptyStaleMs;
}

/** A folder is the lock of proper-lockfile, which OpenClaw cannot get past; it may be held by a living tool for a moment. */
function isForeign(found: LockFile): boolean {
  return found.kind === "folder" || found.kind === "other";
}

function attempt(lockPath: string, me: LockHolder): LockFile | undefined {
  try {
    return createLockFile(lockPath, me, new Date());
  } catch (cause) {
    throw unusable(lockPath, cause);
  }
}

function attemptRead(lockPath: string): LockFile | undefined {
  try {
    return readLockFile(lockPath);
  } catch (cause) {
    throw unusable(lockPath, cause);
  }
}

function takeOver(lockPath: string, judged: LockFile): boolean {
  try {
    return removeAbandonedLock(lockPath, judged);
  } catch (cause) {
    throw unusable(lockPath, cause);
  }
}

/** Locks of ours that could not be removed: they name this living process, so nobody else would ever take them over. */
const unreleased = new Map<string, LockFile>();

function release(lockPath: string, mine: LockFile): boolean {
  try {
    const wasOurs = removeOwnLock(lockPath, mine);
    unreleased.delete(lockPath);
    return wasOurs;
  } catch {
    unreleased.set(lockPath, mine);
    return false;
  }
}

/** Whether `found` is one that we let go of and could not remove: then it is tried once more. */
function isUnreleased(lockPath: string, found: LockFile): boolean {
  const left = unreleased.get(lockPath);
  return left !== undefined && isSameLock(left, found) && release(lockPath, left);
}

async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleep(Math.max(1, ms), undefined, signal === undefined ? {} : { signal });
  } catch {
    throw cancelled();
  }
}

function cancelled(): CodexAuthError {
  return new CodexAuthError("ERR_CANCELLED", {
    message: "The wait for OpenClaw to finish with its auth store was cancelled.",
    next: "Nothing was changed; start again when you like.",
  });
}

function lost(): CodexAuthError {
  return new CodexAuthError("ERR_LOCK_LOST", {
    message: "Another process took over the lock of OpenClaw's auth store while this one was working.",
    next: "Try again; the store is compared before anything is written.",
    retryable: true,
  });
}

function timedOut(lockPath: string, found: LockFile | undefined, waitedMs: number): CodexAuthError {
  const seconds = Math.round(waitedMs / 1000);
  const who = found?.holder === undefined ? "An unknown holder" : `Process ${found.holder.pid}`;
  const isNameless = found !== undefined && found.holder === undefined;
  return new CodexAuthError("ERR_LOCK_TIMEOUT", {
    message: `${who} still holds the lock of OpenClaw's auth store after ${seconds} s.`,
    next: isNameless
      ? `Try again later. If no OpenClaw command is running, remove ${lockPath} by hand.`
      : "Try again when OpenClaw has finished; nothing was changed.",
    retryable: true,
  });
}

function blocked(lockPath: string): CodexAuthError {
  return new CodexAuthError("ERR_LOCK_BLOCKED", {
    message: `A folder or link lies where OpenClaw keeps its lock (${lockPath}): another tool left it, and OpenClaw itself cannot store logins while it is there.`,
    next: "Stop the tool that made it, remove it by hand (`rmdir`), then try again.",
  });
}

function unusable(path: string, cause: unknown): CodexAuthError {
  return new CodexAuthError("ERR_FILE_UNWRITABLE", {
    message: `The lock of OpenClaw's auth store cannot be made beside ${path} (${systemCode(cause) ?? "unknown error"}).`,
    next: "Check the owner and permissions of that folder; nothing was changed.",
    cause,
  });
}
