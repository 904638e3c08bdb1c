// The engine starts a worker for jobs that nobody works on, and not for those that somebody does.

import { describe, expect, it, vi } from "vitest";
import { ApplyEngine } from "../../src/apply/engine.ts";
import { withReign } from "../../src/apply/reign.ts";
import { APPLY } from "../../src/config/defaults.ts";
import { applyWorld, receivedTokens } from "../support/apply-world.ts";
import { temporaryFolder } from "../support/temp-folder.ts";

async function setUp() {
  const world = applyWorld(await temporaryFolder());
  let time = Date.now();
  let launched = 0;
  const launch = (): Promise<void> => Promise.resolve(void (launched += 1));
  const engine = new ApplyEngine({ ...world.services, paths: world.paths, now: () => time, launch });
  return { world, engine, launches: () => launched, wait: (ms: number) => void (time += ms), now: () => time };
}

describe("ApplyEngine.rescue", () => {
  it("starts a worker where an old job waits and its executor is silent", async () => {
    const { world, engine, launches, wait } = await setUp();
    expect(await engine.rescue()).toBe(false);
    await world.enqueue(receivedTokens("carol"));
    expect(await engine.rescue()).toBe(false);
    wait(APPLY.executorSilentMs + 1_000);
    expect(await engine.rescue()).toBe(true);
    expect(launches()).toBe(1);
  });

  it("leaves an executor that is at work alone", async () => {
    const { world, engine, launches, wait, now } = await setUp();
    await world.enqueue(receivedTokens("carol"));
    wait(APPLY.executorSilentMs + 1_000);
    await withReign({ paths: world.paths, kind: "worker", version: "test", now, waitMs: 0 }, async () => {
      expect(await engine.rescue()).toBe(false);
    });
    expect(launches()).toBe(0);
  });
});

describe("ApplyEngine.resume", () => {
  it("starts a worker for what is left, and forgets parked logins that a job has taken over", async () => {
    const { world, engine, launches } = await setUp();
    expect(await engine.resume()).toBe(0);
    const tokens = receivedTokens("carol");
    const job = await world.enqueue(tokens);
    // Killed between making the job and removing the parked entry.
    const { requestedBy, profileId, login } = job;
    await world.parked.put(
      { agentId: "main", profileId, reason: "first-login", expiresAtMs: login.expiresAtMs, requestedBy },
      tokens,
      job.parkedId,
    );
    expect(await engine.resume()).toBe(1);
    expect(launches()).toBe(1);
    expect(await world.parked.list()).toEqual([]);
  });
});

describe("ApplyEngine.overview", () => {
  it("has a job among what is under way until its receipt is there, and then among what was done", async () => {
    const { world, engine } = await setUp();
    const { id } = await world.enqueue(receivedTokens("carol"));
    expect(await engine.overview(10)).toMatchObject({ jobs: [{ id, state: "queued" }], receipts: [] });
    await world.drain();
    const ended = await world.queue.get(id);
    if (ended === undefined) throw new Error("the job is gone");
    // As it is between the answer in the chat and the last line of the journal.
    await world.queue.save({ ...ended, state: "verified", journal: ended.journal.slice(0, -1) });
    expect(await world.queue.open()).toMatchObject([{ id, state: "verified" }]);
    expect(await engine.overview(10)).toMatchObject({ jobs: [], receipts: [{ id, outcome: "done" }] });
    expect(await engine.overview(0)).toEqual({ jobs: [], receipts: [] });
  });

  it("misses no job that ends while it looks", async () => {
    const { world, engine } = await setUp();
    const { id } = await world.enqueue(receivedTokens("carol"));
    const open = world.queue.open.bind(world.queue);
    vi.spyOn(world.queue, "open").mockImplementationOnce(async () => {
      await world.drain();
      return open();
    });
    expect(await engine.overview(10)).toMatchObject({ jobs: [], receipts: [{ id }] });
  });

  it("does not take the receipt of an earlier job of the same id for that of this one", async () => {
    const { world, engine } = await setUp();
    const { id, createdAt } = await world.enqueue(receivedTokens("carol"));
    await world.drain();
    const ended = await world.queue.get(id);
    if (ended === undefined) throw new Error("the job is gone");
    await world.queue.save({ ...ended, state: "queued", createdAt: createdAt + 1 });
    expect(await engine.overview(10)).toMatchObject({ jobs: [{ id }], receipts: [{ id }] });
  });
});
