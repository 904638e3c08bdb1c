// proper-lockfile around our own files: one process at a time, and the work is told when the lock is lost.

import lockfile from "proper-lockfile";
import { OWN_LOCK } from "../config/defaults.ts";
import { CodexAuthError, systemCode } from "../errors.ts";

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
    await release().catch(() => undefined);
  }
  lost.signal.throwIfAborted();
  return result;
}

async function acquire(path: string, waitMs: number, lost: AbortController): Promise<() => Promise<void>> {
  const pollMs = 50;
  try {
    return await lockfile.lock(path, {
      realpath: false,
      stale: OWN_LOCK.staleMs,
      update: OWN_LOCK.updateMs,
      retries: {
        retries: Math.ceil(waitMs / pollMs),
        factor: 1,
        minTimeout: pollMs,
        maxTimeout: pollMs,
        randomize: true,
      },
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
  } catch (cause) {
    if (systemCode(cause) === "ELOCKED") {
      throw new CodexAuthError("ERR_LOCK_TIMEOUT", {
        message: "Another codex-auth process is busy with the same files.",
        next: "Wait a moment and try again.",
        retryable: true,
        cause,
      });
    }
    throw new CodexAuthError("ERR_FILE_UNWRITABLE", {
      message: `The lock beside ${path} cannot be made (${systemCode(cause) ?? "unknown error"}).`,
      next: "Check the owner and permissions of its folder.",
      cause,
    });
  }
}
