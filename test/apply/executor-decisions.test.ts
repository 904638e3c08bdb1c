// What the executor makes of an error: plan again, give up, leave it to the next one; and what it does for the jobs beside it.

import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { Executor } from "../../src/apply/executor.ts";
import type { ExecutorServices } from "../../src/apply/services.ts";
import { APPLY } from "../../src/config/defaults.ts";
import { CodexAuthError, type ErrorCode } from "../../src/errors.ts";
import { exposeValues, type ProfileStore } from "../../src/profiles/store.ts";
import { applyWorld, receivedTokens, storedLogin } from "../support/apply-world.ts";
import { enqueueChange } from "../support/change-jobs.ts";
import { enqueueLeased, leased } from "../support/lease-jobs.ts";
import { temporaryFolder } from "../support/temp-folder.ts";
import { storeWith } from "./steps/step-lab.ts";

const [ALICE, BOB, CAROL] = ["openai-codex:alice", "openai-codex:bob", "openai-codex:carol"];
const failure = (code: ErrorCode): CodexAuthError => new CodexAuthError(code, { message: "No.", next: "Nothing." });

async function setUp() {
  const w = applyWorld(await temporaryFolder());
  const logged: unknown[][] = [];
  const note = (...line: unknown[]): void => void logged.push(line);
  const log = Object.assign(Object.create(w.log) as typeof w.log, { error: note, warn: note });
  const reign = { epoch: 7, signal: new AbortController().signal, assertMine: () => Promise.resolve() };
  const drain = (more: Partial<ExecutorServices> = {}): Promise<number> =>
    new Executor({ ...w.services, log, ...more }, reign).drain();
  const notes = async (id: string): Promise<readonly string[]> =>
    (await w.queue.get(id))?.journal.map(({ state, note: said }) =>
      said === undefined ? state : `${state}: ${said}`,
    ) ?? [];
  return { w, logged, drain, notes, order: () => w.readStore().order?.["openai-codex"] };
}

describe("a store that is changed while it is written", () => {
  it("is planned for anew, so many times, and then the login is kept", async () => {
    const { w, drain, notes } = await setUp();
    const before = readFileSync(w.storePath, "utf8");
    const { id } = await w.enqueue(receivedTokens("carol"));
    expect(
      await drain({ store: storeWith(w.store, { apply: () => Promise.reject(failure("ERR_STORE_CONFLICT")) }) }),
    ).toBe(1);
    const again = (await notes(id)).filter((line) => line === "queued: planned again");
    expect(again).toHaveLength(APPLY.replanAttempts);
    expect(readFileSync(w.storePath, "utf8")).toBe(before);
    expect(await w.receipts.get(id)).toMatchObject({ outcome: "parked", problem: { code: "ERR_STORE_CONFLICT" } });
    expect(await w.parked.list()).toMatchObject([{ reason: "store-failed" }]);
  });

  it("is planned for anew and written where that was all", async () => {
    for (const code of ["ERR_STORE_CONFLICT", "ERR_LOCK_LOST"] as const) {
      const { w, drain, notes, order } = await setUp();
      const { id } = await enqueueChange(w, "order", { how: "first" });
      let times = 0;
      const apply: ProfileStore["apply"] = (...args) =>
        (times += 1) === 1 ? Promise.reject(failure(code)) : w.store.apply(...args);
      await drain({ store: storeWith(w.store, { apply }) });
      expect(order()).toEqual([BOB, ALICE]);
      expect(await notes(id)).toContain("queued: planned again");
      expect(await w.receipts.get(id)).toMatchObject({ outcome: "done" });
    }
  });

  it("is no reason to plan anew where it was another error", async () => {
    const { w, drain, notes } = await setUp();
    const { id } = await enqueueChange(w, "order", { how: "first" });
    await drain({ store: storeWith(w.store, { apply: () => Promise.reject(failure("ERR_LOCK_TIMEOUT")) }) });
    expect(await notes(id)).not.toContain("queued: planned again");
    expect(await w.receipts.get(id)).toMatchObject({ outcome: "failed", problem: { code: "ERR_LOCK_TIMEOUT" } });
  });
});

/** A login whose file was written by an executor that went no further. */
async function killedAfterWrite() {
  const s = await setUp();
  const { id } = await s.w.enqueue(receivedTokens("carol", 9_000_000));
  const save = s.w.queue.save.bind(s.w.queue);
  s.w.queue.save = async (job) => {
    await save(job);
    if (job.state === "written") throw failure("ERR_EXECUTOR_FENCED");
  };
  await expect(s.drain()).rejects.toMatchObject({ code: "ERR_EXECUTOR_FENCED" });
  s.w.queue.save = save;
  const put = (entry: Record<string, unknown>): void => {
    const store = s.w.readStore();
    store.profiles[CAROL] = entry;
    writeFileSync(s.w.storePath, JSON.stringify(store));
  };
  return { ...s, id, put };
}

describe("a login that was written, and whose executor was killed before the gateway was told", () => {
  it("is never written over what the gateway has renewed since: its token is used up", async () => {
    const { w, drain, notes, id, put } = await killedAfterWrite();
    const later = storedLogin("carol", 10_000_000);
    put(later);
    expect(await drain()).toBe(1);
    expect(w.readStore().profiles[CAROL]?.["refresh"]).toBe(later.refresh);
    expect(await notes(id)).toContain("activated: a later value of the profile has come meanwhile");
    expect(await w.receipts.get(id)).toMatchObject({ outcome: "done" });
  });

  it("is planned for anew where something else has come", async () => {
    const { w, drain, notes, id, put } = await killedAfterWrite();
    put(storedLogin("dave", 10_000_000));
    expect(await drain()).toBe(1);
    expect(await notes(id)).toContain("queued: planned again");
    expect(w.readStore().profiles[CAROL]).toMatchObject({ email: "carol@example.com" });
  });
});

describe("a job that wrote nothing and cannot go on", () => {
  it("ends failed where there is nothing to keep, and keeps a login", async () => {
    const { w, drain } = await setUp();
    writeFileSync(w.storePath, "{");
    const login = await w.enqueue(receivedTokens("carol"));
    const lease = await enqueueLeased(w, leased("pool"));
    const renewal = await enqueueChange(w, "renew-login", {}, { profileId: ALICE });
    expect(await drain()).toBe(3);
    expect(await w.receipts.get(login.id)).toMatchObject({ outcome: "parked" });
    expect(await w.receipts.get(lease.id)).toMatchObject({ outcome: "failed" });
    expect(await w.receipts.get(renewal.id)).toMatchObject({
      outcome: "failed",
      problem: { code: "ERR_RENEWAL_UNSAFE" },
    });
    expect(await w.parked.list()).toHaveLength(1);
  });

  it("that was given up says so, with the login kept for that reason", async () => {
    const { w, drain } = await setUp();
    const login = await w.enqueue(receivedTokens("carol"));
    const lease = await enqueueLeased(w, leased("pool"));
    for (const { id } of [login, lease]) await w.queue.cancel(id);
    await drain();
    for (const { id } of [login, lease])
      expect(await w.receipts.get(id)).toMatchObject({ outcome: "cancelled", problem: { code: "ERR_CANCELLED" } });
    expect(await w.parked.list()).toMatchObject([{ reason: "cancelled" }]);
    expect(w.readStore().profiles[CAROL]).toBeUndefined();
  });
});

describe("a job that was begun and cannot be planned any more", () => {
  it("is undone where its file was written, and not given up as if it were not", async () => {
    const { w, drain, notes, order } = await setUp();
    const { id } = await enqueueChange(w, "order", { how: "first" });
    w.gateway.restartPossible = false;
    w.gateway.reloadFails = 1;
    await drain();
    expect(await notes(id)).toContain("written");
    expect(order()).toBeUndefined();
    expect(await w.receipts.get(id)).toMatchObject({ outcome: "rolled-back", problem: { code: "ERR_GATEWAY_RPC" } });
  });

  it("is not given up on request once its file is written", async () => {
    const { w, drain, order } = await setUp();
    const made = await enqueueChange(w, "order", { how: "first" });
    await w.queue.cancel(made.id);
    const { plan, values } = await w.store.plan({ profileId: BOB, provider: "openai-codex", order: [BOB, ALICE] });
    const [file] = plan.files;
    const value = values.get(w.storePath);
    if (file === undefined || value === undefined) throw new Error("nothing was planned");
    await w.store.apply(file, value);
    await w.queue.save({ ...made, plan, state: "prepared", mode: "reload", epoch: 3 });
    await w.queue.secrets.put(made.id, { values: exposeValues(values) });
    await drain();
    expect(order()).toEqual([BOB, ALICE]);
    expect(await w.receipts.get(made.id)).toMatchObject({ outcome: "done", interrupted: true });
  });
});

describe("an end that fails", () => {
  it("is left to the next executor, with the job where it stands, and the others are ended", async () => {
    const { w, logged, drain } = await setUp();
    const first = await enqueueChange(w, "order", { how: "first" });
    const second = await w.enqueue(receivedTokens("carol"));
    const put = w.receipts.put.bind(w.receipts);
    w.receipts.put = (receipt) => (receipt.id === first.id ? Promise.reject(failure("ERR_DISK_FULL")) : put(receipt));
    await expect(drain()).rejects.toMatchObject({ code: "ERR_DISK_FULL" });
    expect(await w.queue.get(first.id)).toMatchObject({ state: "verified" });
    expect(await w.queue.get(second.id)).toMatchObject({ state: "done" });
    expect(logged.map(([what]) => what)).toContain("job failed");
    w.receipts.put = put;
    expect(await drain()).toBe(1);
    expect(await w.queue.get(first.id)).toMatchObject({ state: "done" });
  });
});

describe("an executor that another one has replaced", () => {
  it("ends at once, and touches no other job", async () => {
    const { w, drain } = await setUp();
    const first = await enqueueChange(w, "order", { how: "first" });
    const second = await w.enqueue(receivedTokens("carol"));
    const save = w.queue.save.bind(w.queue);
    w.queue.save = (job) =>
      job.id === first.id && job.state === "prepared" ? Promise.reject(failure("ERR_EXECUTOR_FENCED")) : save(job);
    await expect(drain()).rejects.toMatchObject({ code: "ERR_EXECUTOR_FENCED" });
    expect(await w.queue.get(first.id)).toMatchObject({ state: "queued", epoch: 7 });
    expect(await w.receipts.list()).toEqual([]);
    const open = await w.queue.open();
    expect(open.map(({ id, state }) => [id, state])).toContainEqual([second.id, "queued"]);
  });
});

describe("what is old", () => {
  it("is tidied away when the jobs are done, and what stands in the way of that stands in the way of no job", async () => {
    const { w, logged, drain, order } = await setUp();
    const calls: string[] = [];
    const fails = (name: string) => async (): Promise<never> => {
      expect(await w.queue.open()).toEqual([]);
      calls.push(name);
      throw failure("ERR_DISK_FULL");
    };
    w.queue.prune = fails("queue");
    w.receipts.prune = fails("receipts");
    w.parked.sweep = fails("parked");
    w.outbox.sweep = fails("outbox");
    const renewal = { rotations: { prune: fails("rotations"), isBarred: () => Promise.resolve(false) } } as never;
    await enqueueChange(w, "order", { how: "first" });
    expect(await drain({ renewal })).toBe(1);
    expect(calls.toSorted()).toEqual(["outbox", "parked", "queue", "receipts", "rotations"]);
    expect(logged.filter(([what]) => what === "tidy")).toHaveLength(5);
    expect(order()).toEqual([BOB, ALICE]);
  });

  it("is tidied away also where a job could not be ended, and not by an executor whose reign is over", async () => {
    const { w, drain } = await setUp();
    let tidied = 0;
    w.outbox.sweep = async () => void (tidied += 1);
    const [{ queue }, save] = [w, w.queue.save.bind(w.queue)];
    queue.save = () => Promise.reject(failure("ERR_DISK_FULL"));
    await enqueueChange(w, "order", { how: "first" });
    await expect(drain()).rejects.toMatchObject({ code: "ERR_DISK_FULL" });
    expect(tidied).toBe(1);
    queue.save = () => Promise.reject(failure("ERR_EXECUTOR_FENCED"));
    await expect(drain()).rejects.toMatchObject({ code: "ERR_EXECUTOR_FENCED" });
    expect(tidied).toBe(1);
    queue.save = save;
    expect(await drain()).toBe(1);
    expect(tidied).toBe(2);
  });
});

describe("an empty queue", () => {
  it("is drained at once", async () => {
    const { w, drain } = await setUp();
    expect(await drain()).toBe(0);
    expect(w.gateway.calls).toEqual([]);
  });
});
