// Telemetry at the sandbox broker: a row, kept as it was sent, and what it does to leases and credentials (facts/lease-broker.md §3.5).

import { healthOf } from "./broker-credentials.ts";
import { credentialBody, type CredentialRow, type LeaseRow, type TelemetryRow } from "./broker-rows.ts";
import type { BrokerState, Owner } from "./broker-state.ts";
import {
  columnText,
  floatOrNull,
  intOrNull,
  objectOf,
  parseTime,
  PythonError,
  requiredFloat,
  textOf,
} from "./broker-values.ts";

type Body = Readonly<Record<string, unknown>>;

/** The rows of telemetry of one sandbox broker. */
export class BrokerTelemetry {
  readonly #rows: TelemetryRow[] = [];
  readonly #state: BrokerState;

  constructor(state: BrokerState) {
    this.#state = state;
  }

  /** In the order in which they came; the same report twice is two rows (§3.5). */
  rows(leaseId: string): readonly TelemetryRow[] {
    return this.#rows.filter((row) => row.leaseId === leaseId);
  }

  /** Takes one report, also for a lease that has ended; undefined where the lease is not the caller's. */
  record(
    leaseId: string,
    owner: Owner,
    body: Body,
  ): { readonly lease: LeaseRow; readonly credential: ReturnType<typeof credentialBody> } | undefined {
    const capturedAtMs = parseTime(textOf(body["captured_at"]));
    const lease = this.#state.owned(leaseId, owner);
    if (lease === undefined) return undefined;
    const credential = this.#state.credentialOf(lease);
    // Everything that can raise comes before the first change: the real one works in a transaction.
    const health = healthOfReport(body);
    const row = rowOf(lease, body, capturedAtMs, this.#state.now());
    this.#rows.push(row);
    // Sent counts and times become the lease's, null ones too; the two texts only where there are any.
    lease.lastSeenAtMs = capturedAtMs;
    lease.lastTelemetryAtMs = capturedAtMs;
    lease.latestUtilizationPct = row.utilizationPct;
    lease.latestQuotaRemaining = row.quotaRemaining;
    lease.lastSuccessAt = row.lastSuccessAt ?? lease.lastSuccessAt;
    lease.lastErrorAt = row.lastErrorAt ?? lease.lastErrorAt;
    lease.updatedAtMs = row.createdAtMs;
    this.#judge(row, lease, credential);
    credential.utilizationPct = row.utilizationPct;
    credential.quotaRemaining = row.quotaRemaining;
    credential.healthScore = health;
    credential.lastTelemetryAtMs = capturedAtMs;
    credential.updatedAtMs = row.createdAtMs;
    return { lease, credential: credentialBody(credential) };
  }

  #judge(row: TelemetryRow, lease: LeaseRow, credential: CredentialRow): void {
    const { settings } = this.#state;
    const used = row.utilizationPct ?? -1;
    const isNearLimit = used >= settings.rotation_request_threshold_percent;
    if (used >= settings.exhausted_utilization_percent) {
      // Every live lease of the credential, whoever holds it, and even if this one is over.
      this.#state.exhaust(credential, "credential_exhausted");
    } else if (isNearLimit || (row.quotaRemaining ?? Infinity) <= settings.min_quota_remaining) {
      // Sticky: nothing but a rotation or a release leads out of it.
      if (lease.state === "active") lease.state = "rotation_required";
      lease.reason ??= isNearLimit ? "approaching_utilization_threshold" : "low_quota_remaining";
      if (used >= settings.max_assignable_utilization_percent) {
        credential.state = "unavailable_for_assignment";
        credential.resetConfirmationDueAfterMs ??= credential.weeklyResetAtMs;
      }
    }
    if (isFailing(row.status)) {
      if (credential.state === "available") credential.state = "degraded";
    } else if (credential.state === "degraded") credential.state = "available";
    // Samples 54 and 80: "leased" until the next call, although the lease is over.
    if (credential.state === "available") credential.state = "leased";
  }
}

function rowOf(lease: LeaseRow, body: Body, capturedAtMs: number, now: number): TelemetryRow {
  return {
    leaseId: lease.id,
    credentialId: lease.credentialId,
    capturedAtMs,
    createdAtMs: now,
    requestsCount: intOrNull(body["requests_count"]),
    tokensIn: intOrNull(body["tokens_in"]),
    tokensOut: intOrNull(body["tokens_out"]),
    utilizationPct: floatOrNull(body["utilization_pct"]),
    quotaRemaining: intOrNull(body["quota_remaining"]),
    rateLimitRemaining: intOrNull(body["rate_limit_remaining"]),
    errorRate1h: floatOrNull(body["error_rate_1h"]),
    status: columnText(body["status"]),
    lastSuccessAt: columnText(body["last_success_at"]),
    lastErrorAt: columnText(body["last_error_at"]),
    // Anything but an object is dropped (§3).
    metadata: objectOf(body["metadata"]) ?? null,
  };
}

// The health is worked out from the values as they were sent, so that those are strict where the rows are not (§3, and its source).
function healthOfReport(body: Body): number {
  const { utilization_pct: used, quota_remaining: quota, error_rate_1h: errors, status } = body;
  if (typeof quota === "string") throw new PythonError("'>' not supported between instances of 'str' and 'int'");
  if (typeof status === "number") throw new PythonError("'int' object has no attribute 'lower'");
  return healthOf({
    utilizationPct: optionalFloat(used),
    quotaRemaining: intOrNull(quota),
    errorRate1h: optionalFloat(errors),
    isFailing: typeof status === "string" && isFailing(status),
  });
}

function optionalFloat(value: unknown): number | null {
  return value === undefined || value === null ? null : requiredFloat(value);
}

function isFailing(status: string | null): boolean {
  return status !== null && ["error", "failed", "unhealthy"].includes(status.toLowerCase());
}
