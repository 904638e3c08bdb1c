// Makes a situation for the policy out of the record, and counts leases that did not last.

import { LEASE } from "../config/defaults.ts";
import type { LeaseSettings } from "../config/lease-settings.ts";
import type { LeaseStatus } from "./broker.ts";
import type { LeasePolicy, LeaseSituation } from "./policy.ts";
import type { LeaseRecord } from "./sticky.ts";

/** The settings as a person may have switched them in the chat. */
export function policyOf(
  settings: Pick<LeaseSettings, "autoRenew" | "autoRotate" | "rotationPolicy">,
  record: LeaseRecord | undefined,
): LeasePolicy {
  return {
    autoRenew: record?.autoRenew ?? settings.autoRenew,
    autoRotate: record?.autoRotate ?? settings.autoRotate,
    rotationPolicy: settings.rotationPolicy,
  };
}

/**
 * What the policy is asked about; `isInPlace` tells whether the store still holds the written tokens. Times on disk that lie
 * further ahead than they ever could were written before the clock was set back: they hold nothing up.
 */
export function situationOf(record: LeaseRecord, isInPlace: boolean, now: number): LeaseSituation {
  const { material, status, rotatedAtMs, rotationDisabledAtMs, orphanSinceMs } = record;
  return {
    owner: { machineId: record.machineId, agentId: record.agentId },
    status: status === undefined ? undefined : statusOf(status),
    lookedAtMs: record.lookedAtMs,
    material: material === undefined ? undefined : { ...material, authUpdatedAt: material.authUpdatedAt, isInPlace },
    isGhost: status !== undefined && record.ghostCredentialId === status.credentialId,
    rotatedAtMs: rotatedAtMs !== undefined && rotatedAtMs <= now ? rotatedAtMs : undefined,
    rotateNotBeforeMs: believable(record.rotateNotBeforeMs, now, LEASE.backoffMaxMs),
    isRotationDisabled:
      rotationDisabledAtMs !== undefined && Math.abs(now - rotationDisabledAtMs) < LEASE.rotationDisabledMs,
    acquireNotBeforeMs: believable(record.acquireNotBeforeMs, now, LEASE.backoffMaxMs),
    materializeNotBeforeMs: believable(record.materializeNotBeforeMs, now, LEASE.writeBackoffMaxMs),
    isReleased: record.release !== undefined,
    hasTokens: material !== undefined || record.stored !== undefined,
    orphanForMs: orphanSinceMs === undefined ? 0 : Math.abs(now - orphanSinceMs),
  };
}

/** Whether leased tokens are here whose lease is over: what a revoked or replaced lease leaves behind. */
export function hasOrphans({ status, stored }: LeaseRecord): boolean {
  if (stored === undefined) return false;
  const isLive = status !== undefined && (status.state === "active" || status.state === "rotation_required");
  return stored.leaseIds.some((id) => !isLive || id !== status.leaseId);
}

/** A "not before" as far as it can be meant: one further ahead than its longest wait was written before the clock was set back. */
export function believable(notBeforeMs: number, now: number, maxMs: number): number {
  return notBeforeMs - now > maxMs ? 0 : notBeforeMs;
}

/**
 * What an ended lease changes in the record. The broker gives the same exhausted credential again on the next call (§3.5), so
 * leases that end soon after they were given are asked for ever less often.
 *
 * @param random A number from 0 to 1.
 */
export function countEnded(record: LeaseRecord, now: number, random: number): Partial<LeaseRecord> {
  const { status } = record;
  if (status === undefined || record.endedLeaseId === status.leaseId) return {};
  const livedMs = (status.lastSeenAtMs ?? now) - status.issuedAtMs;
  const shortLived = livedMs < LEASE.shortLivedMs ? record.shortLived + 1 : 0;
  return {
    endedLeaseId: status.leaseId,
    shortLived,
    // The first time may be chance.
    acquireNotBeforeMs: shortLived <= 1 ? 0 : now + backoffMs(shortLived - 1, random),
  };
}

/** How long to wait after the `failures`th failure in a row: doubling, with jitter, within `LEASE.backoffMinMs` and `backoffMaxMs`. */
export function backoffMs(failures: number, random: number, maxMs: number = LEASE.backoffMaxMs): number {
  const full = Math.min(maxMs, LEASE.backoffMinMs * 2 ** Math.min(Math.max(failures, 1) - 1, 20));
  return Math.round(full * (0.5 + random / 2));
}

function statusOf(status: NonNullable<LeaseRecord["status"]>): LeaseStatus {
  return {
    ...status,
    lastSeenAtMs: status.lastSeenAtMs,
    utilizationPct: status.utilizationPct,
    quotaRemaining: status.quotaRemaining,
    credentialAuthUpdatedAt: status.credentialAuthUpdatedAt,
  };
}
