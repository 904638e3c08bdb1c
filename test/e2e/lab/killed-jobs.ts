// What is asked for in the tests that kill executors: each kind of job once, for one profile of a person and one of the lease.

import { randomBytes } from "node:crypto";
import type { Activation, Address, Job } from "../../../src/apply/job.ts";
import type { ParkedLogins } from "../../../src/apply/parked.ts";
import type { JobQueue } from "../../../src/apply/queue.ts";
import { receivedTokens } from "../../support/apply-world.ts";
import { leased } from "../../support/lease-jobs.ts";

/** What is done; `relogin` and `rollback` are sign-ins too. */
export type Step = "login" | "relogin" | "rollback" | "switch" | "remove" | "lease" | "unlease";

/** Where it is asked for, by whom, and about what. */
export interface Asking {
  readonly machine: { readonly queue: JobQueue; readonly parked: ParkedLogins };
  readonly requestedBy: Address;
  readonly activation: Activation;
  /** The profile that is signed in and removed. */
  readonly work: string;
  /** The profile that a switch puts first. */
  readonly first: string;
  readonly lease: string;
}

/** The tokens that a sign-in brings. */
export type Tokens = ReturnType<typeof receivedTokens>;

/** Makes a job of `step`; a sign-in brings `tokens`. */
export async function ask(step: Step, asking: Asking, tokens: Tokens = receivedTokens("grace")): Promise<Job> {
  const { requestedBy, activation, work, first, lease } = asking;
  const { queue, parked } = asking.machine;
  const requestId = randomBytes(8).toString("hex");
  const usual = { agentId: "main", activation, requestedBy };
  switch (step) {
    case "login":
    case "relogin":
    case "rollback": {
      const about = { agentId: "main", profileId: work, reason: "first-login", requestedBy } as const;
      const { id } = await parked.put({ ...about, expiresAtMs: tokens.expiresAtMs }, tokens);
      return (await queue.enqueueLogin({ ...usual, profileId: work, parkedId: id, makeFirst: true })).job;
    }
    case "switch":
      return (await queue.enqueueChange({ ...usual, profileId: first, requestId, kind: "order", how: "first" })).job;
    case "remove":
      return (await queue.enqueueChange({ ...usual, profileId: work, requestId, kind: "remove-profile" })).job;
    case "lease": {
      const wanted = { leaseId: "lease_1", makeFirst: true, credential: leased("pool") };
      return (await queue.enqueueLeased({ ...usual, ...wanted, requestId, profileId: lease })).job;
    }
    case "unlease":
      return (await queue.enqueueLeaseRemoval({ ...usual, requestId, profileId: lease, leaseId: "lease_1" })).job;
  }
}
