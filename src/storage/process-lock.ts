// proper-lockfile around our own files: one process at a time, and the work is told when the lock is lost.

import { setTimeout as sleep } from "node:timers/promises";
// Not at the first lock: its signal-exit would then come behind a host's own `once("SIGTERM")`, find itself alone, and end the process by the signal.
import lockfile from "proper-lockfile";
import { OWN_LOCK } from "../config/defaults.ts";
import { CodexAuthError, systemCode } from "../errors.ts";

const POLL_MS = 50;

/** How {@link withProcessLock} waits. */
export interface ProcessLockOptions {
  /** How long to wait for another process, in milliseconds. Default `OWN_LOCK.waitMs`; 0 tries once. */
  readonly waitMs?: number;
}

/**
 * Runs `body` while this process holds the lock of `path` (a folder `<path>.lock`). The signal aborts when the lock is lost.
 * Never for OpenClaw's files: a folder at its lock path blocks OpenClaw for good (facts/openclaw-json-generation.md §2).
 *
 * @throws CodexAuthError `ERR_LOCK_TIMEOUT` where another live process keeps it, `ERR_LOCK_LOST` where it was lost during `body`.
 */
export async function withProcessLock<T>(
  path: string,
  body: (signal: AbortSignal) => Promise<T>,
  options: ProcessLockOptions = {},
): Promise<T> {
  const lost = new AbortController();
  const release = await acquire(path, options.waitMs ?? OWN_LOCK.waitMs, lost);
  let result: T;
  try {
    result = await body(lost.signal);
  } finally {
    // A lost lock belongs to somebody else by now: releasing it again is an error of no interest.
    letGo(release);
  }
  lost.signal.throwIfAborted();
  return result;
}

async function acquire(path: string, waitMs: number, lost: AbortController): Promise<() => void> {
  const until = performance.now() + waitMs;
  for (;;) {
    try {
      return tryOnce(path, lost);
    } catch (cause) {
      // Waiting is done here: the library's own retries wait as long for a missing folder as for a busy lock.
      if (systemCode(cause) !== "ELOCKED") throw unusable(path, cause);
      if (performance.now() >= until) throw busy(cause);
      await sleep(POLL_MS * (0.5 + Math.random()));
    }
  }
}

function letGo(release: () => void): void {
  try {
    release();
  } catch {
    // It was ours no longer.
  }
}

/** By synchronous calls: microseconds each, where a lock took six turns of the thread pool (docs/performance.md). */
function tryOnce(path: string, lost: AbortController): () => void {
  return lockfile.lockSync(path, {
    realpath: false,
    stale: OWN_LOCK.staleMs,
    update: OWN_LOCK.updateMs,
    onCompromised: (cause) => {
      lost.abort(
        new CodexAuthError("ERR_LOCK_LOST", {
          message: "This process was stopped for so long that another one took over its work.",
          next: "Nothing to do: the other process goes on with it.",
          retryable: true,
          cause,
        }),
      );
    },
  });
}

function busy(cause: unknown): CodexAuthError {
  return new CodexAuthError("ERR_LOCK_TIMEOUT", {
    message: "Another codex-auth process is busy with the same files.",
    next: "Wait a moment and try again.",
    retryable: true,
    cause,
  });
}

function unusable(path: string, cause: unknown): CodexAuthError {
  return new CodexAuthError("ERR_FILE_UNWRITABLE", {
    message: `The lock beside ${path} cannot be made (${systemCode(cause) ?? "unknown error"}).`,
    next: "Check the owner and permissions of its folder.",
    cause,
  });
}
