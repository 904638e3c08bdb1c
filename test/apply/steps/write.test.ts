// Writing a plan: what is told to whom while the lock is held, what may still be given up, and what a failure means.

import { readFileSync } from "node:fs";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import type { Job } from "../../../src/apply/job.ts";
import { prepare } from "../../../src/apply/steps/prepare.ts";
import {
  cancelled,
  endsReign,
  fallBackToRestart,
  leavesJob,
  reloadWithin,
  watchCancel,
  write,
} from "../../../src/apply/steps/write.ts";
import { CodexAuthError, type ErrorCode } from "../../../src/errors.ts";
import type { Gateway } from "../../../src/gateway/gateway.ts";
import { applyWorld, receivedTokens } from "../../support/apply-world.ts";
import { enqueueChange } from "../../support/change-jobs.ts";
import { enqueueLeased, leased } from "../../support/lease-jobs.ts";
import { temporaryFolder } from "../../support/temp-folder.ts";
import { gatewayWith, runOf } from "./step-lab.ts";

const [ALICE, BOB] = ["openai-codex:alice", "openai-codex:bob"];
const instance = { pid: 1, startTime: 1, port: 1, stateDir: "/s", configPath: "/c" };
const failure = (code: ErrorCode): CodexAuthError => new CodexAuthError(code, { message: "No.", next: "Nothing." });

/** The states after the plan. */
const states = (of: { readonly job: Job }): string[] => of.job.journal.slice(2).map(({ state }) => state);

/** A planned order with bob first. */
async function setUp(activation: Job["activation"] = "auto", gateway: "running" | "stopped" = "running") {
  const w = applyWorld(await temporaryFolder());
  w.gateway.state = gateway;
  const made = await enqueueChange(w, "order", { how: "first" }, { activation });
  const planning = runOf(w, made);
  await prepare(planning, w.services);
  const run = (patch: Partial<Job> = {}) => runOf(w, { ...planning.job, ...patch } as Job);
  const services = (answers: Partial<Gateway> = {}) => ({ ...w.services, gateway: gatewayWith(w.gateway, answers) });
  return { w, run, services, order: () => w.readStore().order?.["openai-codex"] };
}

describe("a written plan", () => {
  it("is told to the gateway while the lock is held, and is activated by that", async () => {
    const { w, run, services, order } = await setUp();
    const one = run();
    const held: string[] = [];
    const reload: Gateway["reload"] = (_to, signal) => {
      held.push(readFileSync(`${w.storePath}.lock`, "utf8"));
      expect(one.job).toMatchObject({ state: "written", progress: { step: "reloading" } });
      expect(signal?.aborted).toBe(false);
      return w.gateway.reload();
    };
    await write(one, services({ reload }), true);
    expect(held).toHaveLength(1);
    expect(states(one)).toEqual(["written", "activated"]);
    expect(one.job).toMatchObject({ state: "activated", proven: "reloaded" });
    expect(order()).toEqual([BOB, ALICE]);
  });

  it("is told to nobody where a restart is to come, or nothing was to be done", async () => {
    for (const [activation, mode] of [
      ["restart", "restart"],
      ["none", "none"],
    ] as const) {
      const { w, run, order } = await setUp(activation);
      const one = run();
      expect(one.job.mode).toBe(mode);
      await write(one, w.services, true);
      expect(states(one)).toEqual(["written"]);
      expect(order()).toEqual([BOB, ALICE]);
      expect(w.gateway.calls).toEqual([]);
    }
  });

  it("has nobody to be told where no gateway runs, by then", async () => {
    const { w, run } = await setUp("auto", "stopped");
    const none = run();
    await write(none, w.services, true);
    expect(states(none)).toEqual(["written"]);
    const gone = run({ mode: "reload" });
    await write(gone, w.services, true);
    expect(gone.job).toMatchObject({ state: "activated", mode: "none", proven: "not-running" });
    expect(w.gateway.calls).toEqual([]);
  });

  it("is told to a gateway that has come while the lock was waited for, by the way that was asked for", async () => {
    const auto = await setUp("auto", "stopped");
    auto.w.gateway.state = "running";
    const one = auto.run();
    await write(one, auto.w.services, true);
    expect(one.job).toMatchObject({ state: "activated", mode: "reload", proven: "reloaded" });
    expect(one.job.journal.at(-2)?.note).toBe("a gateway has started meanwhile");
    const restart = await setUp("restart", "stopped");
    restart.w.gateway.state = "running";
    const two = restart.run();
    await write(two, restart.w.services, true);
    expect(two.job).toMatchObject({ state: "written", mode: "restart" });
    expect(restart.w.gateway.calls).toEqual([]);
  });

  it("stays written where the gateway cannot be told, and the failure is passed on", async () => {
    const { w, run, order } = await setUp();
    w.gateway.state = "refused";
    const one = run();
    await expect(write(one, w.services, true)).rejects.toMatchObject({ code: "ERR_GATEWAY_DISAGREES" });
    expect(one.job.state).toBe("written");
    expect(order()).toEqual([BOB, ALICE]);
  });

  it("cannot be one without a plan or without its values", async () => {
    const { w, run, order } = await setUp();
    await expect(write(run({ plan: undefined }), w.services, true)).rejects.toMatchObject({ code: "ERR_INTERNAL" });
    const one = run();
    await w.queue.secrets.put(one.job.id, { values: {} });
    await expect(write(one, w.services, true)).rejects.toMatchObject({ code: "ERR_INTERNAL" });
    expect(order()).toBeUndefined();
  });
});

describe("the last look before a write", () => {
  it("asks whether it is still allowed only where nothing was written yet", async () => {
    const { w, run, order } = await setUp();
    const services = { ...w.services, mayStill: () => false };
    await expect(write(run(), services, true)).rejects.toMatchObject({ code: "ERR_NOT_ALLOWED" });
    expect(order()).toBeUndefined();
    await write(run(), services, false);
    expect(order()).toEqual([BOB, ALICE]);
  });

  it("refuses a login whose token was spent since, only where nothing was written yet", async () => {
    const { w } = await setUp();
    const planning = runOf(w, await w.enqueue(receivedTokens("carol")));
    await prepare(planning, w.services);
    const renewal = { rotations: { isBarred: () => Promise.resolve(true) } } as never;
    await expect(write(runOf(w, planning.job), { ...w.services, renewal }, true)).rejects.toMatchObject({
      code: "ERR_TOKEN_SPENT",
    });
    expect(w.readStore().profiles["openai-codex:carol"]).toBeUndefined();
    await write(runOf(w, planning.job), { ...w.services, renewal }, false);
    expect(w.readStore().profiles["openai-codex:carol"]).toBeDefined();
  });
});

describe("watchCancel", () => {
  it("looks every half second, and gives the job up once it was asked for", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    onTestFinished(() => void vi.useRealTimers());
    const { w, run } = await setUp();
    const one = run();
    const looks: Promise<boolean>[] = [];
    const isCancelRequested = w.queue.isCancelRequested.bind(w.queue);
    w.queue.isCancelRequested = (id) => {
      const look = isCancelRequested(id);
      looks.push(look);
      return look;
    };
    const pass = async (ms: number): Promise<void> => {
      vi.advanceTimersByTime(ms);
      await Promise.all(looks);
    };
    const watched = watchCancel(one, w.services);
    const stopped = watchCancel(one, w.services);
    await pass(499);
    expect(looks).toHaveLength(0);
    await pass(1);
    expect([looks.length, watched.signal.aborted]).toEqual([2, false]);
    await w.queue.cancel(one.job.id);
    vi.advanceTimersByTime(500);
    // Also a look that is under way.
    stopped.stop();
    await Promise.all(looks);
    expect([watched.signal.aborted, stopped.signal.aborted]).toEqual([true, false]);
    expect(watched.signal.reason).toMatchObject({ code: "ERR_CANCELLED" });
    watched.stop();
    expect(vi.getTimerCount()).toBe(0);
  });

  it("takes a look that fails for none", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    onTestFinished(() => void vi.useRealTimers());
    const { w, run } = await setUp();
    w.queue.isCancelRequested = () => Promise.reject(new Error("no"));
    const { signal, stop } = watchCancel(run(), w.services);
    vi.advanceTimersByTime(500);
    await Promise.resolve();
    expect(signal.aborted).toBe(false);
    stop();
  });
});

const slow: Gateway["reload"] = (_to, signal) =>
  new Promise((_resolve, reject) => signal?.addEventListener("abort", () => reject(new Error("aborted"))));

describe("a reload", () => {
  it("that takes longer than the lock may be held is one that failed", async () => {
    const { services } = await setUp();
    for (const withinMs of [1.5, 0, -5]) {
      await expect(reloadWithin(services({ reload: slow }), instance, withinMs)).rejects.toMatchObject({
        code: "ERR_GATEWAY_RPC",
        retryable: true,
      });
    }
  });

  it("that fails in time fails with the gateway's own reason", async () => {
    const { services } = await setUp();
    const error = failure("ERR_GATEWAY_UNHEALTHY");
    const reload = reloadWithin(services({ reload: () => Promise.reject(error) }), instance, 10_000);
    await expect(reload).rejects.toBe(error);
  });

  it("that failed is followed by a restart under `auto`, where one is possible", async () => {
    const { w, run } = await setUp();
    const one = run({ state: "written" });
    await fallBackToRestart(one, w.services, failure("ERR_GATEWAY_RPC"));
    expect(one.job).toMatchObject({ state: "written", mode: "restart" });
    expect(one.job.journal.at(-1)?.note).toBe("reload failed (ERR_GATEWAY_RPC)");
    w.gateway.restartPossible = false;
    const two = run({ state: "written" });
    const error = failure("ERR_GATEWAY_RPC");
    await expect(fallBackToRestart(two, w.services, error)).rejects.toBe(error);
    await expect(fallBackToRestart(run({ activation: "reload" }), w.services, error)).rejects.toBe(error);
    expect(two.job.mode).toBe("reload");
  });
});

describe("an error", () => {
  it("leaves its job as it is where another executor reigns, or nobody can be asked, and no other does", () => {
    expect(leavesJob(failure("ERR_EXECUTOR_FENCED"))).toBe(true);
    expect(leavesJob(failure("ERR_PERMISSION_UNKNOWN"))).toBe(true);
    expect(leavesJob(failure("ERR_STORE_CONFLICT"))).toBe(false);
    expect([endsReign(failure("ERR_EXECUTOR_FENCED")), endsReign(failure("ERR_PERMISSION_UNKNOWN"))]).toEqual([
      true,
      false,
    ]);
    expect(leavesJob(new Error("x"))).toBe(false);
  });

  it("of a job that was given up says what is left of it, for each kind", async () => {
    const { w } = await setUp();
    const login = cancelled(await w.enqueue(receivedTokens("carol")));
    const others = [
      await enqueueChange(w, "renew-login", {}),
      await enqueueChange(w, "remove-profile", {}),
      await enqueueLeased(w, leased("pool")),
    ].map(cancelled);
    for (const error of [login, ...others]) expect(error.code).toBe("ERR_CANCELLED");
    expect(login.next).toContain("/codex_auth parked");
    expect(others[0]?.next).toContain("login is as it was");
    expect(others[1]?.next).toContain("Ask for it again");
    expect(others[2]?.next).toContain("lease");
  });
});
