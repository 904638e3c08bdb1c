// Decides whether a call to the broker is made again, and when; pure.

import { BROKER } from "../config/defaults.ts";

/** The calls, by what they do. */
export type BrokerCall =
  | "acquire"
  | "get"
  | "renew"
  | "rotate"
  | "release"
  | "materialize"
  | "telemetry"
  | "reconcile"
  | "import";

/**
 * Calls that do the same when they are made twice: a lease is given once per machine (§3.1), a renewal and a material are
 * the newest one, an import is known again (§3.7). A second rotation rotates again, a second row of telemetry is counted (§3.5),
 * a second release is refused, and a second push may meet tokens that others have renewed since.
 */
const REPEATABLE: ReadonlySet<BrokerCall> = new Set(["get", "acquire", "renew", "materialize", "import"]);

/** How a try failed. */
export interface FailedTry {
  /** Whether the same may succeed later. */
  readonly retryable: boolean;
  /** False only where no byte of the request has left. */
  readonly wasSent: boolean;
  /** What the answer asked for. */
  readonly retryAfterMs: number | undefined;
}

/** Whether doing it twice does no harm. */
export function isRepeatable(call: BrokerCall): boolean {
  return REPEATABLE.has(call);
}

/**
 * In how many milliseconds the next try begins, or undefined where there is none.
 *
 * @param tried How many tries there were.
 * @param random From 0 up to 1; many clients that failed together must not come back together ("full jitter").
 */
export function nextTryInMs(call: BrokerCall, tried: number, failed: FailedTry, random: number): number | undefined {
  if (tried >= BROKER.tries || !failed.retryable) return undefined;
  if (failed.wasSent && !isRepeatable(call)) return undefined;
  const asked = failed.retryAfterMs ?? 0;
  if (asked > BROKER.maxRetryAfterMs) return undefined;
  const backoff = Math.min(BROKER.retryMaxMs, BROKER.retryMinMs * 2 ** (tried - 1));
  return asked + Math.floor(backoff * random);
}
