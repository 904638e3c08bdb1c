// How flushes are paced: when a failed one is tried again, and how long one is waited for.

import { LEASE } from "../config/defaults.ts";
import { CodexAuthError } from "../errors.ts";

/** Half to all of a time that doubles with each failure, in milliseconds; what repeating alone cannot mend is not hurried. */
export function backoffMs(error: CodexAuthError, failures: number, random: () => number): number {
  const doubled = LEASE.backoffMinMs * 2 ** Math.min(failures - 1, 20);
  const longest = error.retryable ? Math.min(doubled, LEASE.backoffMaxMs) : LEASE.backoffMaxMs;
  return Math.round(longest * (0.5 + random() / 2));
}

/** How long it is until a retry, in milliseconds; one further ahead than any is ever set is due: the clock was put back since. */
export function retryInMs(retryAtMs: number, now: number): number {
  const left = Math.max(0, retryAtMs - now);
  return left > LEASE.backoffMaxMs ? 0 : left;
}

/** How long a flush that a number of requests brings about has to wait after the one that began at `begunAtMs`, in milliseconds. */
export function gapInMs(begunAtMs: number, retryAtMs: number, now: number): number {
  return Math.max(Math.min(begunAtMs, now) + LEASE.flushGapMs - now, retryInMs(retryAtMs, now));
}

/** Runs `body`, but waits no longer than `ms`; its signal aborts then. */
export async function within(ms: number, body: (signal: AbortSignal) => Promise<unknown>): Promise<void> {
  const over = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(() => {
      over.abort(cancelled(undefined));
      resolve();
    }, ms);
  });
  await Promise.race([body(over.signal), late]);
  clearTimeout(timer);
}

/** A flush that was ended from outside. */
export function cancelled(cause: unknown): CodexAuthError {
  return new CodexAuthError("ERR_CANCELLED", {
    message: "The flush of usage counts was ended before it was through.",
    next: "Nothing to do: what is unsent is kept, and told the next time.",
    retryable: true,
    cause,
  });
}
