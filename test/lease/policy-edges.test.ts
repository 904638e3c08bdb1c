// The policy at its edges: moments that fall exactly on a limit, and answers that differ in one field only. Each was asked for by a
// mutant that nobody noticed (docs/mutation.md).

import { describe, expect, it } from "vitest";
import { LEASE, MINUTE } from "../../src/config/defaults.ts";
import type { LeaseStatus } from "../../src/lease/broker.ts";
import { decide, rotateReason, type LeasePolicy, type LeaseSituation } from "../../src/lease/policy.ts";
import { careful, healthy, NOW, rotating } from "./policy-lab.ts";

const leaving: LeasePolicy = { ...careful, autoRenew: false };

function decided(
  status: Partial<LeaseStatus>,
  rest: Partial<LeaseSituation> = {},
  policy: LeasePolicy = careful,
): unknown {
  const situation: LeaseSituation = {
    owner: { machineId: "m1", agentId: "openclaw" },
    status: { ...healthy, ...status },
    lookedAtMs: NOW,
    material: {
      leaseId: "lease_1",
      credentialId: "sub:alpha",
      atMs: NOW - MINUTE,
      expiresAtMs: NOW + 60 * MINUTE,
      authUpdatedAt: "t1",
      isInPlace: true,
    },
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
  return decide(situation, policy, NOW);
}

describe("a limit in time", () => {
  it("lets a rotation wait until its moment, and no longer", () => {
    const due = { state: "rotation_required" } as const;
    expect(decided(due, { rotateNotBeforeMs: NOW + 1 }, rotating)).toEqual({ kind: "wait", note: "rotation-required" });
    expect(decided(due, { rotateNotBeforeMs: NOW }, rotating)).toMatchObject({ kind: "rotate" });
  });

  it("lets an unusable credential wait for its rotation instead of acquiring another one beside it", () => {
    const gone = { credentialState: "exhausted" } as const;
    const wait = { kind: "wait", note: "backing-off" };
    expect(decided(gone, { rotateNotBeforeMs: NOW + 1 }, rotating)).toEqual(wait);
    expect(decided(gone, { rotateNotBeforeMs: NOW }, rotating)).toMatchObject({ kind: "rotate" });
    expect(decided({}, { isGhost: true, rotateNotBeforeMs: NOW + 1 }, rotating)).toEqual({
      kind: "wait",
      note: "ghost",
    });
    expect(decided(gone, { acquireNotBeforeMs: NOW + 1 })).toEqual(wait);
    expect(decided(gone, { acquireNotBeforeMs: NOW })).toMatchObject({ kind: "acquire", why: "unusable" });
  });

  it("lets tokens wait to be fetched until their moment, and no longer", () => {
    const missing = { material: undefined };
    expect(decided({}, { ...missing, materializeNotBeforeMs: NOW + 1 })).toEqual({ kind: "wait" });
    expect(decided({}, { ...missing, materializeNotBeforeMs: NOW })).toMatchObject({ kind: "materialize" });
  });

  it("removes tokens that have been nobody's for as long as they may be", () => {
    expect(decided({}, { orphanForMs: LEASE.orphanTokensMs })).toEqual({ kind: "remove-tokens" });
    expect(decided({}, { orphanForMs: LEASE.orphanTokensMs - 1 })).toEqual({ kind: "wait" });
  });

  it("says that a lease is not renewed from when it would be, and not before", () => {
    expect(decided({ expiresAtMs: NOW + LEASE.renewWithinMs }, {}, leaving)).toEqual({
      kind: "wait",
      note: "not-renewed",
    });
    expect(decided({ expiresAtMs: NOW + LEASE.renewWithinMs + 1 }, {}, leaving)).toEqual({ kind: "wait" });
    expect(decided({ expiresAtMs: NOW + LEASE.renewWithinMs })).toEqual({ kind: "renew" });
  });
});

describe("one field alone", () => {
  it("asks for a rotation by its state, without the flag", () => {
    expect(decided({ state: "rotation_required" }, {}, rotating)).toMatchObject({ kind: "rotate" });
  });

  it("forbids to renew what is not active, however near its end", () => {
    const ending = { state: "rotation_required", expiresAtMs: NOW + MINUTE } as const;
    expect(decided(ending)).toEqual({ kind: "wait", note: "rotation-required" });
  });

  it.each(["exhausted", "revoked", "expired"] as const)("leaves a credential that is %s", (credentialState) => {
    expect(decided({ credentialState })).toEqual({ kind: "acquire", why: "unusable", giveBack: "lease_1" });
  });

  it("switches off rotation and nothing else where the broker has it disabled", () => {
    const disabled = { isRotationDisabled: true };
    expect(decided({ credentialState: "exhausted" }, disabled, rotating)).toMatchObject({ kind: "acquire" });
    expect(decided({ expiresAtMs: NOW + MINUTE }, disabled, rotating)).toEqual({ kind: "renew" });
  });

  it("gives the reason for a rotation: a credential that is free is as healthy as a leased one, and a rest is not none", () => {
    for (const credentialState of ["leased", "available"] as const) {
      expect(rotateReason({ credentialState })).toBe("approaching_utilization_threshold");
      expect(rotateReason({ credentialState, quotaRemaining: 1 })).toBe("approaching_utilization_threshold");
      expect(rotateReason({ credentialState, quotaRemaining: 0 })).toBe("low_quota_remaining");
    }
    expect(rotateReason({ credentialState: "cooldown", quotaRemaining: 0 })).toBe("unhealthy_credential");
  });
});
