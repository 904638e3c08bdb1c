// Renewals whose answer has come, in the hands of the executor: stored whatever happens, never undone, and kept where that is impossible.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { Executor } from "../../src/apply/executor.ts";
import type { Job } from "../../src/apply/job.ts";
import { storeTokens, type LoginTokens } from "../../src/apply/parked.ts";
import type { RenewalPort } from "../../src/apply/renewal.ts";
import { Rotations } from "../../src/apply/rotations.ts";
import type { ExecutorServices } from "../../src/apply/services.ts";
import { againId } from "../../src/apply/steps/settle.ts";
import { APPLY } from "../../src/config/defaults.ts";
import { ownPaths } from "../../src/config/paths.ts";
import { CodexAuthError, type ErrorCode } from "../../src/errors.ts";
import type { ProfileStore } from "../../src/profiles/store.ts";
import { fingerprint } from "../../src/secrets/fingerprint.ts";
import { Secret } from "../../src/secrets/secret.ts";
import { applyWorld, receivedTokens, storedLogin } from "../support/apply-world.ts";
import { enqueueChange } from "../support/change-jobs.ts";
import { fakeIdToken } from "../support/jwt.ts";
import { temporaryFolder } from "../support/temp-folder.ts";
import { losingLocks } from "./executor-lab.ts";
import { storeWith } from "./steps/step-lab.ts";

const ALICE = "openai-codex:alice";
const failure = (code: ErrorCode, retryable = false): CodexAuthError =>
  new CodexAuthError(code, { message: "No.", next: "Nothing.", retryable });

/** A renewal of alice's login, whose answer an executor before us has got and kept. */
async function setUp(came: LoginTokens = receivedTokens("alice")) {
  const folder = await temporaryFolder();
  const rotations = new Rotations({ folder: ownPaths(join(folder, ".openclaw")).rotations, now: Date.now });
  const renewal: RenewalPort = {
    renew: () => Promise.reject(new Error("Nothing may be presented here.")),
    clientId: "ours",
    rotations,
    elsewhere: () => Promise.resolve([]),
  };
  const w = applyWorld(folder, { renewal });
  const job = await enqueueChange(w, "renew-login", {}, { profileId: ALICE });
  const presented = fingerprint(String(w.readStore().profiles[ALICE]?.["refresh"]));
  const keep = (): Promise<void> => w.queue.secrets.put(job.id, { login: storeTokens(came), presented });
  await keep();
  const reign = { epoch: 7, signal: new AbortController().signal, assertMine: () => Promise.resolve() };
  const drain = (more: Partial<ExecutorServices> = {}) => new Executor({ ...w.services, ...more }, reign).drain();
  const put = (entry: object): void => {
    const store = w.readStore();
    store.profiles[ALICE] = entry as Record<string, unknown>;
    writeFileSync(w.storePath, JSON.stringify(store));
  };
  const losing = (error: CodexAuthError): ProfileStore => losingLocks(w.store, error);
  return {
    w,
    job,
    came,
    keep,
    drain,
    put,
    losing,
    presented,
    stored: () => w.readStore().profiles[ALICE]?.["refresh"],
    receipt: () => w.receipts.get(job.id),
    phase: async () => (await rotations.get(presented))?.phase,
  };
}

describe("a renewal whose answer has come", () => {
  it("is stored and told without another request, and the old token is noted as spent", async () => {
    const r = await setUp();
    expect(await r.drain()).toBe(1);
    expect(r.stored()).toBe(r.came.refresh.expose());
    expect(r.w.gateway.calls).toEqual(["reload"]);
    expect(await r.receipt()).toMatchObject({ outcome: "done", email: "alice@example.com", planType: "plus" });
    expect(await r.phase()).toBe("spent");
    expect(await r.w.parked.list()).toEqual([]);
  });

  it("is stored although it was given up, and although nobody may have it done any more", async () => {
    const r = await setUp();
    await r.w.queue.cancel(r.job.id);
    await r.drain({ mayStill: () => false });
    expect(r.stored()).toBe(r.came.refresh.expose());
    expect(await r.receipt()).toMatchObject({ outcome: "done" });
  });

  it("goes on where it stood, whatever that was", async () => {
    for (const state of ["prepared", "written"] as const) {
      const r = await setUp();
      const save = r.w.queue.save.bind(r.w.queue);
      r.w.queue.save = async (job) => {
        await save(job);
        if (job.state === state) throw failure("ERR_EXECUTOR_FENCED");
      };
      await expect(r.drain()).rejects.toMatchObject({ code: "ERR_EXECUTOR_FENCED" });
      r.w.queue.save = save;
      expect(await r.w.queue.get(r.job.id)).toMatchObject({ state });
      // Also where nobody may have it done any more by then.
      expect(await r.drain({ mayStill: () => false })).toBe(1);
      expect(r.stored()).toBe(r.came.refresh.expose());
      expect(await r.receipt()).toMatchObject({ outcome: "done" });
    }
  });

  it("is stored under one hold of the locks, which may be given up before and leaves nothing behind", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    onTestFinished(() => void vi.useRealTimers());
    const r = await setUp();
    const signals: (boolean | undefined)[] = [];
    const store = storeWith(r.w.store, {
      holding: async (target, body, options) => {
        signals.push(options?.signal?.aborted);
        if (r.w.store.holding === undefined) throw new Error("There are no locks to hold.");
        return r.w.store.holding(target, body, options);
      },
    });
    await r.drain({ store });
    expect(signals).toEqual([false]);
    expect(vi.getTimerCount()).toBe(0);
    expect(await r.receipt()).toMatchObject({ outcome: "done" });
  });

  it("is said to be whose its tokens say, and nobody's where they say nothing", async () => {
    const opaque = { ...receivedTokens("alice"), access: Secret.of("opaque") };
    const expiresAtMs = opaque.expiresAtMs;
    const named = await setUp({ ...opaque, id: Secret.of(fakeIdToken({ email: "id@example.com", expiresAtMs })) });
    await named.drain();
    expect(await named.receipt()).toMatchObject({ outcome: "done", email: "id@example.com" });
    for (const more of [{}, { id: Secret.of("opaque too") }]) {
      const r = await setUp({ ...opaque, ...more });
      await r.drain();
      expect(await r.receipt()).toMatchObject({ outcome: "done", expiresAtMs });
      for (const fact of ["email", "planType"]) expect(await r.receipt()).not.toHaveProperty(fact);
    }
  });

  it("is kept, and says what is true of both, where somebody has signed in meanwhile", async () => {
    const r = await setUp();
    const theirs = storedLogin("alice");
    r.put(theirs);
    await r.drain();
    expect(r.stored()).toBe(theirs.refresh);
    expect(await r.receipt()).toMatchObject({
      outcome: "parked",
      parkedId: againId(r.job),
      problem: { code: "ERR_RENEWAL_OVERTAKEN", next: expect.stringContaining("/codex_auth parked") as string },
    });
    expect((await r.w.parked.tokens(againId(r.job)))?.refresh.expose()).toBe(r.came.refresh.expose());
  });

  it("is kept as another account's where it is one", async () => {
    const r = await setUp(receivedTokens("dave"));
    const before = r.stored();
    await r.drain();
    expect(r.stored()).toBe(before);
    expect(await r.receipt()).toMatchObject({ outcome: "parked", problem: { code: "ERR_RENEWAL_OTHER_ACCOUNT" } });
    expect(await r.w.parked.list()).toMatchObject([{ reason: "other-identity" }]);
  });
});

describe("a renewal that is stored and cannot be told", () => {
  it("is never undone, and asks for a restart before anything else", async () => {
    const r = await setUp();
    r.w.gateway.reloadFails = 9;
    r.w.gateway.restartPossible = false;
    await r.drain();
    expect(r.stored()).toBe(r.came.refresh.expose());
    const receipt = await r.receipt();
    expect(receipt).toMatchObject({ outcome: "done", problem: { code: "ERR_GATEWAY_RPC" } });
    expect(receipt?.problem?.next).toMatch(/^Restart the gateway now/);
    expect(await r.w.parked.list()).toEqual([]);
  });

  it("is told by a restart where one is possible", async () => {
    const r = await setUp();
    r.w.gateway.reloadFails = 9;
    await r.drain();
    expect(r.w.gateway.calls.at(-1)).toBe("restart");
    expect(await r.receipt()).toMatchObject({ outcome: "done", activation: { used: "restart" } });
  });

  it("is told a little later where the gateway is just starting, and not for ever", async () => {
    const r = await setUp();
    const reload = r.w.gateway.reload.bind(r.w.gateway);
    let times = 0;
    r.w.gateway.reload = () => ((times += 1) < 3 ? Promise.reject(failure("ERR_GATEWAY_STARTING")) : reload());
    await r.drain();
    expect(await r.w.queue.get(r.job.id)).toMatchObject({ state: "done", repairs: 2, mode: "reload" });
    const never = await setUp();
    let asked = 0;
    never.w.gateway.reload = () => ((asked += 1), Promise.reject(failure("ERR_GATEWAY_STARTING")));
    never.w.gateway.restartPossible = false;
    await never.drain();
    expect(asked).toBe(APPLY.repairAttempts + 1);
    expect(await never.receipt()).toMatchObject({ outcome: "done", problem: { code: "ERR_GATEWAY_STARTING" } });
  });
});

describe("locks that were lost at the end of a renewal", () => {
  it("change nothing of what was done under them: the store is looked at next, as after every write", async () => {
    const r = await setUp();
    await r.drain({ store: r.losing(failure("ERR_LOCK_LOST")) });
    expect(r.stored()).toBe(r.came.refresh.expose());
    expect(await r.receipt()).toMatchObject({ outcome: "done", activation: { used: "reload" } });
    expect((await r.receipt())?.problem).toBeUndefined();
  });
});

describe("a renewal beside an older job about its profile", () => {
  it("waits until that one has ended, which might write once more what the renewal uses up", async () => {
    const r = await setUp();
    const older = await r.w.enqueue(receivedTokens("alice"), { profileId: ALICE, activation: "restart" });
    await r.w.queue.save({ ...older, createdAt: 1 });
    const states: string[] = [];
    const save = r.w.queue.save.bind(r.w.queue);
    r.w.queue.save = async (job: Job) => {
      await save(job);
      states.push(`${job.kind} ${job.state}`);
    };
    expect(await r.drain()).toBe(2);
    const firstOfRenewal = states.findIndex((line) => line.startsWith("renew-login") && !line.endsWith("queued"));
    expect(states.indexOf("save-login done")).toBeGreaterThan(-1);
    expect(firstOfRenewal).toBeGreaterThan(states.indexOf("save-login done"));
  });

  it("does not wait for one about another profile, or that is younger", async () => {
    for (const [profileId, createdAt] of [
      ["openai-codex:carol", 1],
      [ALICE, Date.now() + 60_000],
    ] as const) {
      const r = await setUp();
      const other = await r.w.enqueue(receivedTokens("carol"), { profileId, activation: "restart" });
      await r.w.queue.save({ ...other, createdAt });
      const states: string[] = [];
      const save = r.w.queue.save.bind(r.w.queue);
      r.w.queue.save = async (job: Job) => {
        await save(job);
        states.push(`${job.kind} ${job.state}`);
      };
      expect(await r.drain()).toBe(2);
      expect(states.indexOf("renew-login done")).toBeLessThan(states.indexOf("save-login done"));
    }
  });
});
