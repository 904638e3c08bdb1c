// The port to the lease broker: what can be asked of it, and what it answers, in our words (facts/lease-broker.md §2, §3).

import type { Secret } from "../secrets/secret.ts";

/** Who leases; every call that changes a lease proves with it that the lease is its own. */
export interface LeaseOwner {
  readonly machineId: string;
  readonly agentId: string;
}

/** States of a lease; one that we do not know is `unknown`, which is never taken for usable. */
export const LEASE_STATES = ["active", "rotation_required", "released", "revoked", "expired", "unknown"] as const;
/** One of {@link LEASE_STATES}. */
export type LeaseState = (typeof LEASE_STATES)[number];

/** States of a credential at the broker; one that we do not know is `unknown`. */
export const CREDENTIAL_STATES = [
  "available",
  "leased",
  "exhausted",
  "cooldown",
  "revoked",
  "expired",
  "unavailable_for_assignment",
  "degraded",
  "unknown",
] as const;
/** One of {@link CREDENTIAL_STATES}. */
export type CredentialState = (typeof CREDENTIAL_STATES)[number];

/** What both forms of a lease say. Times are milliseconds since 1970; texts from the broker are cleaned and capped. */
export interface LeaseFacts extends LeaseOwner {
  readonly leaseId: string;
  readonly credentialId: string;
  readonly state: LeaseState;
  readonly issuedAtMs: number;
  readonly expiresAtMs: number;
  readonly lastSeenAtMs: number | undefined;
  readonly utilizationPct: number | undefined;
  readonly quotaRemaining: number | undefined;
}

/** A lease as the calls that change it give it back. */
export interface Lease extends LeaseFacts {
  /** The lease that took this one's place by a rotation. */
  readonly replacementLeaseId: string | undefined;
}

/** A lease as a look at it gives it, with the broker's own judgement. */
export interface LeaseStatus extends LeaseFacts {
  readonly credentialState: CredentialState;
  readonly rotationRecommended: boolean;
  readonly replacementRequired: boolean;
  /** Also true before the first materialize. */
  readonly authRefreshRequired: boolean;
  /** When the manager last changed the credential's tokens, as the broker writes it; for equality only. */
  readonly credentialAuthUpdatedAt: string | undefined;
}

/** What a credential is called, as telemetry and release answer it. */
export interface LeasedCredential {
  readonly credentialId: string;
  readonly label: string | undefined;
  readonly email: string | undefined;
  readonly state: CredentialState;
  readonly utilizationPct: number | undefined;
  readonly quotaRemaining: number | undefined;
}

/** The tokens of a leased credential; the broker's own file names, ids and orders are not among it (design, decision 13). */
export interface LeaseMaterial {
  readonly label: string | undefined;
  readonly email: string | undefined;
  readonly accountId: string | undefined;
  readonly accessToken: Secret;
  readonly refreshToken: Secret | undefined;
  readonly idToken: Secret | undefined;
  /** From the access token itself, else from what the broker says of it; undefined where neither says. */
  readonly expiresAtMs: number | undefined;
  /** `last_refresh` of the broker's auth.json, as it stands there; for writing the same file out. */
  readonly lastRefresh: string | undefined;
}

/** The only reasons that the broker takes for a rotation (§3.3). */
const ROTATE_REASONS = [
  "approaching_utilization_threshold",
  "low_quota_remaining",
  "unhealthy_credential",
  "expiry_approaching",
  "admin_requested_rotation",
] as const;
/** One of {@link ROTATE_REASONS}; anything else is answered with 400. */
export type RotateReason = (typeof ROTATE_REASONS)[number];

/** One row of telemetry; absent numbers are not sent. */
export interface TelemetryReport {
  /** Becomes the lease's "last seen" (§3.5), so it is the time of sending, never of the event. */
  readonly capturedAtMs: number;
  readonly requestsCount?: number;
  readonly tokensIn?: number;
  readonly tokensOut?: number;
  readonly utilizationPct?: number;
  readonly quotaRemaining?: number;
  readonly rateLimitRemaining?: number;
  readonly errorRate1h?: number;
  readonly status?: string;
  readonly lastSuccessAtMs?: number;
  readonly lastErrorAtMs?: number;
  /** Our own few words: `batch_id`, `source`, `models`; never raw events. */
  readonly metadata?: Readonly<Record<string, string | number | readonly string[]>>;
}

/** What became of tokens that were pushed back (§3.6). */
export type ReconcileDecision = "in_sync" | "client_updated_manager" | "manager_updated_client";

/** How a call may be ended from outside. */
export interface CallOptions {
  readonly signal?: AbortSignal;
}

/**
 * The lease broker. Every method throws CodexAuthError: `ERR_BROKER_UNREACHABLE` (no answer; `retryable`), `ERR_BROKER_AUTH`
 * (401, 403, 503 for a missing token), `ERR_BROKER_BUSY` (429, 5xx; `retryable`), `ERR_BROKER_RESPONSE` (an answer that is
 * not the contract's), `ERR_BROKER_REQUEST` (400, 422 and other refusals of the request itself), and what each names.
 */
export interface LeaseBroker {
  /** A lease for this machine; sticky: an existing one of the machine comes back, also another agent's. @throws `ERR_LEASE_NO_CREDENTIAL`. */
  acquire(
    owner: LeaseOwner,
    wish: { readonly requestedTtlSeconds: number; readonly reason: string },
    options?: CallOptions,
  ): Promise<{ readonly lease: Lease; readonly reused: boolean }>;
  /** How a lease is; also the heartbeat. @throws `ERR_LEASE_NOT_FOUND`. */
  get(leaseId: string, options?: CallOptions): Promise<LeaseStatus>;
  /** @throws `ERR_LEASE_NOT_OWNED`, `ERR_LEASE_STATE`, `ERR_LEASE_CREDENTIAL_UNUSABLE`. */
  renew(leaseId: string, owner: LeaseOwner, options?: CallOptions): Promise<Lease>;
  /** Gives the new lease. Not repeated by itself. @throws `ERR_LEASE_NOT_OWNED`, `ERR_LEASE_STATE`, `ERR_LEASE_NO_CREDENTIAL`, `ERR_LEASE_ROTATION_DISABLED`. */
  rotate(leaseId: string, owner: LeaseOwner, reason: RotateReason, options?: CallOptions): Promise<Lease>;
  /** @throws `ERR_LEASE_NOT_OWNED`, `ERR_LEASE_STATE` (also for a lease that is released already). */
  release(leaseId: string, owner: LeaseOwner, reason: string, options?: CallOptions): Promise<Lease>;
  /** @throws `ERR_LEASE_NOT_OWNED`, `ERR_LEASE_STATE`, `ERR_LEASE_CREDENTIAL_UNUSABLE`, `ERR_LEASE_NO_MATERIAL`. */
  materialize(
    leaseId: string,
    owner: LeaseOwner,
    options?: CallOptions,
  ): Promise<{ readonly lease: Lease; readonly material: LeaseMaterial }>;
  /** Not repeated by itself: the broker adds a row each time. Taken also for an ended lease of ours. @throws `ERR_LEASE_NOT_OWNED`. */
  telemetry(
    leaseId: string,
    owner: LeaseOwner,
    report: TelemetryReport,
    options?: CallOptions,
  ): Promise<{ readonly lease: Lease; readonly credential: LeasedCredential | undefined }>;
  /** @throws `ERR_LEASE_NOT_FOUND`, `ERR_LEASE_NOT_OWNED`, `ERR_LEASE_NO_MATERIAL`. */
  reconcileAuth(
    leaseId: string,
    owner: LeaseOwner,
    authJson: Secret,
    options?: CallOptions,
  ): Promise<{ readonly decision: ReconcileDecision }>;
  /** Absolute figures by day and session; the same payload again changes nothing. */
  importUsage(
    payload: {
      readonly owner: LeaseOwner;
      readonly leaseId?: string;
      readonly sourceName: string;
      readonly exportJson: Readonly<Record<string, unknown>>;
    },
    options?: CallOptions,
  ): Promise<{ readonly imported: boolean; readonly dailyRows: number; readonly sessionRows: number }>;
  /** Closes kept connections. */
  close(): Promise<void>;
}
