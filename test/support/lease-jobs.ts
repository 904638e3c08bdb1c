// Leased credentials for the tests of apply/: what a broker would have given, and the jobs made of it.

import type { LeaseRemoval, LeaseRequest } from "../../src/apply/new-job.ts";
import { LEASE } from "../../src/config/defaults.ts";
import type { applyWorld } from "./apply-world.ts";
import { receivedTokens } from "./apply-world.ts";

let requests = 0;

/** A leased credential of the account `account-<name>`. */
export function leased(name: string, expiresAtMs = Date.now() + 3_600_000): LeaseRequest["credential"] {
  const { access } = receivedTokens(name, expiresAtMs);
  return { access, expiresAtMs, email: `${name}@example.com`, accountId: `account-${name}`, label: name };
}

/** Enqueues a leased credential. */
export async function enqueueLeased(
  world: ReturnType<typeof applyWorld>,
  credential: LeaseRequest["credential"],
  request: Partial<LeaseRequest> = {},
) {
  const { job } = await world.queue.enqueueLeased({
    requestId: `lease-${++requests}`,
    leaseId: "lease_1",
    agentId: "main",
    profileId: LEASE.profileId,
    makeFirst: true,
    activation: "auto",
    credential,
    ...request,
  });
  return job;
}

/** Enqueues the removal of a leased credential. */
export async function enqueueRemoval(world: ReturnType<typeof applyWorld>, request: Partial<LeaseRemoval> = {}) {
  const { job } = await world.queue.enqueueLeaseRemoval({
    requestId: `removal-${++requests}`,
    leaseId: "lease_1",
    agentId: "main",
    profileId: LEASE.profileId,
    activation: "auto",
    ...request,
  });
  return job;
}
