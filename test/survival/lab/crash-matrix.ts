// The crash matrix at random instants: jobs of every kind, one after another on one machine, whose workers are killed wherever they are.

import { randomBytes } from "node:crypto";
import { expect } from "vitest";
import type { Job } from "../../../src/apply/job.ts";
import { LEASE } from "../../../src/config/defaults.ts";
import { fingerprintJson } from "../../../src/secrets/fingerprint.ts";
import { Secret } from "../../../src/secrets/secret.ts";
import { fakeAccessToken } from "../../support/jwt.ts";
import { CrashWorld, REQUESTED_BY, type Standing } from "./crash-world.ts";
import { chance, pick, seed, tellFigure } from "./run.ts";

const WORK = "openai-codex:work";
type Step = "login" | "renewal" | "switch" | "remove" | "undo" | "rollback" | "lease" | "unlease";
const STEPS: readonly Step[] = ["login", "renewal", "switch", "rollback", "remove", "undo", "lease", "unlease"];
type Activation = "reload" | "restart";

/** Kills `kills` workers, one job after another, and checks after each what must be true. */
export async function crashMatrix(shape: "one-file" | "two-files", kills: number): Promise<void> {
  const crash = await CrashWorld.open(shape);
  const random = chance(shape);
  const usual = new Map<string, number>();
  let killed = 0;
  let jobs = 0;
  let removed: string | undefined;
  const began = performance.now();
  for (let round = 0; killed < kills; round += 1) {
    const step = STEPS[round % STEPS.length] ?? "login";
    const activation: Activation = random() < 0.25 ? "restart" : "reload";
    if (step === "rollback") await crash.world.setFaults([{ kind: "reload-fails" }]);
    const before = crash.standing();
    const job = await enqueue(crash, step, step === "rollback" ? "reload" : activation, removed);
    jobs += 1;
    const killedBefore = killed;
    const kind = step === "rollback" ? step : `${step} ${activation}`;
    try {
      // Until it is known how long such a job takes, none of its kind is killed.
      const expected = usual.get(kind);
      if (expected !== undefined) {
        // Who takes over may be killed in its turn.
        for (const share of random() < 0.3 ? [random(), random()] : [random()]) {
          const run = await crash.work(share * expected * 1.05);
          if (!run.killed) break;
          killed += 1;
          await assertHalfway(crash, job, before);
        }
      }
      // Also where the job had ended before the kill: the next executor tidies up behind the dead one.
      if (killed > killedBefore || (await crash.queue.open()).length > 0) {
        // The next start is another worker, or whichever host is there.
        if (expected !== undefined && random() < 0.7) await crash.workHere();
        else {
          const { tookUs } = await crash.work();
          if (expected === undefined) usual.set(kind, tookUs);
        }
      }
      const receipt = await assertEnded(crash, job, before, step);
      if (step === "remove") removed = receipt.id;
      if (step === "rollback") await discardAll(crash);
      // Now and then the gateway spends the token that it was given: what comes later must not put that one back.
      if (step === "switch" && round % 3 === 0) await crash.refreshAsGateway(WORK);
    } catch (error) {
      const journal = (await crash.queue.get(job.id))?.journal;
      throw new Error(`round ${round}, ${kind}, seed ${seed}: ${JSON.stringify(journal)}`, { cause: error });
    }
    if (step === "rollback") await crash.world.setFaults([]);
  }
  // No refresh token went to the issuer twice, and every one that is still held is the last of its family.
  const presented = crash.world.issuer.presentations().map((one) => one.fingerprint);
  expect(new Set(presented).size).toBe(presented.length);
  for (const token of await crash.refreshTokens()) {
    expect(["live", "unknown"]).toContain(crash.world.issuer.standing(token));
  }
  tellFigure(`crash matrix, ${shape}`, killed, "kills");
  // Also those that came while nobody looked for them any more.
  expect([...crash.told.values()].filter((count) => count > 1)).toEqual([]);
  tellFigure(`crash matrix, ${shape}, jobs`, jobs, "jobs");
  tellFigure(
    `crash matrix, ${shape}, time`,
    Math.round((performance.now() - began) / 1_000),
    "seconds of crash matrix",
  );
}

async function enqueue(
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
    case "renewal":
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

/** Right after a kill: every file is whole, the target is exactly as before or as planned, all else is as it was. */
async function assertHalfway(crash: CrashWorld, job: Job, before: Standing): Promise<void> {
  const now = crash.standing();
  assertOthers(now, before, job.profileId);
  const plan = (await crash.queue.get(job.id))?.plan?.files.find(({ path }) => path === crash.world.storePath);
  const print = (standing: Standing): string | null => {
    const entry = standing.profiles[job.profileId];
    return entry === undefined ? null : fingerprintJson(entry);
  };
  expect([print(before), plan?.after ?? null]).toContain(print(now));
  expect([before.order ?? null, plan?.orderAfter ?? null]).toContainEqual(now.order ?? null);
}

function assertOthers(now: Standing, before: Standing, profileId: string): void {
  const others = ({ profiles }: Standing): string =>
    JSON.stringify(Object.entries(profiles).filter(([id]) => id !== profileId));
  expect(others(now)).toBe(others(before));
  expect(now.rest).toBe(before.rest);
}

async function assertEnded(crash: CrashWorld, job: Job, before: Standing, step: Step) {
  const receipt = await crash.assertReceipt(job);
  await crash.assertTidy();
  expect(receipt.outcome).toBe(step === "rollback" ? "rolled-back" : "done");
  const now = crash.standing();
  assertOthers(now, before, job.profileId);
  const [was, is] = [before.profiles[job.profileId], now.profiles[job.profileId]];
  if (step === "rollback") expect([is, now.order]).toEqual([was, before.order]);
  if (step === "switch") expect([is, now.order?.[0]]).toEqual([was, job.profileId]);
  if (step === "remove" || step === "unlease") expect(is).toBeUndefined();
  if (step === "login" || step === "renewal" || step === "undo") {
    expect(crash.world.issuer.standing(String(is?.["refresh"]))).toBe("live");
  }
  if (step === "lease") expect(is).toMatchObject({ type: "token", email: "pool@example.com" });
  const parked = await crash.parked.list();
  // What did not stay in the store is kept, once.
  expect(parked).toHaveLength(step === "rollback" || step === "remove" ? 1 : 0);
  return receipt;
}

async function discardAll(crash: CrashWorld): Promise<void> {
  for (const { id } of await crash.parked.list()) await crash.parked.discard(id);
}
