// The end of a job: its receipt says what there was, its answer waits for whoever asked, and a login that got nowhere is kept.

import { readdir } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import type { Job, LoginJob, ManagedJob, RenewJob } from "../../../src/apply/job.ts";
import type { LoginRequest } from "../../../src/apply/new-job.ts";
import { storeTokens } from "../../../src/apply/parked.ts";
import { againId, parkLogin, settle, type Ending } from "../../../src/apply/steps/settle.ts";
import { Secret } from "../../../src/secrets/secret.ts";
import { applyWorld, receivedTokens, REQUESTED_BY, storedLogin } from "../../support/apply-world.ts";
import { enqueueChange } from "../../support/change-jobs.ts";
import { enqueueLeased, enqueueRemoval, leased } from "../../support/lease-jobs.ts";
import { temporaryFolder } from "../../support/temp-folder.ts";
import { EPOCH, fileChange, planOf, runOf } from "./step-lab.ts";

const ENDED = 1_000;
const problem = { code: "ERR_STORE_CONFLICT", message: "It was changed.", next: "Look." };

async function setUp() {
  const w = applyWorld(await temporaryFolder());
  const services = { ...w.services, now: () => ENDED };
  const end = async (job: Job, ending: Ending = { outcome: "done" }) => {
    const run = runOf(w, job, () => ENDED);
    await settle(run, ending, services);
    return { receipt: await w.receipts.get(job.id), ended: await w.queue.get(job.id), run };
  };
  const login = async (
    tokens = receivedTokens("carol", 9_000),
    request: Partial<LoginRequest> = {},
  ): Promise<LoginJob> => ({
    ...(await w.enqueue(tokens, request, { email: "carol@example.com", planType: "plus" })),
    createdAt: 10,
    journal: [{ state: "queued", at: 10, epoch: 0 }],
  });
  const change = async (kind: ManagedJob["kind"], own: object = {}, request: object = {}) =>
    (await enqueueChange(w, kind, own as never, request)) as ManagedJob;
  return { w, services, end, login, change };
}

describe("the receipt", () => {
  it("of a login that was saved says all that was found out on the way", async () => {
    const { end, login } = await setUp();
    const order = { orderBefore: null, orderAfter: ["openai-codex:carol"] };
    const notes = { before: { errorCount: 1 }, after: {} };
    const job: LoginJob = {
      ...(await login(receivedTokens("carol", 9_000), { undoes: "job-earlier00" })),
      state: "verified",
      journal: [
        { state: "queued", at: 10, epoch: 0 },
        { state: "prepared", at: 30, epoch: 5 },
        { state: "written", at: 70, epoch: 5 },
        { state: "prepared", at: 100, epoch: 7 },
        { state: "verified", at: 90, epoch: 7 },
      ],
      plan: planOf([
        fileChange({ before: "a", after: "b", ...order }),
        fileChange({ path: "/ops", before: "c", orderBefore: ["x"], orderAfter: ["x"], notes }),
      ]),
      mode: "restart",
      proven: "restarted",
      healthyAfterMs: 4,
      gatewayAfter: "running",
      order: { written: ["openai-codex:carol"], wasImplicit: true },
      removedCopies: ["ops"],
      interrupted: true,
      note: "a note",
    };
    const { receipt, ended } = await end(job);
    expect(receipt).toEqual({
      schemaVersion: 1,
      id: job.id,
      kind: "save-login",
      agentId: "main",
      profileId: "openai-codex:carol",
      outcome: "done",
      startedAt: 10,
      endedAt: ENDED,
      durations: { queued: 20, prepared: 40, written: 30, verified: ENDED - 90 },
      files: [
        { path: "/main/auth-profiles.json", before: "a", after: "b", ...order },
        { path: "/ops", before: "c", after: null, notes },
      ],
      activation: { asked: "auto", used: "restart", proven: "restarted", healthyAfterMs: 4, gatewayAfter: "running" },
      order: { written: ["openai-codex:carol"], wasImplicit: true },
      undoes: "job-earlier00",
      removedCopies: ["ops"],
      email: "carol@example.com",
      planType: "plus",
      expiresAtMs: 9_000,
      note: "a note",
      requestedBy: REQUESTED_BY,
      interrupted: true,
    });
    expect(ended).toEqual({
      ...job,
      state: "done",
      journal: [...job.journal, { state: "done", at: ENDED, epoch: EPOCH }],
    });
  });

  it("of a job that came to nothing says no more than that, and why", async () => {
    const { w, end } = await setUp();
    const job = await enqueueRemoval(w, { leaseId: undefined } as never);
    const { receipt, ended } = await end({ ...job, createdAt: 10, journal: [] }, { outcome: "failed", problem });
    expect(receipt).toStrictEqual({
      schemaVersion: 1,
      id: job.id,
      kind: "remove-lease",
      agentId: "main",
      profileId: job.profileId,
      outcome: "failed",
      startedAt: 10,
      endedAt: ENDED,
      durations: {},
      files: [],
      activation: { asked: "auto", used: "none", proven: "unproven" },
      problem,
    });
    expect(ended).toMatchObject({ state: "failed", problem });
  });

  it("does not count the time after an end", async () => {
    const { end, login } = await setUp();
    const journal = [
      { state: "queued" as const, at: 10, epoch: 0 },
      { state: "done" as const, at: 15, epoch: 1 },
    ];
    expect((await end({ ...(await login()), journal })).receipt?.durations).toEqual({ queued: 5 });
  });

  it("names what is particular to each kind of change, and nothing of a login there", async () => {
    const { end, change } = await setUp();
    const renamed = await end(await change("rename-profile", { to: "openai-codex:new" }));
    expect(renamed.receipt).toMatchObject({ renamedTo: "openai-codex:new" });
    expect(renamed.receipt).not.toHaveProperty("how");
    const ordered = await end(await change("order", { how: "only" }, { undoes: "job-earlier00" }));
    expect(ordered.receipt).toMatchObject({ how: "only", undoes: "job-earlier00" });
    for (const fact of ["renamedTo", "email", "expiresAtMs", "leaseId"])
      expect(ordered.receipt).not.toHaveProperty(fact);
  });

  it("of a lease names the lease and what the broker calls it, not its account", async () => {
    const { w, end } = await setUp();
    const { receipt } = await end(await enqueueLeased(w, leased("pool", 9_000)));
    expect(receipt).toMatchObject({ leaseId: "lease_1", label: "pool", email: "pool@example.com", expiresAtMs: 9_000 });
    expect(JSON.stringify(receipt)).not.toContain("account-pool");
    expect((await end(await enqueueRemoval(w))).receipt).toMatchObject({ leaseId: "lease_1" });
  });
});

describe("the end of a job", () => {
  it("leaves an answer for whoever asked, and none where nobody did; its secret goes", async () => {
    const { w, end, login } = await setUp();
    const job = await login();
    await end(job);
    const content = { kind: "receipt", receiptId: job.id };
    expect(await w.outbox.list("telegram")).toMatchObject([{ id: job.id, address: REQUESTED_BY, content }]);
    expect(await w.queue.secrets.get(job.id)).toBeUndefined();
    const silent = await enqueueLeased(w, leased("pool"));
    expect((await end(silent)).receipt).not.toHaveProperty("requestedBy");
    expect((await readdir(w.paths.outbox)).filter((name) => name.endsWith(".json"))).toEqual([`${job.id}.json`]);
    expect(await w.queue.secrets.get(silent.id)).toBeUndefined();
  });
});

describe("a login that is not in the store at the end of its job", () => {
  it("waits again, once, with what is known of it and why, and with the entry that it came with", async () => {
    const { w, end, login } = await setUp();
    const tokens = { ...receivedTokens("carol", 9_000), entry: Secret.of(JSON.stringify(storedLogin("carol"))) };
    const job = await login(tokens);
    const secret = (await w.queue.secrets.get(job.id)) ?? {};
    const { receipt } = await end(job, { outcome: "parked", park: "store-failed", problem });
    expect(receipt).toMatchObject({ outcome: "parked", parkedId: againId(job), problem });
    // Killed before the last line and ended once more.
    await w.queue.secrets.put(job.id, secret);
    await end(job, { outcome: "parked", park: "store-failed", problem });
    expect(await w.parked.list()).toEqual([
      {
        schemaVersion: 1,
        id: againId(job),
        createdAt: expect.any(Number) as number,
        agentId: "main",
        profileId: "openai-codex:carol",
        reason: "store-failed",
        email: "carol@example.com",
        planType: "plus",
        identity: { userId: "user-carol", accountId: "account-carol" },
        expiresAtMs: 9_000,
        requestedBy: REQUESTED_BY,
        problem,
      },
    ]);
    const kept = await w.parked.tokens(againId(job));
    expect(kept?.refresh.expose()).toBe(tokens.refresh.expose());
    expect(kept?.entry?.expose()).toBe(tokens.entry.expose());
  });

  it("waits under an id that is its job's own", async () => {
    const { login } = await setUp();
    const [one, other] = [againId(await login()), againId(await login())];
    expect(one).toMatch(/^p-[0-9a-f]{16}$/);
    expect(other).not.toBe(one);
  });

  it("says no more than its job and its token know", async () => {
    const { w, end, login } = await setUp();
    const opaque = { ...receivedTokens("carol", 9_000), access: Secret.of("opaque") };
    const job: LoginJob = { ...(await login(opaque)), login: { expiresAtMs: 9_000 } };
    await end(job, { outcome: "cancelled", park: "cancelled" });
    const [one] = await w.parked.list();
    for (const fact of ["email", "planType", "identity", "problem"]) expect(one).not.toHaveProperty(fact);
    expect((await w.parked.tokens(againId(job)))?.entry).toBeUndefined();
  });

  it("is not kept where the job ends without a word of that, and a leased credential never is", async () => {
    const { w, end, login } = await setUp();
    expect((await end(await login())).receipt).not.toHaveProperty("parkedId");
    const job = await enqueueLeased(w, leased("pool"));
    expect((await end(job, { outcome: "cancelled", park: "cancelled" })).receipt).not.toHaveProperty("parkedId");
    expect(await w.parked.list()).toEqual([]);
  });

  it("is the one that was parked already where its secret could not be written", async () => {
    const { w, services, end, change } = await setUp();
    const job = (await change("renew-login" as never)) as unknown as RenewJob;
    const ending = { outcome: "parked", park: "store-failed" } as const;
    expect((await end(job, ending)).receipt).not.toHaveProperty("parkedId");
    const entry = Secret.of(JSON.stringify(storedLogin("bob")));
    const login = storeTokens({ ...receivedTokens("bob", 8_000), entry });
    await parkLogin(job, login, { reason: "store-failed", problem: undefined }, services);
    const { receipt } = await end(job, ending);
    expect(receipt).toMatchObject({ parkedId: againId(job) });
    expect(receipt).not.toHaveProperty("expiresAtMs");
    // The entry was made of what the store held, so it is no part of what came.
    expect((await w.parked.tokens(againId(job)))?.entry).toBeUndefined();
    expect(await w.parked.get(againId(job))).toMatchObject({ expiresAtMs: 8_000 });
  });
});

describe("a removed login", () => {
  it.each<[Ending, number]>([
    [{ outcome: "done" }, 1],
    [{ outcome: "rolled-back", park: "removed" }, 1],
    [{ outcome: "rolled-back", park: "rolled-back" }, 0],
    [{ outcome: "cancelled" }, 0],
  ])("after %j waits %i times", async (ending, times) => {
    const { w, end, change } = await setUp();
    const job: ManagedJob = { ...(await change("remove-profile")), plan: planOf([fileChange({ before: "a" })]) };
    const previous = JSON.stringify(storedLogin("bob"));
    await w.queue.secrets.put(job.id, { values: { "/main/auth-profiles.json": { next: null, previous } } });
    const { receipt } = await end(job, ending);
    const parked = await w.parked.list();
    expect(parked).toHaveLength(times);
    expect(receipt?.parkedId).toBe(parked[0]?.id);
  });

  it("is nothing that another kind of change leaves", async () => {
    const { w, end, change } = await setUp();
    const job: ManagedJob = { ...(await change("reset-profile")), plan: planOf([fileChange({ before: "a" })]) };
    const previous = JSON.stringify(storedLogin("bob"));
    await w.queue.secrets.put(job.id, { values: { "/main/auth-profiles.json": { next: null, previous } } });
    await end(job);
    expect(await w.parked.list()).toEqual([]);
  });
});
