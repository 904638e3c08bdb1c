// What is sent to the broker, in its own names; checked here, because the broker answers a wrong value with 500 (facts/lease-broker.md §3).

import { CodexAuthError } from "../errors.ts";
import type { Secret } from "../secrets/secret.ts";
import type { LeaseOwner, TelemetryReport } from "./broker.ts";
import { isThisCentury, ownerName } from "./contract-fields.ts";

/**
 * @throws CodexAuthError `ERR_BROKER_REQUEST` for a name that the broker would change (it strips) or that we would refuse in its answer.
 */
export function ownerBody({ machineId, agentId }: LeaseOwner): {
  readonly machine_id: string;
  readonly agent_id: string;
} {
  if (!ownerName.safeParse(machineId).success || !ownerName.safeParse(agentId).success) {
    throw unsendable(
      "The name of the machine or of the agent is empty or holds characters that are not seen.",
      "Check `machineId` and `agentId`.",
    );
  }
  return { machine_id: machineId, agent_id: agentId };
}

/** A row of telemetry: what is no number or no moment is left out, since the broker stores what it is given. */
export function telemetryBody(report: TelemetryReport): Readonly<Record<string, unknown>> {
  if (!isThisCentury(report.capturedAtMs)) {
    throw unsendable("A usage report has no time that could be sent.", "Check this machine's clock.");
  }
  const wire = {
    captured_at: iso(report.capturedAtMs),
    requests_count: count(report.requestsCount),
    tokens_in: count(report.tokensIn),
    tokens_out: count(report.tokensOut),
    utilization_pct: finite(report.utilizationPct),
    quota_remaining: whole(report.quotaRemaining),
    rate_limit_remaining: whole(report.rateLimitRemaining),
    error_rate_1h: finite(report.errorRate1h),
    status: report.status,
    last_success_at: iso(report.lastSuccessAtMs),
    last_error_at: iso(report.lastErrorAtMs),
    metadata: report.metadata,
  };
  return Object.fromEntries(Object.entries(wire).filter(([, value]) => value !== undefined));
}

/**
 * The object in `authJson`, the text of a Codex `auth.json`.
 *
 * @throws CodexAuthError `ERR_BROKER_REQUEST` where it is none.
 */
export function authJsonBody(authJson: Secret): object {
  let value: unknown;
  try {
    value = JSON.parse(authJson.expose()) as unknown;
  } catch {
    // V8's message quotes the tokens: it is not kept.
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw unsendable(
      "The login file that was to be sent to the broker is no JSON object.",
      "Sign the Codex CLI in again.",
    );
  }
  return value;
}

function finite(value: number | undefined): number | undefined {
  return value !== undefined && Number.isFinite(value) ? value : undefined;
}

function whole(value: number | undefined): number | undefined {
  return Number.isSafeInteger(value) ? value : undefined;
}

function count(value: number | undefined): number | undefined {
  return value !== undefined && value >= 0 ? whole(value) : undefined;
}

function iso(ms: number | undefined): string | undefined {
  return ms !== undefined && isThisCentury(ms) ? new Date(ms).toISOString() : undefined;
}

function unsendable(message: string, next: string): CodexAuthError {
  return new CodexAuthError("ERR_BROKER_REQUEST", { message, next });
}
