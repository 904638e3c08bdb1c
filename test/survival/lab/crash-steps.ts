// The jobs of the crash matrix, each a thing that somebody asks for.

import { randomBytes } from "node:crypto";
import type { Job } from "../../../src/apply/job.ts";
import { LEASE } from "../../../src/config/defaults.ts";
import { Secret } from "../../../src/secrets/secret.ts";
import { fakeAccessToken } from "../../support/jwt.ts";
import { REQUESTED_BY, type CrashWorld } from "./crash-world.ts";
import { pick } from "./run.ts";

/** The profile of most jobs. */
export const WORK = "openai-codex:work";
/** What is done: `relogin` signs somebody in anew, `renewal` presents the refresh token. */
export type Step = "login" | "renewal" | "relogin" | "switch" | "remove" | "undo" | "rollback" | "lease" | "unlease";
/** How the gateway is to hear of it. */
export type Activation = "reload" | "restart";
/** In the order in which they make sense. A renewal that a kill left unknown is followed by a sign-in, as its receipt advises. */
export const STEPS: readonly Step[] = [
  "login",
  "renewal",
  "relogin",
  "switch",
  "rollback",
  "remove",
  "undo",
  "renewal",
  "relogin",
  "lease",
  "unlease",
];

/** Makes a job of `step`; `removedBy` is the receipt of the removal that is taken back. */
export async function enqueue(
  crash: CrashWorld,
  step: Step,
  activation: Activation,
  removedBy: string | undefined,
): Promise<Job> {
  const { queue } = crash;
  const usual = { agentId: "main", profileId: WORK, activation, requestedBy: REQUESTED_BY };
  const requestId = randomBytes(8).toString("hex");
  const { profiles, order } = crash.standing();
  switch (step) {
    case "login":
    case "relogin":
    case "rollback": {
      const parked = await crash.signIn(WORK, "grace@example.com");
      return (await queue.enqueueLogin({ ...usual, parkedId: parked.id, makeFirst: true })).job;
    }
    case "undo": {
      const receipt = await crash.receipts.get(removedBy ?? "");
      const parkedId = receipt?.parkedId ?? "";
      const orders = receipt?.files.find(({ path }) => path === crash.world.storePath);
      const wantedOrder = orders?.orderBefore ?? null;
      return (
        await queue.enqueueLogin({
          ...usual,
          parkedId,
          makeFirst: false,
          wantedOrder,
          ...(receipt === undefined ? {} : { undoes: receipt.id }),
        })
      ).job;
    }
    case "switch": {
      const ids = Object.keys(profiles).filter((id) => id !== order?.[0]);
      const profileId = pick(ids, 0.5);
      return (await queue.enqueueChange({ ...usual, profileId, requestId, kind: "order", how: "first" })).job;
    }
    case "renewal":
      // Nobody restarts a gateway for it: it must not wake up with the old token in its hands.
      return (await queue.enqueueChange({ ...usual, activation: "reload", requestId, kind: "renew-login" })).job;
    case "remove":
      return (await queue.enqueueChange({ ...usual, requestId, kind: "remove-profile" })).job;
    case "lease": {
      const expiresAtMs = Date.now() + 3_600_000;
      const access = fakeAccessToken({ userId: "user-pool", accountId: "account-pool", expiresAtMs });
      const credential = { access: Secret.of(access), expiresAtMs, email: "pool@example.com", label: "pool" };
      const lease = {
        ...usual,
        profileId: LEASE.profileId,
        leaseId: "lease_1",
        requestId,
        makeFirst: true,
        credential,
      };
      return (await queue.enqueueLeased(lease)).job;
    }
    case "unlease":
      return (await queue.enqueueLeaseRemoval({ ...usual, profileId: LEASE.profileId, leaseId: "lease_1", requestId }))
        .job;
  }
}
