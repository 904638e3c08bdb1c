// Asks the lease broker whether it knows a token, with a question that changes nothing there.

import { SETUP } from "../../../config/defaults.ts";
import { isCodexAuthError, toCodexAuthError } from "../../../errors.ts";
import { createLeaseBroker } from "../../../lease/broker-client.ts";
import type { Secret } from "../../../secrets/secret.ts";
import type { Finding } from "../finding.ts";

/** A broker, and what opens it. */
export interface BrokerDoor {
  readonly baseUrl: string;
  readonly allowInsecureLocalhost: boolean;
  readonly token: Secret;
}

/** Whether the broker can be used. */
export interface BrokerVerdict {
  readonly kind: "ok" | "refused" | "unreachable";
  readonly finding: Finding;
}

/** No lease has this id: to look at a real one counts as contact and keeps it alive (facts/lease-broker.md §3). */
const NO_LEASE = "lease_setup-only-asks";

/** Looks for a lease that cannot be there: "not found" comes from behind the broker's check of the token. */
export async function askBroker(
  door: BrokerDoor,
  signal: AbortSignal,
  now: () => number,
  withinMs: number = SETUP.brokerWithinMs,
): Promise<BrokerVerdict> {
  const startedMs = now();
  const within = AbortSignal.timeout(withinMs);
  try {
    const broker = createLeaseBroker(door);
    try {
      await broker.get(NO_LEASE, { signal: AbortSignal.any([signal, within]) });
    } finally {
      await broker.close();
    }
    return answered(now() - startedMs);
  } catch (error) {
    if (isCodexAuthError(error, "ERR_LEASE_NOT_FOUND")) return answered(now() - startedMs);
    return within.aborted ? silent(withinMs) : judgeRefusal(error);
  }
}

function answered(ms: number): BrokerVerdict {
  const took = ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`;
  const text = `it answered in ${took} and takes the token; no lease was asked for`;
  return { kind: "ok", finding: { what: "broker", state: "ok", text } };
}

/** What a failed question means. Pure. */
function judgeRefusal(error: unknown): BrokerVerdict {
  const { message, next, retryable } = toCodexAuthError(error);
  const finding: Finding = { what: "broker", state: retryable ? "warn" : "fail", text: message, next };
  return { kind: retryable ? "unreachable" : "refused", finding };
}

function silent(withinMs: number): BrokerVerdict {
  const text = `no answer within ${withinMs / 1_000} s`;
  const next = "Check that the Auth Manager runs, and that this machine may reach it.";
  return { kind: "unreachable", finding: { what: "broker", state: "warn", text, next } };
}
