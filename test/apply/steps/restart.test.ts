// The restart as a step: for whom it comes into question, what it came to, and whether there was one already.

import { describe, expect, it } from "vitest";
import type { ManagedJob } from "../../../src/apply/job.ts";
import type { ExecutorServices } from "../../../src/apply/services.ts";
import {
  hasRestartedSince,
  restartFor,
  restartPlanFor,
  restartUnlessDone,
  stayInside,
  wantsRestart,
} from "../../../src/apply/steps/restart.ts";
import { APPLY } from "../../../src/config/defaults.ts";
import { CodexAuthError } from "../../../src/errors.ts";
import type { Gateway, GatewayHealth, GatewayLocation } from "../../../src/gateway/gateway.ts";
import { applyWorld } from "../../support/apply-world.ts";
import { enqueueChange } from "../../support/change-jobs.ts";
import { skipWaits } from "../../support/skipped-waits.ts";
import { temporaryFolder } from "../../support/temp-folder.ts";
import { EPOCH, gatewayWith, runOf } from "./step-lab.ts";

const NOW = 1_800_000_000_000;

async function setUp() {
  const w = applyWorld(await temporaryFolder());
  const job = (await enqueueChange(w, "order", { how: "first" })) as ManagedJob;
  const clock = skipWaits(NOW);
  /** The services with a gateway that answers some questions otherwise. */
  const withGateway = (answers: Partial<Gateway>): ExecutorServices => ({
    ...w.services,
    now: () => clock.now,
    gateway: gatewayWith(w.gateway, answers),
  });
  return { w, job, clock, withGateway };
}

describe("a restart", () => {
  it("is wanted where it was asked for, and never inside the gateway", async () => {
    const { w, withGateway } = await setUp();
    for (const activation of ["auto", "reload", "none"] as const)
      expect(wantsRestart({ activation }, w.services)).toBe(false);
    expect(wantsRestart({ activation: "restart" }, w.services)).toBe(true);
    expect(wantsRestart({ activation: "restart" }, withGateway({ isInside: true }))).toBe(false);
  });

  it("is planned for a gateway that runs, and for no other", async () => {
    const { w } = await setUp();
    expect(await restartPlanFor(await w.gateway.locate(), w.services)).toMatchObject({ kind: "possible" });
    expect(await restartPlanFor({ kind: "stopped" }, w.services)).toBeUndefined();
    w.gateway.state = "refused";
    expect(await restartPlanFor(await w.gateway.locate(), w.services)).toBeUndefined();
  });
});

describe("stayInside", () => {
  it.each(["prepared", "written"] as const)(
    "sends a job that is %s for a restart back to be told in here",
    async (state) => {
      const { w, job, withGateway } = await setUp();
      const run = runOf(w, { ...job, state, mode: "restart" });
      await stayInside(run, withGateway({ isInside: true }));
      expect(run.job).toMatchObject({ state: "prepared", mode: "reload" });
      expect(run.job.journal.at(-1)).toMatchObject({ state: "prepared", epoch: EPOCH });
      expect(run.job.journal.at(-1)?.note).toContain("inside");
    },
  );

  it("leaves every other job as it is, and all of them outside", async () => {
    const { w, job, withGateway } = await setUp();
    const inside = withGateway({ isInside: true });
    for (const [patch, services] of [
      [{ state: "written", mode: "restart" }, w.services],
      [{ state: "written", mode: "reload" }, inside],
      [{ state: "activated", mode: "restart" }, inside],
      [{ state: "queued" }, inside],
    ] as const) {
      const run = runOf(w, { ...job, ...patch });
      await stayInside(run, services);
      expect(run.job).toEqual({ ...job, ...patch });
    }
  });
});

describe("restartFor", () => {
  it("restarts once, tells every job how it goes in its order, and says how long it took", async () => {
    const { w, job, withGateway } = await setUp();
    const other = (await enqueueChange(w, "order", { how: "only" })) as ManagedJob;
    const runs = [runOf(w, job), runOf(w, other)];
    const seen: unknown[] = [];
    const save = w.queue.save.bind(w.queue);
    w.queue.save = async (saved) => {
      seen.push([saved.id, saved.progress?.step, saved.progress?.waitMs]);
      await save(saved);
    };
    const services = withGateway({
      restart: (instance, _plan, { onProgress }) => {
        onProgress?.("waiting-for-start-window", { waitMs: 5 });
        onProgress?.("stopping");
        return Promise.resolve({ instance, durationMs: 7 });
      },
    });
    const outcome = await restartFor(runs, services);
    expect(outcome).toMatchObject({ kind: "restarted", durationMs: 7, instance: { pid: 1 } });
    expect(seen).toEqual([
      [job.id, "waiting-for-start-window", 5],
      [other.id, "waiting-for-start-window", 5],
      [job.id, "stopping", undefined],
      [other.id, "stopping", undefined],
    ]);
  });

  it("is not needed where no gateway runs, or it ended by itself just before", async () => {
    const { w, job, withGateway } = await setUp();
    w.gateway.state = "stopped";
    expect(await restartFor([runOf(w, job)], w.services)).toEqual({ kind: "not-running" });
    w.gateway.state = "running";
    const gone = new CodexAuthError("ERR_GATEWAY_STOPPED", { message: "It is gone.", next: "Nothing." });
    expect(await restartFor([runOf(w, job)], withGateway({ restart: () => Promise.reject(gone) }))).toEqual({
      kind: "not-running",
    });
    expect(w.gateway.calls).toEqual([]);
  });

  it("fails with the gateway's own reason, and asks for no restart where the reason came before it", async () => {
    const { w, job } = await setUp();
    w.gateway.restartFails = 1;
    expect(await restartFor([runOf(w, job)], w.services)).toMatchObject({
      kind: "failed",
      error: { code: "ERR_GATEWAY_UNHEALTHY" },
    });
    expect(w.gateway.calls).toEqual(["restart"]);
    w.gateway.restartPossible = false;
    expect(await restartFor([runOf(w, job)], w.services)).toMatchObject({ error: { code: "ERR_RESTART_IMPOSSIBLE" } });
    w.gateway.state = "refused";
    expect(await restartFor([runOf(w, job)], w.services)).toMatchObject({
      kind: "failed",
      error: { code: "ERR_GATEWAY_DISAGREES" },
    });
    expect(w.gateway.calls).toEqual(["restart"]);
  });

  it("fails where the job can no longer be told, and nothing is left unheard", async () => {
    const { w, job } = await setUp();
    w.queue.save = () => Promise.reject(new CodexAuthError("ERR_DISK_FULL", { message: "Full.", next: "Free some." }));
    expect(await restartFor([runOf(w, job)], w.services)).toMatchObject({
      kind: "failed",
      error: { code: "ERR_DISK_FULL" },
    });
  });
});

/** A gateway that is just starting: it cannot be told yet whether it is the one. */
const starting: GatewayLocation = {
  kind: "refused",
  error: new CodexAuthError("ERR_GATEWAY_STARTING", { message: "It starts.", next: "Wait.", retryable: true }),
};
/** Gives `answers` one after the other, the last one for ever. */
const inTurn = <T>(answers: readonly T[]): (() => Promise<T>) => {
  const left = [...answers];
  return () => Promise.resolve((left.length > 1 ? left.shift() : left[0]) as T);
};
const health = (uptimeMs: number | undefined, ready = true): GatewayHealth => ({
  live: true,
  ready,
  failing: [],
  ...(uptimeMs === undefined ? {} : { uptimeMs }),
});

describe("a gateway that is just starting, as after the restart of an executor that was killed", () => {
  it("is waited for before it is restarted, and the jobs are told", async () => {
    const { w, job, clock, withGateway } = await setUp();
    const run = runOf(w, job);
    const locate = inTurn([starting, starting, await w.gateway.locate()]);
    expect(await restartFor([run], withGateway({ locate }))).toMatchObject({ kind: "restarted" });
    expect(clock.pauses).toEqual([APPLY.executorRetryMs, APPLY.executorRetryMs]);
    expect(w.gateway.calls).toEqual(["restart"]);
    const only = runOf(w, job);
    const gateway = withGateway({ locate: inTurn([starting, await w.gateway.locate()]), health: inTurn([health(50)]) });
    expect(await hasRestartedSince([only], NOW - 1_000, gateway)).toBe(true);
    expect(only.job.progress).toMatchObject({ step: "waiting-for-start-window" });
  });

  it("is given up where it does not come to an end, and nothing was restarted", async () => {
    const { w, job, clock, withGateway } = await setUp();
    const services = withGateway({ locate: inTurn([starting]) });
    expect(await restartFor([runOf(w, job)], services)).toMatchObject({
      kind: "failed",
      error: { code: "ERR_GATEWAY_STARTING" },
    });
    expect(clock.now - NOW).toBe(APPLY.gatewaySettlesMs);
    expect(w.gateway.calls).toEqual([]);
  });
});

describe("restartUnlessDone", () => {
  it("restarts nothing where the gateway has started since, and once where it has not", async () => {
    const { w, job, withGateway } = await setUp();
    const runs = [runOf(w, job)];
    const services = withGateway({ health: inTurn([health(50)]) });
    expect(await restartUnlessDone(runs, NOW - 51, services)).toEqual({ kind: "already" });
    expect(w.gateway.calls).toEqual([]);
    expect(await restartUnlessDone(runs, NOW - 49, services)).toMatchObject({ kind: "restarted" });
    expect(w.gateway.calls).toEqual(["restart"]);
  });

  it("waits once and not twice for a gateway that cannot be told apart", async () => {
    const { w, job, clock, withGateway } = await setUp();
    const services = withGateway({ locate: inTurn([starting]) });
    expect(await restartUnlessDone([runOf(w, job)], NOW, services)).toMatchObject({ kind: "failed" });
    expect(clock.now - NOW).toBe(APPLY.gatewaySettlesMs);
  });
});

describe("hasRestartedSince", () => {
  it("is told by how long a ready gateway has been up, and not by one that says nothing", async () => {
    const { w, job, clock, withGateway } = await setUp();
    const since = (at: number, ...said: readonly GatewayHealth[]) =>
      hasRestartedSince([runOf(w, job)], at, withGateway({ health: inTurn(said) }));
    expect(await since(NOW - 51, health(50))).toBe(true);
    expect(await since(NOW - 50, health(50))).toBe(false);
    expect(await since(NOW - 49, health(50))).toBe(false);
    expect(await since(0, health(undefined))).toBe(false);
    expect(await since(NOW - 50, health(50, false))).toBe(false);
    w.gateway.state = "stopped";
    expect(await since(0, health(50))).toBe(false);
    expect(clock.pauses).toEqual([]);
  });

  it("waits for one that has started since and is not ready yet, or does not answer yet, but not for ever", async () => {
    const { w, job, clock, withGateway } = await setUp();
    const run = runOf(w, job);
    const since = (...said: readonly GatewayHealth[]) =>
      hasRestartedSince([run], NOW - 1_000, withGateway({ health: inTurn(said) }));
    expect(await since(health(undefined, false), health(50, false), health(60))).toBe(true);
    expect(clock.pauses).toEqual([APPLY.executorRetryMs, APPLY.executorRetryMs]);
    expect(run.job.progress).toMatchObject({ step: "waiting-for-start-window" });
    let before = clock.now;
    expect(await since(health(undefined, false))).toBe(false);
    expect(clock.now - before).toBe(APPLY.gatewaySettlesMs);
    // Started and never ready: what was written may be why, so it is not told as done.
    before = clock.now;
    expect(await since(health(50, false))).toBe(false);
    expect(clock.now - before).toBe(APPLY.gatewaySettlesMs);
    expect(w.gateway.calls).toEqual([]);
  });
});
