// What a job is verified by: the store as it was planned, and what the gateway says that it has, as far as it says anything.

import { describe, expect, it } from "vitest";
import type { Job, JobPatch } from "../../../src/apply/job.ts";
import { credentialFor, leasedCredentialFor } from "../../../src/apply/steps/credential.ts";
import { verify } from "../../../src/apply/steps/verify.ts";
import { APPLY } from "../../../src/config/defaults.ts";
import type { Gateway } from "../../../src/gateway/gateway.ts";
import type { StoreChange } from "../../../src/profiles/store.ts";
import { applyWorld, receivedTokens } from "../../support/apply-world.ts";
import { enqueueChange } from "../../support/change-jobs.ts";
import { enqueueLeased, enqueueRemoval, leased } from "../../support/lease-jobs.ts";
import { temporaryFolder } from "../../support/temp-folder.ts";
import { gatewayWith, runOf } from "./step-lab.ts";

const [ALICE, BOB, CAROL] = ["openai-codex:alice", "openai-codex:bob", "openai-codex:carol"];
type Listed = readonly { readonly profileId: string; readonly expiresAtMs?: number }[] | undefined;

const listing = (profiles: Listed | Error): Partial<Gateway> => ({
  profiles: () => (profiles instanceof Error ? Promise.reject(profiles) : Promise.resolve(profiles)),
});

async function setUp() {
  const w = applyWorld(await temporaryFolder());
  /** Carries `change` out in the store and gives the job that planned it. */
  const carriedOut = async (job: Job, change: Omit<StoreChange, "profileId" | "provider">): Promise<Job> => {
    const { plan, values } = await w.store.plan(
      { profileId: job.profileId, provider: "openai-codex", ...change },
      job.agentId,
    );
    for (const file of plan.files) {
      const value = values.get(file.path);
      if (value !== undefined) await w.store.apply(file, value);
    }
    const journal: Job["journal"] = [...job.journal, { state: "written", at: Date.now(), epoch: 7 }];
    return { ...job, plan, journal, state: "activated", mode: "reload" };
  };
  const check = async (job: Job, answers: Partial<Gateway> = {}): Promise<Job> => {
    const run = runOf(w, job);
    await verify(run, { ...w.services, gateway: gatewayWith(w.gateway, answers) });
    expect(run.job.progress?.step).not.toBeUndefined();
    return run.job;
  };
  const removal = async (profileId = BOB) =>
    carriedOut(await enqueueChange(w, "remove-profile", {}, { profileId }), { credential: null });
  const renaming = async () => carriedOut(await enqueueChange(w, "rename-profile", { to: CAROL }), { renameTo: CAROL });
  const ordering = async () => carriedOut(await enqueueChange(w, "order", { how: "first" }), { order: [BOB, ALICE] });
  const saving = async (expiresAtMs = 9_000) => {
    const credential = leased("pool", expiresAtMs);
    return carriedOut(await enqueueLeased(w, credential), {
      credential: leasedCredentialFor(credential, credential.access.expose()),
    });
  };
  return { w, check, removal, renaming, ordering, saving, carriedOut };
}

const NOT_SEEN = { code: "ERR_RELOAD_NOT_SEEN", retryable: true };

describe("the proof of a change", () => {
  it("is that no gateway runs, or that nothing shows it where its signs disagree", async () => {
    const { w, check, ordering } = await setUp();
    const job = await ordering();
    w.gateway.state = "stopped";
    expect(await check(job)).toMatchObject({
      state: "verified",
      proven: "not-running",
      progress: { step: "checking" },
    });
    w.gateway.state = "refused";
    expect(await check(job)).toMatchObject({ state: "verified", proven: "unproven" });
  });

  it.each([
    ["reload", "reloaded"],
    ["restart", "restarted"],
  ] as const)("after a %s is the gateway's own answer where it cannot list, or will not", async (mode, proven) => {
    const { check, removal } = await setUp();
    const job = { ...(await removal()), mode };
    expect(await check(job, listing(undefined))).toMatchObject({ state: "verified", proven });
    expect(await check(job, listing(new Error("no")))).toMatchObject({ state: "verified", proven });
  });

  it("is the same for an order and a reset, of which the list says nothing", async () => {
    const { w, check, ordering, carriedOut } = await setUp();
    expect(await check(await ordering(), listing([]))).toMatchObject({ proven: "reloaded" });
    const reset = await carriedOut(await enqueueChange(w, "reset-profile", {}), {});
    expect(await check(reset, listing([]))).toMatchObject({ proven: "reloaded" });
  });

  it("of a login is that it is listed, with its date or a later one, or without one", async () => {
    const { w, check } = await setUp();
    const job: Job = { ...(await w.enqueue(receivedTokens("carol", 9_000))), state: "activated", mode: "reload" };
    for (const one of [{ expiresAtMs: 9_000 }, { expiresAtMs: 9_001 }, {}])
      expect(await check(job, listing([{ profileId: CAROL, ...one }]))).toMatchObject({ proven: "listed-by-gateway" });
    for (const listed of [[], [{ profileId: CAROL, expiresAtMs: 8_999 }], [{ profileId: BOB, expiresAtMs: 9_000 }]])
      await expect(check(job, listing(listed))).rejects.toMatchObject(NOT_SEEN);
  });

  it("of a leased credential is exactly its date", async () => {
    const { check, saving } = await setUp();
    const job = await saving();
    const listed = (expiresAtMs: number) => listing([{ profileId: job.profileId, expiresAtMs }]);
    expect(await check(job, listed(9_000))).toMatchObject({ proven: "listed-by-gateway" });
    await expect(check(job, listed(9_001))).rejects.toMatchObject(NOT_SEEN);
  });

  it("of a removal is that it is listed no more, unless the agent has another of that name", async () => {
    const { w, check, removal, carriedOut } = await setUp();
    const job = await removal();
    expect(await check(job, listing([{ profileId: ALICE }]))).toMatchObject({ proven: "listed-by-gateway" });
    await expect(check(job, listing([{ profileId: BOB }]))).rejects.toMatchObject(NOT_SEEN);
    const inherited = { ...job, profileId: ALICE };
    expect(await check(inherited, listing([{ profileId: ALICE }]))).toMatchObject({ proven: "reloaded" });
    const lease = await carriedOut(await enqueueRemoval(w), {});
    await expect(check(lease, listing([{ profileId: lease.profileId }]))).rejects.toMatchObject(NOT_SEEN);
    expect(await check(lease, listing([]))).toMatchObject({ proven: "listed-by-gateway" });
  });

  it("of a new name is that it is listed, and the old one no more", async () => {
    const { check, renaming } = await setUp();
    const job = await renaming();
    expect(await check(job, listing([{ profileId: CAROL }]))).toMatchObject({ proven: "listed-by-gateway" });
    for (const listed of [[], [{ profileId: ALICE }], [{ profileId: BOB }], [{ profileId: BOB }, { profileId: CAROL }]])
      await expect(check(job, listing(listed))).rejects.toMatchObject(NOT_SEEN);
    // A login of the old name that came since is another one.
    const old = { ...job, profileId: ALICE } as Job;
    expect(await check(old, listing([{ profileId: ALICE }, { profileId: CAROL }]))).toMatchObject({
      proven: "listed-by-gateway",
    });
  });
});

async function writtenBack(patch: JobPatch = {}) {
  const s = await setUp();
  const job = await s.saving();
  const { credential } = (await s.w.store.readCredential(job.profileId)) ?? {};
  const undone = await s.w.store.plan({ profileId: job.profileId, provider: "openai-codex", credential: null });
  for (const file of undone.plan.files) {
    const value = undone.values.get(file.path);
    if (value !== undefined) await s.w.store.apply(file, value);
  }
  expect(credential).toBeDefined();
  return { ...s, job: { ...job, ...patch } as Job };
}

const next = (text: string) => ({ next: expect.stringContaining(text) as string });

describe("a change that is not seen", () => {
  it("says what to do next for a login, for a change, and for a lease", async () => {
    const { w, check, removal, saving } = await setUp();
    const login: Job = { ...(await w.enqueue(receivedTokens("carol"))), state: "activated", mode: "reload" };
    await expect(check(login, listing([]))).rejects.toMatchObject(next("/codex_auth parked"));
    await expect(check(await removal(), listing([{ profileId: BOB }]))).rejects.toMatchObject(
      next("ask for the change"),
    );
    await expect(check(await saving(), listing([]))).rejects.toMatchObject(next("the lease"));
  });
});

describe("a store that was written back", () => {
  it("is patched once more, and that is counted", async () => {
    const { check, job } = await writtenBack();
    const sent = await check(job);
    expect(sent).toMatchObject({ state: "prepared", repairs: 1 });
    expect(sent.journal.at(-1)).toMatchObject({ state: "prepared", note: "written back, once more" });
  });

  it("is given up on after so many times", async () => {
    const { check, job } = await writtenBack({ repairs: APPLY.repairAttempts });
    await expect(check(job)).rejects.toMatchObject({ code: "ERR_STORE_CONFLICT", retryable: true });
    expect(await check({ ...job, repairs: APPLY.repairAttempts - 1 })).toMatchObject({ repairs: APPLY.repairAttempts });
  });
});

describe("a change that somebody has changed since", () => {
  it("is left as it is, and says so where it was no login", async () => {
    const { w, check, ordering, carriedOut } = await setUp();
    const job = await ordering();
    await carriedOut(await enqueueChange(w, "order", { how: "only" }), { order: [ALICE] });
    const done = await check(job);
    expect(done).toMatchObject({ state: "verified", proven: "reloaded", note: expect.any(String) as string });
    expect(w.readStore().order).toEqual({ "openai-codex": [ALICE] });
  });

  it("says nothing where it is the same person's login, renewed by the gateway", async () => {
    const { w, check, carriedOut } = await setUp();
    const made = await w.enqueue(receivedTokens("carol", 9_000));
    const later = receivedTokens("carol", 10_000);
    const credential = credentialFor(later);
    const plan = (
      await w.store.plan({
        profileId: CAROL,
        provider: "openai-codex",
        credential: leasedCredentialFor({ expiresAtMs: 1 }, "t"),
      })
    ).plan;
    await carriedOut(made, { credential });
    const done = await check({ ...made, plan, state: "activated", mode: "reload" });
    expect(done).toMatchObject({ state: "verified", proven: "reloaded" });
    expect(done).not.toHaveProperty("note");
  });
});

describe("a gateway that has come since a job was written without one", () => {
  const CAME = "a gateway has started meanwhile";

  it("is told by a reload, or by a restart where that was asked for and it has not started since", async () => {
    const { check, ordering } = await setUp();
    const job: Job = { ...(await ordering()), mode: "none" };
    const reload = await check(job);
    expect(reload).toMatchObject({ state: "prepared", mode: "reload" });
    expect(reload.journal.at(-1)?.note).toBe(CAME);
    const restart = await check({ ...job, activation: "restart" });
    expect(restart).toMatchObject({ state: "written", mode: "restart" });
    expect(restart.journal.at(-1)?.note).toBe(CAME);
  });

  it("needs no restart where it has started after the write", async () => {
    const { w, check, ordering } = await setUp();
    const job: Job = { ...(await ordering()), mode: "none", activation: "restart" };
    const long = Date.now() - 3_600_000;
    const journal: Job["journal"] = [
      { state: "queued", at: Date.now(), epoch: 7 },
      { state: "written", at: long, epoch: 7 },
      { state: "activated", at: Date.now(), epoch: 7 },
    ];
    const done = await check({ ...job, journal });
    expect(done).toMatchObject({ state: "verified", mode: "restart", proven: "restarted" });
    expect(done.journal.at(-2)).toMatchObject({ state: "activated", note: "the gateway has started since" });
    expect(w.gateway.calls).toEqual([]);
  });

  it("is not told where nothing was to be done, where none runs, or where it keeps coming", async () => {
    const { w, check, ordering } = await setUp();
    const job: Job = { ...(await ordering()), mode: "none" };
    expect(await check({ ...job, activation: "none" })).toMatchObject({ state: "verified", proven: "unproven" });
    const came = { state: "prepared" as const, at: 1, epoch: 7, note: CAME };
    const times = (count: number): Job => ({
      ...job,
      journal: [...job.journal, ...Array.from({ length: count }, () => came)],
    });
    expect(await check(times(APPLY.repairAttempts))).toMatchObject({ state: "verified", mode: "none" });
    expect(await check(times(APPLY.repairAttempts - 1))).toMatchObject({ state: "prepared", mode: "reload" });
    w.gateway.state = "stopped";
    expect(await check(job)).toMatchObject({ state: "verified", mode: "none", proven: "not-running" });
  });
});
