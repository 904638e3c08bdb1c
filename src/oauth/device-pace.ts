// When the sign-in server is asked the next time (facts/codex-oauth.md §1.6); pure.

import { DEVICE } from "../config/defaults.ts";
import type { DevicePoll } from "./device-code.ts";

/** How fast is asked. */
export interface DevicePace {
  readonly intervalMs: number;
  /** How many looks in a row have shown nothing. */
  readonly troubles: number;
}

/** The pace after a look, and how long to wait before the next one. */
export function paceAfter(
  pace: DevicePace,
  poll: Extract<DevicePoll, { kind: "pending" | "slow-down" } | { kind: "trouble" }>,
): DevicePace & { readonly waitMs: number } {
  if (poll.kind === "trouble") {
    const troubles = pace.troubles + 1;
    const backoffMs = Math.min(pace.intervalMs * 2 ** Math.min(troubles - 1, 16), DEVICE.maxBackoffMs);
    // What the server asks for counts, however long; the code's own end comes first.
    return { intervalMs: pace.intervalMs, troubles, waitMs: Math.max(poll.retryAfterMs ?? backoffMs, pace.intervalMs) };
  }
  const intervalMs = pace.intervalMs + (poll.kind === "slow-down" ? DEVICE.slowDownMs : 0);
  return { intervalMs, troubles: 0, waitMs: Math.max(poll.retryAfterMs ?? 0, intervalMs) };
}
