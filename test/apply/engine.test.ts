// The engine starts a worker for jobs that nobody works on, and not for those that somebody does.

import { describe, expect, it } from "vitest";
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
