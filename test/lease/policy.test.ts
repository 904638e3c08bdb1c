import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LEASE, MINUTE, SECOND } from "../../src/config/defaults.ts";
import { CREDENTIAL_STATES, LEASE_STATES, type LeaseStatus } from "../../src/lease/broker.ts";
import { decide, remainingMs, rotateReason, type LeasePolicy, type LeaseSituation } from "../../src/lease/policy.ts";
import { careful, healthy, NOW, rotating } from "./policy-lab.ts";

const eager: LeasePolicy = { ...rotating, rotationPolicy: "recommended_or_required" };

const written = {
  leaseId: "lease_1",
  credentialId: "sub:alpha",
  atMs: NOW - MINUTE,
  expiresAtMs: NOW + 60 * MINUTE,
  authUpdatedAt: "t1",
  isInPlace: true,
};

function situation(status: Partial<LeaseStatus> | undefined, rest: Partial<LeaseSituation> = {}): LeaseSituation {
  return {
    owner: { machineId: "m1", agentId: "openclaw" },
    status: status === undefined ? undefined : { ...healthy, ...status },
    lookedAtMs: NOW,
    material: written,
    isGhost: false,
    rotatedAtMs: undefined,
    rotateNotBeforeMs: 0,
    isRotationDisabled: false,
    orphanForMs: 0,
    acquireNotBeforeMs: 0,
    materializeNotBeforeMs: 0,
    isReleased: false,
    hasTokens: true,
    ...rest,
  };
}

const required = { rotationRecommended: true, replacementRequired: true } as const;
const rotation = { state: "rotation_required", ...required, utilizationPct: 91 } as const;
const exhausted = { credentialState: "exhausted", replacementRequired: true } as const;

/** Every answer of the facts (§4, "Observed GETs"), under the careful policy and with automatic rotation. */
const table: readonly (readonly [string, Partial<LeaseStatus> | undefined, object, object])[] = [
  ["no lease", undefined, { kind: "acquire", why: "no-lease" }, { kind: "acquire" }],
  ["healthy", {}, { kind: "wait" }, { kind: "wait" }],
  ["revoked", { state: "revoked", replacementRequired: true }, { kind: "acquire", why: "ended" }, { kind: "acquire" }],
  ["revoked, exhausted", { state: "revoked", ...exhausted }, { kind: "acquire", why: "ended" }, { kind: "acquire" }],
  ["expired", { state: "expired", ...required }, { kind: "acquire", why: "ended" }, { kind: "acquire", why: "ended" }],
  ["heartbeat time-out", { state: "expired", replacementRequired: true }, { kind: "acquire" }, { kind: "acquire" }],
  ["released, no flag set", { state: "released" }, { kind: "acquire", why: "ended" }, { kind: "acquire" }],
  [
    "active on an exhausted credential",
    exhausted,
    { kind: "acquire", why: "unusable", giveBack: "lease_1" },
    { kind: "rotate", reason: "unhealthy_credential" },
  ],
  [
    "active, credential not to be assigned",
    { credentialState: "unavailable_for_assignment", replacementRequired: true },
    { kind: "wait", note: "replacement-advised" },
    { kind: "rotate", reason: "unhealthy_credential" },
  ],
  [
    "rotation required",
    rotation,
    { kind: "wait", note: "rotation-required" },
    { kind: "rotate", reason: "approaching_utilization_threshold" },
  ],
  [
    "rotation recommended",
    { rotationRecommended: true, utilizationPct: 92 },
    { kind: "wait", note: "rotation-recommended" },
    { kind: "wait", note: "rotation-recommended" },
  ],
  ["near expiry", { expiresAtMs: NOW + 300 * SECOND, rotationRecommended: true }, { kind: "renew" }, { kind: "renew" }],
  [
    "tokens changed",
    { authRefreshRequired: true, credentialAuthUpdatedAt: "t2" },
    { kind: "materialize", why: "changed" },
    { kind: "materialize" },
  ],
  ["cooldown", { credentialState: "cooldown" }, { kind: "wait", note: "cooldown" }, { kind: "wait", note: "cooldown" }],
  [
    "near expiry in cooldown, where renewing is refused",
    { credentialState: "cooldown", expiresAtMs: NOW + MINUTE },
    { kind: "wait", note: "cooldown" },
    { kind: "wait", note: "cooldown" },
  ],
  ["a state that we do not know", { state: "unknown" }, { kind: "wait", note: "state-unknown" }, { kind: "wait" }],
  ["another agent's lease", { agentId: "other" }, { kind: "wait", note: "other-agent" }, { kind: "wait" }],
  [
    "another agent's lease that is over",
    { agentId: "other", state: "expired" },
    { kind: "acquire" },
    { kind: "acquire" },
  ],
];

describe("what is done about a lease", () => {
  it.each(table)("%s", (_title, status, withCare, withRotation) => {
    expect(decide(situation(status), careful, NOW)).toMatchObject(withCare);
    expect(decide(situation(status), rotating, NOW)).toMatchObject(withRotation);
  });

  it("leaves a healthy lease alone, and has nothing to say about it", () => {
    for (const policy of [careful, rotating, eager])
      expect(decide(situation({}), policy, NOW)).toEqual({ kind: "wait" });
  });

  it("rotates on a recommendation only where the policy says so, and renews first", () => {
    const full = { rotationRecommended: true, utilizationPct: 92 };
    expect(decide(situation(full), eager, NOW)).toEqual({
      kind: "rotate",
      reason: "approaching_utilization_threshold",
    });
    expect(decide(situation({ ...full, expiresAtMs: NOW + MINUTE }), eager, NOW)).toEqual({ kind: "renew" });
    expect(decide(situation(full), { ...eager, autoRotate: false }, NOW)).toMatchObject({ kind: "wait" });
  });

  it("does not rotate to and fro between credentials that are all nearly full", () => {
    const soonAfter = { rotatedAtMs: NOW - MINUTE };
    expect(decide(situation(rotation, soonAfter), eager, NOW)).toEqual({ kind: "wait", note: "rotation-required" });
    const later = { rotatedAtMs: NOW - LEASE.rotateAgainMs };
    expect(decide(situation(rotation, later), eager, NOW)).toMatchObject({ kind: "rotate" });
    // One that cannot be used at all is left at once, however short the stay.
    expect(decide(situation(exhausted, soonAfter), eager, NOW)).toMatchObject({ kind: "rotate" });
  });

  it("leaves a lease to run out where renewing is switched off", () => {
    const ending = { expiresAtMs: NOW + MINUTE };
    expect(decide(situation(ending), { ...careful, autoRenew: false }, NOW)).toEqual({
      kind: "wait",
      note: "not-renewed",
    });
  });

  it("keeps away from a broker that gives the same exhausted credential again and again", () => {
    const waiting = { acquireNotBeforeMs: NOW + 1 };
    expect(decide(situation({ state: "revoked" }, waiting), careful, NOW)).toEqual({
      kind: "wait",
      note: "backing-off",
    });
    expect(decide(situation(exhausted, waiting), careful, NOW)).toEqual({ kind: "wait", note: "backing-off" });
    expect(decide(situation({ state: "revoked" }, waiting), careful, NOW + 1)).toMatchObject({ kind: "acquire" });
  });

  it("acquires nothing after a person released, and ends a release that was begun", () => {
    for (const status of [{ state: "released" }, { state: "expired" }, {}] as const) {
      expect(decide(situation(status, { isReleased: true }), rotating, NOW)).toEqual({ kind: "release" });
    }
    expect(decide(situation(undefined, { isReleased: true }), rotating, NOW)).toEqual({ kind: "release" });
    const over = { isReleased: true, hasTokens: false };
    expect(decide(situation(undefined, over), rotating, NOW)).toEqual({ kind: "wait", note: "released-by-person" });
  });

  it("leaves a ghost only by a rotation: acquiring gives it again", () => {
    expect(decide(situation({}, { isGhost: true }), careful, NOW)).toEqual({ kind: "wait", note: "ghost" });
    expect(decide(situation({}, { isGhost: true }), rotating, NOW)).toEqual({
      kind: "rotate",
      reason: "unhealthy_credential",
    });
  });

  it("takes a lease of another machine for none", () => {
    expect(decide(situation({ machineId: "m2" }), careful, NOW)).toEqual({ kind: "acquire", why: "no-lease" });
  });
});

function fetched(status: Partial<LeaseStatus>, rest: Partial<LeaseSituation>): unknown {
  return decide(situation(status, rest), careful, NOW);
}

describe("when the tokens are fetched", () => {
  it("is for a new lease or credential, and where they are gone from the store", () => {
    expect(fetched({}, { material: undefined })).toEqual({ kind: "materialize", why: "new-lease" });
    expect(fetched({ leaseId: "lease_2" }, {})).toEqual({ kind: "materialize", why: "new-lease" });
    expect(fetched({ credentialId: "sub:bravo" }, {})).toEqual({ kind: "materialize", why: "new-lease" });
    expect(fetched({}, { material: { ...written, isInPlace: false } })).toEqual({
      kind: "materialize",
      why: "missing",
    });
  });

  it("is before the access token expires, which nobody else may renew", () => {
    const ending = { ...written, expiresAtMs: NOW + LEASE.materialWithinMs };
    expect(fetched({}, { material: ending })).toEqual({ kind: "materialize", why: "expiring" });
    expect(fetched({}, { material: { ...ending, expiresAtMs: ending.expiresAtMs + 1 } })).toEqual({ kind: "wait" });
  });

  it("is not again and again while the broker goes on calling them out of date", () => {
    const still = { authRefreshRequired: true };
    expect(fetched(still, {})).toEqual({ kind: "wait" });
    const long = { ...written, atMs: NOW - LEASE.materialAgainMs };
    expect(fetched(still, { material: long })).toEqual({ kind: "materialize", why: "changed" });
  });

  it("is neither in cooldown nor while the store refuses them", () => {
    expect(fetched({ credentialState: "cooldown" }, { material: undefined })).toEqual({
      kind: "wait",
      note: "cooldown",
    });
    expect(fetched({}, { material: undefined, materializeNotBeforeMs: NOW + 1 })).toEqual({ kind: "wait" });
  });

  it("is also for a lease that is to be rotated: its credential still works", () => {
    expect(fetched(rotation, { material: undefined })).toEqual({ kind: "materialize", why: "new-lease" });
  });
});

describe("how long a lease lasts", () => {
  it("is told by the broker's clock, whatever ours says", () => {
    const skew = 3 * 60 * MINUTE;
    expect(remainingMs(healthy, NOW, NOW + 5 * MINUTE)).toBe(15 * MINUTE);
    expect(remainingMs(healthy, NOW - skew, NOW - skew + 5 * MINUTE)).toBe(15 * MINUTE);
    expect(remainingMs({ ...healthy, lastSeenAtMs: undefined }, NOW, NOW)).toBe(20 * MINUTE);
  });
});

describe("the reason for a rotation", () => {
  it("is one that the broker takes, by what is wrong", () => {
    expect(rotateReason({ ...healthy, credentialState: "exhausted" })).toBe("unhealthy_credential");
    expect(rotateReason({ ...healthy, quotaRemaining: 0 })).toBe("low_quota_remaining");
    expect(rotateReason(healthy)).toBe("approaching_utilization_threshold");
  });
});

it("gives one action for every situation, and never gives up a lease that works", () => {
  const status = fc.record({
    state: fc.constantFrom(...LEASE_STATES),
    credentialState: fc.constantFrom(...CREDENTIAL_STATES),
    rotationRecommended: fc.boolean(),
    replacementRequired: fc.boolean(),
    authRefreshRequired: fc.boolean(),
    agentId: fc.constantFrom("openclaw", "other"),
    expiresAtMs: fc.integer({ min: NOW - 60 * MINUTE, max: NOW + 60 * MINUTE }),
  });
  fc.assert(
    fc.property(status, fc.boolean(), fc.boolean(), (given, autoRenew, isGhost) => {
      const action = decide(situation(given, { isGhost }), { ...careful, autoRenew }, NOW);
      const works = given.state === "active" && ["leased", "available"].includes(given.credentialState);
      if (works) expect(["wait", "renew", "materialize"]).toContain(action.kind);
      // Without automatic rotation no credential is exchanged that can be used.
      expect(action.kind).not.toBe("rotate");
    }),
    { numRuns: 2_000 },
  );
});
