// The sandbox broker's leases: who holds what, and what each call makes of it (facts/lease-broker.md §3, §4).

import { randomBytes } from "node:crypto";
import { BrokerCredentials } from "./broker-credentials.ts";
import type { SandboxLogin } from "./broker-profiles.ts";
import {
  authUpdatedAt,
  BROKER_SETTINGS,
  isLive,
  leaseBody,
  type BrokerSettings,
  type CredentialRow,
  type LeaseRow,
} from "./broker-rows.ts";
import { columnText, isoTime, PythonError, requiredInt } from "./broker-values.ts";

/** What a call came to: the broker's two words of success and refusal, with the lease that is concerned. */
export type Outcome =
  | { readonly status: "ok"; readonly reason: string | null; readonly lease: LeaseRow }
  | { readonly status: "denied"; readonly reason: string; readonly lease: LeaseRow | null };

/** Who calls. */
export interface Owner {
  readonly machineId: string;
  readonly agentId: string;
}

/** The year 9999, after which Python knows no dates. */
const LAST_TIME = 253_402_300_799_999;

/** The memory of one sandbox broker. */
export class BrokerState {
  readonly credentials: BrokerCredentials;
  readonly now: () => number;
  settings: BrokerSettings;
  readonly #leases = new Map<string, LeaseRow>();
  /** Those of them that are live, so that ten hours of 200 machines stay cheap. */
  readonly #live = new Set<LeaseRow>();
  readonly #liveByCredential = new Map<string, number>();

  constructor(logins: readonly SandboxLogin[], settings: Partial<BrokerSettings>, now: () => number) {
    this.settings = { ...BROKER_SETTINGS, ...settings };
    this.now = now;
    this.credentials = new BrokerCredentials(logins, {
      settings: () => this.settings,
      now,
      hasLiveLease: (id) => (this.#liveByCredential.get(id) ?? 0) > 0,
    });
  }

  leases(): readonly LeaseRow[] {
    return [...this.#leases.values()];
  }

  lease(id: string): LeaseRow | undefined {
    return this.#leases.get(id);
  }

  body(lease: LeaseRow): ReturnType<typeof leaseBody> {
    return leaseBody(lease, this.settings, this.now());
  }

  credentialOf(lease: LeaseRow): CredentialRow {
    const row = this.credentials.byId(lease.credentialId);
    if (row === undefined) throw new PythonError("Credential not found for lease");
    return row;
  }

  /** The start of nearly every call: what has run out ends, and the credentials take the manager's figures. */
  sync(): void {
    this.sweep();
    this.credentials.sync();
  }

  /** Ends leases whose time is over, or that nobody was in contact with for 180 s; the real loop runs every 15 s (§4). */
  sweep(): void {
    const now = this.now();
    for (const lease of this.#live) {
      const silentSeconds = Math.trunc((now - lease.lastSeenAtMs) / 1_000);
      const reason =
        lease.expiresAtMs <= now
          ? "lease_expired"
          : silentSeconds >= this.settings.lease_reclaim_after_seconds
            ? "lease_heartbeat_timeout"
            : undefined;
      // A reason that was given at the acquire masks this one (§4).
      if (reason !== undefined) this.end(lease, "expired", lease.reason ?? reason);
    }
  }

  /** Sticky by machine alone; its time, ttl and reason stay as they were (§3.1). */
  acquire(owner: Owner, requestedTtl: unknown, reason: unknown): Outcome {
    const ttlSeconds = this.#ttl(requestedTtl);
    const now = this.now();
    const held = [...this.#live].filter(({ machineId }) => machineId === owner.machineId);
    const existing = held
      .toSorted((a, b) => b.updatedAtMs - a.updatedAtMs)
      .find((lease) => this.credentials.isUsable(this.credentialOf(lease)));
    if (existing !== undefined) {
      this.touch(existing);
      return { status: "ok", reason: "existing_machine_lease_reused", lease: existing };
    }
    const credential = this.credentials.best();
    if (credential === undefined) return denied("no_eligible_credentials_available");
    if (now + ttlSeconds * 1_000 > LAST_TIME) throw new PythonError("date value out of range");
    const lease = this.#issue(credential, owner, ttlSeconds, { reason: columnText(reason), rotationReason: null });
    return { status: "ok", reason: null, lease };
  }

  /** From now on for the default time, which may shorten it; only from `active` (§3.2). */
  renew(id: string, owner: Owner): Outcome {
    const lease = this.owned(id, owner);
    if (lease === undefined) return denied("lease_not_found_or_not_owned");
    if (lease.state !== "active") return denied(`lease_not_renewable:${lease.state}`, lease);
    if (!this.credentials.isUsable(this.credentialOf(lease))) return denied("credential_not_usable", lease);
    lease.renewedAtMs = this.now();
    lease.expiresAtMs = this.now() + this.#ttl(null) * 1_000;
    this.touch(lease);
    return { status: "ok", reason: null, lease };
  }

  /** Not a heartbeat, and without a sync before it. */
  release(id: string, owner: Owner, reason: unknown): Outcome {
    const lease = this.owned(id, owner);
    if (lease === undefined) return denied("lease_not_found_or_not_owned");
    if (!isLive(lease)) return denied(`lease_not_releasable:${lease.state}`, lease);
    this.end(lease, "released", columnText(reason) ?? lease.reason);
    return { status: "ok", reason: null, lease };
  }

  /** A new lease on another credential for the default time; without one the old lease stays (§3.3). */
  rotate(id: string, owner: Owner, reason: string): Outcome {
    if (!this.settings.allow_client_initiated_rotation) return denied("client_rotation_disabled");
    const lease = this.owned(id, owner);
    if (lease === undefined) return denied("lease_not_found_or_not_owned");
    if (!isLive(lease)) return denied(`lease_not_rotatable:${lease.state}`, lease);
    const credential = this.credentials.best(lease.credentialId);
    if (credential === undefined) return denied("no_eligible_credentials_available", lease);
    const fresh = this.#issue(credential, owner, this.#ttl(null), { reason, rotationReason: reason });
    lease.rotationReason = reason;
    lease.replacementLeaseId = fresh.id;
    this.end(lease, "released", reason);
    return { status: "ok", reason: null, lease: fresh };
  }

  /** Counts the delivery, also where the material is then found missing (sample 139). */
  materialize(id: string, owner: Owner): Outcome {
    const lease = this.owned(id, owner);
    if (lease === undefined) return denied("lease_not_found_or_not_owned");
    if (!isLive(lease)) return denied(`lease_not_materializable:${lease.state}`, lease);
    const credential = this.credentialOf(lease);
    if (!this.credentials.isUsable(credential)) return denied("credential_not_usable", lease);
    const at = isoTime(this.now());
    lease.metadata = {
      delivery_count: (lease.metadata?.delivery_count ?? 0) + 1,
      first_materialized_at: lease.metadata?.first_materialized_at ?? at,
      last_materialized_at: at,
      credential_auth_updated_at: authUpdatedAt(credential),
    };
    this.touch(lease);
    return { status: "ok", reason: null, lease };
  }

  /** Marks a credential exhausted, by an admin or by telemetry: all its leases are revoked (§3.5, §3.8). */
  exhaust(credential: CredentialRow, reason: string): void {
    const now = this.now();
    credential.state = "exhausted";
    credential.exhaustedAtMs ??= now;
    credential.resetConfirmationDueAfterMs ??= credential.weeklyResetAtMs;
    credential.updatedAtMs = now;
    for (const lease of [...this.#live].filter(({ credentialId }) => credentialId === credential.id)) {
      this.#unlive(lease);
      lease.state = "revoked";
      lease.revokedAtMs = now;
      lease.reason = reason;
      lease.updatedAtMs = now;
    }
  }

  /** Wiped by the next sync, as at the real one (§3.8). */
  setDisabled(credential: CredentialRow, isDisabled: boolean): void {
    const { admin_assignment_disabled: _before, ...metadata } = credential.metadata;
    credential.metadata = isDisabled ? { ...metadata, admin_assignment_disabled: true } : metadata;
    this.credentials.settle(credential);
  }

  /** Wrong machine, wrong agent and unknown cannot be told apart (§3). */
  owned(id: string, owner: Owner): LeaseRow | undefined {
    const lease = this.#leases.get(id);
    return lease?.machineId === owner.machineId && lease.agentId === owner.agentId ? lease : undefined;
  }

  touch(lease: LeaseRow): void {
    lease.lastSeenAtMs = this.now();
    lease.updatedAtMs = this.now();
  }

  /** Ends a lease without touching its last contact. */
  end(lease: LeaseRow, state: "released" | "expired", reason: string | null): void {
    const now = this.now();
    this.#unlive(lease);
    lease.state = state;
    lease.reason = reason;
    lease.updatedAtMs = now;
    if (state === "released") lease.releasedAtMs = now;
    this.credentials.settle(this.credentialOf(lease));
  }

  /** As by hand in the database: nobody finds it any more (§5 O). */
  forget(lease: LeaseRow): void {
    this.#unlive(lease);
    this.#leases.delete(lease.id);
  }

  #issue(
    credential: CredentialRow,
    owner: Owner,
    ttlSeconds: number,
    why: { readonly reason: string | null; readonly rotationReason: string | null },
  ): LeaseRow {
    const now = this.now();
    const lease: LeaseRow = {
      id: `lease_${randomBytes(12).toString("base64url")}`,
      credentialId: credential.id,
      machineId: owner.machineId,
      agentId: owner.agentId,
      state: "active",
      issuedAtMs: now,
      expiresAtMs: now + ttlSeconds * 1_000,
      renewedAtMs: null,
      revokedAtMs: null,
      releasedAtMs: null,
      ...why,
      replacementLeaseId: null,
      lastSeenAtMs: now,
      lastTelemetryAtMs: null,
      latestUtilizationPct: credential.utilizationPct,
      latestQuotaRemaining: credential.quotaRemaining,
      lastSuccessAt: null,
      lastErrorAt: null,
      metadata: null,
      createdAtMs: now,
      updatedAtMs: now,
    };
    this.#leases.set(lease.id, lease);
    this.#live.add(lease);
    this.#liveByCredential.set(credential.id, (this.#liveByCredential.get(credential.id) ?? 0) + 1);
    credential.state = "leased";
    credential.lastAssignedAtMs = now;
    credential.updatedAtMs = now;
    return lease;
  }

  #unlive(lease: LeaseRow): void {
    if (!this.#live.delete(lease)) return;
    this.#liveByCredential.set(lease.credentialId, (this.#liveByCredential.get(lease.credentialId) ?? 1) - 1);
  }

  // §3.1: at least 60, no most; "120" and 90.7 are taken, "abc" is a 500.
  #ttl(requested: unknown): number {
    const isAbsent = requested === undefined || requested === null;
    return Math.max(60, isAbsent ? this.settings.lease_default_ttl_seconds : requiredInt(requested));
  }
}

function denied(reason: string, lease: LeaseRow | null = null): Outcome {
  return { status: "denied", reason, lease };
}
