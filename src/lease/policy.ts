// Decides what to do about the lease, from what is known and the time; no I/O (facts/lease-broker.md §4, design decision 14).

import { LEASE } from "../config/defaults.ts";
import type { CredentialState, LeaseOwner, LeaseStatus, RotateReason } from "./broker.ts";

/** How far the keeper may go by itself. */
export interface LeasePolicy {
  readonly autoRenew: boolean;
  readonly autoRotate: boolean;
  readonly rotationPolicy: "replacement_required_only" | "recommended_or_required";
}

/** The leased tokens that were last written out here. */
interface MaterialFacts {
  readonly leaseId: string;
  readonly credentialId: string;
  readonly atMs: number;
  /** When its access token expires. */
  readonly expiresAtMs: number;
  /** `credentialAuthUpdatedAt` of the look before it was fetched. */
  readonly authUpdatedAt: string | undefined;
  /** False where it was found to be no longer in the store as it was written. */
  readonly isInPlace: boolean;
}

/** Everything that a decision rests on. */
export interface LeaseSituation {
  readonly owner: LeaseOwner;
  /** The last look, or undefined where no lease is known or the broker does not know it any more. */
  readonly status: LeaseStatus | undefined;
  /** When that look was answered, by our clock. */
  readonly lookedAtMs: number;
  readonly material: MaterialFacts | undefined;
  /** True where the broker has no tokens for the credential that it leases (a ghost): acquiring gives the same one again. */
  readonly isGhost: boolean;
  /** When a rotation was last carried out here; undefined = never. */
  readonly rotatedAtMs: number | undefined;
  /** Until when no rotation is tried, because the last ones failed; 0 = at once. */
  readonly rotateNotBeforeMs: number;
  /** True where the broker lets no client rotate: then other ways lead away from a credential. */
  readonly isRotationDisabled: boolean;
  /** Until when no lease is asked for, because the last ones did not last; 0 = at once. */
  readonly acquireNotBeforeMs: number;
  /** Until when no material is fetched, because the last ones could not be written out; 0 = at once. */
  readonly materializeNotBeforeMs: number;
  /** True where a person released the lease: nothing is acquired until a person asks for it. */
  readonly isReleased: boolean;
  /** Whether leased tokens are, or may be, still on this machine. */
  readonly hasTokens: boolean;
  /** For how long leased tokens are here whose lease is over, in milliseconds; 0 = there are none. */
  readonly orphanForMs: number;
}

/** Reasons why the keeper only stays in contact: what the card says. */
export const LEASE_NOTES = [
  "released-by-person",
  "backing-off",
  "other-agent",
  "state-unknown",
  "ghost",
  "cooldown",
  "rotation-required",
  "replacement-advised",
  "rotation-recommended",
  "not-renewed",
  /** The lease is off in the settings, and its tokens are still here. */
  "switched-off",
] as const;
/** One of {@link LEASE_NOTES}. */
export type LeaseNote = (typeof LEASE_NOTES)[number];

/** What is to be done next. `wait` = stay in contact and look again. */
export type LeaseAction =
  | {
      readonly kind: "acquire";
      readonly why: "no-lease" | "ended" | "unusable";
      /** The lease that is given back once another one is there: the machine would hold both. */
      readonly giveBack?: string;
    }
  | { readonly kind: "renew" }
  /** A release that was begun: the broker was away, or we were killed. */
  | { readonly kind: "release" }
  /** The tokens of a lease that is over: the credential may be somebody else's by now. */
  | { readonly kind: "remove-tokens" }
  | { readonly kind: "rotate"; readonly reason: RotateReason }
  | { readonly kind: "materialize"; readonly why: "new-lease" | "changed" | "expiring" | "missing" }
  | { readonly kind: "wait"; readonly note?: LeaseNote };

/** Credentials that cannot be used any more, whatever is waited for. */
const UNUSABLE: readonly CredentialState[] = ["exhausted", "revoked", "expired"];

/**
 * The one next action. The same credential is kept as long as the broker holds it usable.
 *
 * @param now Milliseconds since 1970.
 */
export function decide(situation: LeaseSituation, given: LeasePolicy, now: number): LeaseAction {
  const { status, owner } = situation;
  const policy = situation.isRotationDisabled ? { ...given, autoRotate: false } : given;
  if (situation.isReleased) {
    return status === undefined && !situation.hasTokens
      ? { kind: "wait", note: "released-by-person" }
      : { kind: "release" };
  }
  if (situation.orphanForMs >= LEASE.orphanTokensMs) return { kind: "remove-tokens" };
  if (status === undefined) return acquire(situation, now, "no-lease");
  // Acquiring would give the same lease again, and every call about it would be refused (§3.1).
  if (status.machineId !== owner.machineId) return acquire(situation, now, "no-lease");
  const isOver = status.state === "released" || status.state === "revoked" || status.state === "expired";
  if (isOver) return acquire(situation, now, "ended");
  if (status.agentId !== owner.agentId) return { kind: "wait", note: "other-agent" };
  if (status.state === "unknown") return { kind: "wait", note: "state-unknown" };
  return (
    unusable(situation, status, policy, now) ??
    renewal(situation, status, policy, now) ??
    rotation(situation, status, policy, now) ??
    materialization(situation, status, now) ?? { kind: "wait", ...noteOf(status, situation, policy, now) }
  );
}

/**
 * How long the lease lasts from `now` on, in milliseconds. By the broker's clock: its look tells when it was seen last, which is
 * that very look, so that a clock of ours that is wrong does not matter.
 */
export function remainingMs(
  status: { readonly expiresAtMs: number; readonly lastSeenAtMs?: number | undefined },
  lookedAtMs: number,
  now: number,
): number {
  return status.expiresAtMs - (status.lastSeenAtMs ?? lookedAtMs) - (now - lookedAtMs);
}

/** The reason that the broker takes for a rotation, by what is known. */
export function rotateReason(
  status: Pick<LeaseStatus, "credentialState"> & { readonly quotaRemaining?: number | undefined },
): RotateReason {
  if (status.credentialState !== "leased" && status.credentialState !== "available") return "unhealthy_credential";
  if (status.quotaRemaining !== undefined && status.quotaRemaining <= 0) return "low_quota_remaining";
  return "approaching_utilization_threshold";
}

function acquire(situation: LeaseSituation, now: number, why: "no-lease" | "ended"): LeaseAction {
  if (now < situation.acquireNotBeforeMs) return { kind: "wait", note: "backing-off" };
  return { kind: "acquire", why };
}

/** A credential that is of no use: another one, by the way that gives another one. */
function unusable(
  situation: LeaseSituation,
  status: LeaseStatus,
  policy: LeasePolicy,
  now: number,
): LeaseAction | undefined {
  const mayRotate = policy.autoRotate && now >= situation.rotateNotBeforeMs;
  // Only a rotation leads away from a ghost: acquiring gives it again and again (§3.4). The lease is kept, and asked for tokens now
  // and then, since the manager may have them again.
  if (situation.isGhost) return mayRotate ? { kind: "rotate", reason: "unhealthy_credential" } : undefined;
  if (!UNUSABLE.includes(status.credentialState)) return undefined;
  if (mayRotate) return { kind: "rotate", reason: "unhealthy_credential" };
  if (policy.autoRotate) return { kind: "wait", note: "backing-off" };
  if (now < situation.acquireNotBeforeMs) return { kind: "wait", note: "backing-off" };
  // Sticky holds only while the credential is usable, so this gives another one and leaves the old lease to be given back (§3.1).
  return { kind: "acquire", why: "unusable", giveBack: status.leaseId };
}

/** Renewed before anything else is considered: near its end a lease looks like one to be rotated (§4). */
function renewal(
  { lookedAtMs }: LeaseSituation,
  status: LeaseStatus,
  policy: LeasePolicy,
  now: number,
): LeaseAction | undefined {
  const isDue = remainingMs(status, lookedAtMs, now) <= LEASE.renewWithinMs;
  // Only an active lease can be renewed, and none in cooldown (§3, §4).
  if (!isDue || status.state !== "active" || status.credentialState === "cooldown") return undefined;
  return policy.autoRenew ? { kind: "renew" } : undefined;
}

function rotation(
  situation: LeaseSituation,
  status: LeaseStatus,
  policy: LeasePolicy,
  now: number,
): LeaseAction | undefined {
  if (!policy.autoRotate || now < situation.rotateNotBeforeMs) return undefined;
  const isRequired = status.replacementRequired || status.state === "rotation_required";
  const isWanted = status.rotationRecommended && policy.rotationPolicy === "recommended_or_required";
  if (!isRequired && !isWanted) return undefined;
  // Credentials at 90 to 99 % are given out and at once to be rotated again: alpha, bravo, alpha (§4).
  const isSoonAfter = situation.rotatedAtMs !== undefined && now - situation.rotatedAtMs < LEASE.rotateAgainMs;
  if (isSoonAfter) return undefined;
  return { kind: "rotate", reason: rotateReason(status) };
}

function materialization(situation: LeaseSituation, status: LeaseStatus, now: number): LeaseAction | undefined {
  // Refused in cooldown (§4): what was written out before is still there.
  if (status.credentialState === "cooldown") return undefined;
  if (now < situation.materializeNotBeforeMs) return undefined;
  const { material } = situation;
  if (material === undefined || material.leaseId !== status.leaseId || material.credentialId !== status.credentialId) {
    return { kind: "materialize", why: "new-lease" };
  }
  const isFresh = now - material.atMs < LEASE.materialAgainMs;
  const isKnown = material.authUpdatedAt === status.credentialAuthUpdatedAt;
  if (status.authRefreshRequired && !(isKnown && isFresh)) return { kind: "materialize", why: "changed" };
  if (material.expiresAtMs - now <= LEASE.materialWithinMs) return { kind: "materialize", why: "expiring" };
  return material.isInPlace ? undefined : { kind: "materialize", why: "missing" };
}

function noteOf(
  status: LeaseStatus,
  { lookedAtMs, isGhost }: LeaseSituation,
  policy: LeasePolicy,
  now: number,
): { readonly note?: LeaseNote } {
  if (isGhost) return { note: "ghost" };
  if (status.credentialState === "cooldown") return { note: "cooldown" };
  if (status.state === "rotation_required") return { note: "rotation-required" };
  if (status.replacementRequired) return { note: "replacement-advised" };
  const isEnding = remainingMs(status, lookedAtMs, now) <= LEASE.renewWithinMs;
  if (isEnding && !policy.autoRenew) return { note: "not-renewed" };
  return status.rotationRecommended ? { note: "rotation-recommended" } : {};
}
