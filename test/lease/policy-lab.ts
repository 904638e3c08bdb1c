// A healthy lease and the policies that the tests of the policy start from.

import { MINUTE } from "../../src/config/defaults.ts";
import type { LeaseStatus } from "../../src/lease/broker.ts";
import type { LeasePolicy } from "../../src/lease/policy.ts";

export const NOW = Date.UTC(2026, 10, 21, 12);
export const careful: LeasePolicy = { autoRenew: true, autoRotate: false, rotationPolicy: "replacement_required_only" };
export const rotating: LeasePolicy = { ...careful, autoRotate: true };

export const healthy: LeaseStatus = {
  leaseId: "lease_1",
  credentialId: "sub:alpha",
  machineId: "m1",
  agentId: "openclaw",
  state: "active",
  issuedAtMs: NOW - 10 * MINUTE,
  expiresAtMs: NOW + 20 * MINUTE,
  lastSeenAtMs: NOW,
  utilizationPct: 10,
  quotaRemaining: undefined,
  credentialState: "leased",
  rotationRecommended: false,
  replacementRequired: false,
  authRefreshRequired: false,
  credentialAuthUpdatedAt: "t1",
};
