// The restart that several jobs share: made once, not made again, and what each job makes of how it went.

import { describe, expect, it } from "vitest";
import { Executor } from "../../src/apply/executor.ts";
import type { Job } from "../../src/apply/job.ts";
import { APPLY } from "../../src/config/defaults.ts";
import { applyWorld, receivedTokens } from "../support/apply-world.ts";
import { enqueueChange } from "../support/change-jobs.ts";
import { enqueueLeased, leased } from "../support/lease-jobs.ts";
import { temporaryFolder } from "../support/temp-folder.ts";

const HOUR = 3_600_000;

async function setUp() {
  const w = applyWorld(await temporaryFolder());
  const reign = { epoch: 7, signal: new AbortController().signal, assertMine: () => Promise.resolve() };
  const drain = () => new Executor(w.services, reign).drain();
  /** Jobs that are written and wait for a restart, the n-th since `ages[n]`. */
  const waiting = async (ages: readonly number[]): Promise<readonly Job[]> => {
    const names = ages.map((_, index) => `person${index}`);
    for (const name of names)
      await w.enqueue(receivedTokens(name), { profileId: `openai-codex:${name}`, activation: "restart" });
    // The executor before us is killed when all are written and it is about to restart the gateway.
    const killed = new Error("killed");
    const locate = w.gateway.locate.bind(w.gateway);
    w.gateway.locate = async () => {
      if ((await w.queue.list()).every(({ state }) => state === "written")) throw killed;
      return locate();
    };
    await expect(drain()).rejects.toBe(killed);
    w.gateway.locate = locate;
    const jobs = await w.queue.list();
    for (const [index, job] of jobs.entries()) {
      const age = ages[index] ?? 0;
      const journal = job.journal.map((entry) => ({ ...entry, at: entry.at - age }));
      await w.queue.save({ ...job, journal });
    }
    expect(w.gateway.calls).toEqual([]);
    return w.queue.list();
  };
  const ended = async (jobs: readonly Job[]) =>
    Promise.all(jobs.map(async ({ id }) => (await w.receipts.get(id))?.outcome));
  return { w, drain, waiting, ended };
}

describe("jobs that wait for a restart", () => {
  it("share one, and say how long the gateway took", async () => {
    const { w, drain, waiting, ended } = await setUp();
    const jobs = await waiting([0, HOUR]);
    expect(await drain()).toBe(2);
    expect(w.gateway.calls).toEqual(["restart"]);
    expect(await ended(jobs)).toEqual(["done", "done"]);
    for (const { id } of jobs)
      expect(await w.queue.get(id)).toMatchObject({ proven: "listed-by-gateway", healthyAfterMs: 7 });
  });

  it("need none where the gateway has started after all of them were written", async () => {
    const { w, drain, waiting, ended } = await setUp();
    w.gateway.listsProfiles = false;
    const jobs = await waiting([HOUR, 2 * HOUR]);
    expect(await drain()).toBe(2);
    expect(w.gateway.calls).toEqual([]);
    expect(await ended(jobs)).toEqual(["done", "done"]);
    for (const { id } of jobs) {
      const job = await w.queue.get(id);
      expect(job?.journal.map(({ note }) => note)).toContain("the gateway had already restarted");
      expect(job).toMatchObject({ proven: "restarted", mode: "restart" });
    }
  });

  it("need one where the gateway has started after they were planned, and before they were written", async () => {
    const { w, drain, waiting, ended } = await setUp();
    const jobs = await waiting([0]);
    for (const job of jobs) {
      const journal = job.journal.map((entry) =>
        entry.state === "written" ? entry : { ...entry, at: entry.at - HOUR },
      );
      await w.queue.save({ ...job, journal });
    }
    expect(await drain()).toBe(1);
    expect(w.gateway.calls).toEqual(["restart"]);
    expect(await ended(jobs)).toEqual(["done"]);
  });

  it("need none where no gateway runs any more", async () => {
    const { w, drain, waiting, ended } = await setUp();
    const jobs = await waiting([0]);
    w.gateway.state = "stopped";
    await drain();
    expect(await ended(jobs)).toEqual(["done"]);
    expect(await w.queue.get(jobs[0]?.id ?? "")).toMatchObject({ mode: "none", proven: "not-running" });
  });

  it("are all undone where it fails, with its reason, and their logins are kept", async () => {
    const { w, drain, waiting, ended } = await setUp();
    const before = w.readStore();
    const jobs = await waiting([0, 0]);
    w.gateway.restartFails = 1;
    expect(await drain()).toBe(2);
    expect(w.readStore()).toEqual(before);
    expect(w.gateway.calls).toEqual(["restart", "restart"]);
    expect(await ended(jobs)).toEqual(["rolled-back", "rolled-back"]);
    for (const { id } of jobs)
      expect(await w.receipts.get(id)).toMatchObject({ problem: { code: "ERR_GATEWAY_UNHEALTHY" } });
    expect(await w.parked.list()).toHaveLength(2);
  });
});

describe("a leased credential that has not begun", () => {
  it("gives way only to a newer one of the same profile and agent, and never once it was planned", async () => {
    const { w, drain } = await setUp();
    const planned = await enqueueLeased(w, leased("one"));
    const { plan } = await w.store.plan({
      profileId: planned.profileId,
      provider: "openai-codex",
      order: [planned.profileId],
    });
    await w.queue.save({ ...planned, createdAt: 1, plan });
    const older = await enqueueLeased(w, leased("two"), { agentId: "ops" });
    const newer = await enqueueLeased(w, leased("three"));
    await w.queue.save({ ...older, createdAt: 2 });
    await w.queue.save({ ...newer, createdAt: 3 });
    const change = await enqueueChange(w, "remove-profile", {}, { profileId: planned.profileId });
    await w.queue.save({ ...change, createdAt: 4 });
    await drain().catch(() => undefined);
    for (const { id } of [planned, older, newer]) expect((await w.receipts.get(id))?.outcome).not.toBe("cancelled");
    expect((await w.queue.get(newer.id))?.note).toBeUndefined();
  });
});

describe("a store that a gateway keeps writing back", () => {
  it("is patched so many times, and then the change is undone", async () => {
    const { w, drain } = await setUp();
    w.gateway.writesBack = 99;
    const { id } = await enqueueChange(w, "order", { how: "first" });
    await drain();
    const job = await w.queue.get(id);
    expect(job?.repairs).toBe(APPLY.repairAttempts);
    expect(job?.problem?.code).toBe("ERR_STORE_CONFLICT");
    expect(job?.state).toBe("rolled-back");
    expect(w.readStore().order).toBeUndefined();
  });
});
