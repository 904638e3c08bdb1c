// The engine at its edges: who counts as alive, how old a job must be for a rescue, and what a start tidies away.

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ApplyEngine } from "../../src/apply/engine.ts";
import { withReign } from "../../src/apply/reign.ts";
import { APPLY } from "../../src/config/defaults.ts";
import { applyWorld, receivedTokens, REQUESTED_BY } from "../support/apply-world.ts";
import { temporaryFolder } from "../support/temp-folder.ts";

async function setUp() {
  const world = applyWorld(await temporaryFolder());
  const clock = { now: Date.now() };
  let launched = 0;
  const launch = (): Promise<void> => Promise.resolve(void (launched += 1));
  const engine = new ApplyEngine({ ...world.services, paths: world.paths, now: () => clock.now, launch });
  return { world, engine, clock, launches: () => launched };
}

describe("ApplyEngine.isExecutorAlive", () => {
  it("believes a beat for as long as an executor may be silent, before it and after", async () => {
    const { world, engine, clock } = await setUp();
    expect(await engine.isExecutorAlive()).toBe(false);
    await withReign(
      { paths: world.paths, kind: "worker", version: "t", now: () => 900_000, waitMs: 0 },
      async () => undefined,
    );
    for (const [now, isAlive] of [
      [900_000, true],
      [900_000 + APPLY.executorSilentMs, true],
      [900_001 + APPLY.executorSilentMs, false],
      [900_000 - APPLY.executorSilentMs, true],
      [899_999 - APPLY.executorSilentMs, false],
    ] as const) {
      clock.now = now;
      expect(await engine.isExecutorAlive()).toBe(isAlive);
    }
  });

  it("takes a record that cannot be read for no sign of life", async () => {
    const { world, engine } = await setUp();
    await withReign(
      { paths: world.paths, kind: "worker", version: "t", now: Date.now, waitMs: 0 },
      async () => undefined,
    );
    expect(await engine.isExecutorAlive()).toBe(true);
    await writeFile(join(world.paths.queue, "executor.json"), "{");
    expect(await engine.isExecutorAlive()).toBe(false);
  });
});

describe("ApplyEngine.rescue and kick", () => {
  it("starts a worker for one old job among young ones, and not before it is old enough", async () => {
    const { world, engine, clock, launches } = await setUp();
    const job = await world.enqueue(receivedTokens("carol"));
    await world.queue.save({ ...job, createdAt: clock.now - APPLY.executorSilentMs });
    const young = await world.enqueue(receivedTokens("dave"));
    await world.queue.save({ ...young, createdAt: clock.now });
    expect(await engine.rescue()).toBe(false);
    clock.now += 1;
    expect(await engine.rescue()).toBe(true);
    expect(launches()).toBe(1);
  });

  it("starts no worker for a job that has ended, however old", async () => {
    const { world, engine, clock, launches } = await setUp();
    const job = await world.enqueue(receivedTokens("carol"));
    await world.queue.save({ ...job, state: "done" });
    clock.now += 10 * APPLY.executorSilentMs;
    expect(await engine.rescue()).toBe(false);
    expect(await engine.resume()).toBe(0);
    expect(launches()).toBe(0);
    await engine.kick();
    expect(launches()).toBe(1);
  });
});

describe("ApplyEngine.resume", () => {
  it("drops the secrets of ended jobs and starts one worker for all that go on", async () => {
    const { world, engine, launches } = await setUp();
    const jobs = [await world.enqueue(receivedTokens("carol")), await world.enqueue(receivedTokens("dave"))];
    const ended = await world.enqueue(receivedTokens("erin"));
    await world.queue.save({ ...ended, state: "failed" });
    expect(await engine.resume()).toBe(2);
    expect(launches()).toBe(1);
    expect(await world.queue.secrets.get(ended.id)).toBeUndefined();
    for (const { id } of jobs) expect(await world.queue.secrets.get(id)).toBeDefined();
  });

  it("leaves a parked login that no job has taken over, and one whose job cannot be read", async () => {
    const { world, engine } = await setUp();
    const park = (id: string) =>
      world.parked.put(
        {
          agentId: "main",
          profileId: "openai-codex:carol",
          reason: "put-aside",
          expiresAtMs: 9,
          requestedBy: REQUESTED_BY,
        },
        receivedTokens("carol"),
        id,
      );
    const job = await world.enqueue(receivedTokens("carol"));
    await park(job.parkedId);
    await park("p-0000000000000001");
    await writeFile(join(world.paths.queue, "jobs", `${job.id}.json`), "{");
    expect(await engine.resume()).toBe(0);
    expect((await world.parked.list()).map(({ id }) => id).toSorted()).toEqual(
      [job.parkedId, "p-0000000000000001"].toSorted(),
    );
  });
});
