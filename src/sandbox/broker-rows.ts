// What the sandbox broker remembers, row by row, and the JSON that each becomes (facts/lease-broker.md §2).

import { isoOrNull, isoTime } from "./broker-values.ts";

/** The settings that can be changed while the broker runs, with the defaults of its code (§4). */
export const BROKER_SETTINGS = {
  analytics_snapshot_interval_seconds: 600,
  allow_client_initiated_rotation: true,
  lease_default_ttl_seconds: 3_600,
  lease_renewal_min_remaining_seconds: 300,
  lease_stale_after_seconds: 60,
  lease_reclaim_after_seconds: 180,
  rotation_request_threshold_percent: 90,
  max_assignable_utilization_percent: 99,
  exhausted_utilization_percent: 100,
  min_quota_remaining: 0,
  weekly_reset_confirmation_required: true,
  rotation_policy_default: "replacement_required_only",
  rotation_policy_by_agent: {} as Readonly<Record<string, string>>,
  rotation_policy_by_machine: {} as Readonly<Record<string, string>>,
};

/** {@link BROKER_SETTINGS}, as they are now. */
export type BrokerSettings = typeof BROKER_SETTINGS;

/** A credential as the broker keeps it (§2, §4). */
export interface CredentialRow {
  readonly id: string;
  label: string;
  state: "available" | "leased" | "exhausted" | "cooldown" | "revoked" | "unavailable_for_assignment" | "degraded";
  utilizationPct: number | null;
  quotaRemaining: number | null;
  healthScore: number | null;
  weeklyResetAtMs: number | null;
  lastAssignedAtMs: number | null;
  exhaustedAtMs: number | null;
  revokedAtMs: number | null;
  cooldownUntilMs: number | null;
  metadata: Readonly<Record<string, unknown>>;
  resetConfirmationDueAfterMs: number | null;
  lastTelemetryAtMs: number | null;
  readonly createdAtMs: number;
  updatedAtMs: number;
}

/** A lease as the broker keeps it (§2). */
export interface LeaseRow {
  readonly id: string;
  readonly credentialId: string;
  readonly machineId: string;
  readonly agentId: string;
  state: "active" | "rotation_required" | "released" | "revoked" | "expired";
  readonly issuedAtMs: number;
  expiresAtMs: number;
  renewedAtMs: number | null;
  revokedAtMs: number | null;
  releasedAtMs: number | null;
  rotationReason: string | null;
  replacementLeaseId: string | null;
  lastSeenAtMs: number;
  lastTelemetryAtMs: number | null;
  latestUtilizationPct: number | null;
  latestQuotaRemaining: number | null;
  /** Kept verbatim, garbage too (§3). */
  lastSuccessAt: string | null;
  lastErrorAt: string | null;
  reason: string | null;
  metadata: Delivery | null;
  readonly createdAtMs: number;
  updatedAtMs: number;
}

/** What a lease's metadata says after a materialize (§2). */
interface Delivery {
  readonly delivery_count: number;
  readonly first_materialized_at: string;
  readonly last_materialized_at: string;
  readonly credential_auth_updated_at: string | null;
}

/** One row of telemetry, as it was sent (§3.5: nothing sums them). */
export interface TelemetryRow {
  readonly leaseId: string;
  readonly credentialId: string;
  readonly capturedAtMs: number;
  readonly createdAtMs: number;
  readonly requestsCount: number | null;
  readonly tokensIn: number | null;
  readonly tokensOut: number | null;
  readonly utilizationPct: number | null;
  readonly quotaRemaining: number | null;
  readonly rateLimitRemaining: number | null;
  readonly errorRate1h: number | null;
  readonly status: string | null;
  readonly lastSuccessAt: string | null;
  readonly lastErrorAt: string | null;
  readonly metadata: Readonly<Record<string, unknown>> | null;
}

/** Whether a lease can still be used or rotated away (§4). */
export function isLive(lease: Readonly<LeaseRow>): boolean {
  return lease.state === "active" || lease.state === "rotation_required";
}

/** When the manager last changed the credential's tokens. */
export function authUpdatedAt(credential: Readonly<CredentialRow>): string | null {
  const value = credential.metadata["auth_updated_at"];
  return typeof value === "string" ? value : null;
}

/** Lease, as the calls that change it answer it (§2). */
export function leaseBody(lease: Readonly<LeaseRow>, settings: BrokerSettings, now: number) {
  const secondsSinceSeen = secondsSince(lease.lastSeenAtMs, now);
  return {
    id: lease.id,
    credential_id: lease.credentialId,
    machine_id: lease.machineId,
    agent_id: lease.agentId,
    state: lease.state,
    issued_at: isoTime(lease.issuedAtMs),
    expires_at: isoTime(lease.expiresAtMs),
    renewed_at: isoOrNull(lease.renewedAtMs),
    revoked_at: isoOrNull(lease.revokedAtMs),
    released_at: isoOrNull(lease.releasedAtMs),
    rotation_reason: lease.rotationReason,
    replacement_lease_id: lease.replacementLeaseId,
    last_seen_at: isoTime(lease.lastSeenAtMs),
    last_telemetry_at: isoOrNull(lease.lastTelemetryAtMs),
    latest_utilization_pct: lease.latestUtilizationPct,
    latest_quota_remaining: lease.latestQuotaRemaining,
    last_success_at: lease.lastSuccessAt,
    last_error_at: lease.lastErrorAt,
    reason: lease.reason,
    metadata: lease.metadata,
    created_at: isoTime(lease.createdAtMs),
    updated_at: isoTime(lease.updatedAtMs),
    seconds_since_seen: secondsSinceSeen,
    // Unlike in the status, an ended lease is never stale here (samples 53 and 54).
    is_stale: isLive(lease) && secondsSinceSeen >= settings.lease_stale_after_seconds,
  };
}

/** LeaseStatus, as a look at the lease answers it, with the broker's judgement (§2, §4). */
export function leaseStatusBody(
  lease: Readonly<LeaseRow>,
  credential: Readonly<CredentialRow>,
  settings: BrokerSettings,
  now: number,
) {
  const secondsSinceSeen = secondsSince(lease.lastSeenAtMs, now);
  const secondsLeft = Math.max(0, Math.trunc((lease.expiresAtMs - now) / 1_000));
  const updatedAt = authUpdatedAt(credential);
  return {
    lease_id: lease.id,
    credential_id: lease.credentialId,
    state: lease.state,
    issued_at: isoTime(lease.issuedAtMs),
    expires_at: isoTime(lease.expiresAtMs),
    renewed_at: isoOrNull(lease.renewedAtMs),
    machine_id: lease.machineId,
    agent_id: lease.agentId,
    latest_telemetry_at: isoOrNull(lease.lastTelemetryAtMs),
    latest_utilization_pct: lease.latestUtilizationPct,
    latest_quota_remaining: lease.latestQuotaRemaining,
    last_success_at: lease.lastSuccessAt,
    last_error_at: lease.lastErrorAt,
    rotation_recommended:
      lease.state === "rotation_required" ||
      (lease.latestUtilizationPct ?? -1) >= settings.rotation_request_threshold_percent ||
      secondsLeft <= settings.lease_renewal_min_remaining_seconds,
    // Neither a cooldown nor a release is among these, though both end its use (§4).
    replacement_required:
      ["exhausted", "revoked", "unavailable_for_assignment"].includes(credential.state) ||
      ["rotation_required", "revoked", "expired"].includes(lease.state),
    reason: lease.reason,
    credential_state: credential.state,
    credential_auth_updated_at: updatedAt,
    // True on every lease before its first materialize (§4).
    auth_refresh_required: updatedAt !== null && updatedAt !== (lease.metadata?.credential_auth_updated_at ?? null),
    effective_rotation_policy: effectivePolicy(lease, settings),
    last_seen_at: isoTime(lease.lastSeenAtMs),
    seconds_since_seen: secondsSinceSeen,
    is_stale: secondsSinceSeen >= settings.lease_stale_after_seconds,
  };
}

/** Credential (§2). */
export function credentialBody(credential: Readonly<CredentialRow>) {
  return {
    id: credential.id,
    label: credential.label,
    state: credential.state,
    utilization_pct: credential.utilizationPct,
    quota_remaining: credential.quotaRemaining,
    health_score: credential.healthScore,
    weekly_reset_at: isoOrNull(credential.weeklyResetAtMs),
    last_assigned_at: isoOrNull(credential.lastAssignedAtMs),
    exhausted_at: isoOrNull(credential.exhaustedAtMs),
    revoked_at: isoOrNull(credential.revokedAtMs),
    cooldown_until: isoOrNull(credential.cooldownUntilMs),
    metadata: credential.metadata,
    reset_confirmation_due_after: isoOrNull(credential.resetConfirmationDueAfterMs),
    reset_confirmed_at: null,
    last_telemetry_at: isoOrNull(credential.lastTelemetryAtMs),
    created_at: isoTime(credential.createdAtMs),
    updated_at: isoTime(credential.updatedAtMs),
    admin_assignment_disabled: credential.metadata["admin_assignment_disabled"] === true,
  };
}

// Machine before agent before default; advisory (§4).
function effectivePolicy(lease: Readonly<LeaseRow>, settings: BrokerSettings): string {
  return (
    settings.rotation_policy_by_machine[lease.machineId] ??
    settings.rotation_policy_by_agent[lease.agentId] ??
    settings.rotation_policy_default
  );
}

function secondsSince(thenMs: number, now: number): number {
  return Math.max(0, Math.trunc((now - thenMs) / 1_000));
}
