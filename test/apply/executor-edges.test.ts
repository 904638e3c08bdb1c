// What the executor makes of an error or a kill at each line: which errors lead to a restart, which to an undo, and whose job that is.

import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { ProfileStore } from "../../src/profiles/store.ts";
import { applyWorld, receivedTokens } from "../support/apply-world.ts";
import { enqueueChange } from "../support/change-jobs.ts";
import { enqueueLeased, leased } from "../support/lease-jobs.ts";
import { temporaryFolder } from "../support/temp-folder.ts";
import { drainerOf, fails, failure, killAt } from "./executor-lab.ts";
import { fileChange, storeWith } from "./steps/step-lab.ts";

const [ALICE, BOB, CAROL] = ["openai-codex:alice", "openai-codex:bob", "openai-codex:carol"];

async function setUp() {
  const w = applyWorld(await temporaryFolder());
  const put = (id: string, entry: object): void => {
    const store = w.readStore();
    store.profiles[id] = { ...entry };
    writeFileSync(w.storePath, JSON.stringify(store));
  };
  const notes = async (id: string) => (await w.queue.get(id))?.journal.map(({ note }) => note) ?? [];
  return { w, put, notes, drain: drainerOf(w.services), receipt: (id: string) => w.receipts.get(id) };
}

/** The list of a gateway that does not show what was written until it was restarted. */
function blindUntilRestart(w: Awaited<ReturnType<typeof setUp>>["w"]): void {
  const profiles = w.gateway.profiles.bind(w.gateway);
  w.gateway.profiles = () => (w.gateway.calls.includes("restart") ? profiles() : Promise.resolve([]));
}

describe("a reload that the gateway does not show", () => {
  it("is followed by a restart where that is allowed", async () => {
    const { w, drain, notes, receipt } = await setUp();
    blindUntilRestart(w);
    const { id } = await w.enqueue(receivedTokens("carol"));
    await drain();
    expect(w.gateway.calls).toEqual(["reload", "restart"]);
    expect(await notes(id)).toContain("reload failed (ERR_RELOAD_NOT_SEEN)");
    expect(await receipt(id)).toMatchObject({
      outcome: "done",
      activation: { used: "restart", proven: "listed-by-gateway" },
    });
  });

  it("is undone where only a reload was asked for", async () => {
    const { w, drain, receipt } = await setUp();
    const before = w.readStore();
    blindUntilRestart(w);
    const { id } = await w.enqueue(receivedTokens("carol"), { activation: "reload" });
    await drain();
    expect(w.gateway.calls).toEqual(["reload", "reload"]);
    expect(w.readStore()).toEqual(before);
    expect(await receipt(id)).toMatchObject({ outcome: "rolled-back", problem: { code: "ERR_RELOAD_NOT_SEEN" } });
    expect(await w.parked.list()).toMatchObject([{ reason: "rolled-back" }]);
  });
});

describe("an error after the gateway was told", () => {
  it("that a restart would not mend leads to none: a store that is written back is undone", async () => {
    const { w, drain, notes, receipt } = await setUp();
    w.gateway.writesBack = 99;
    const { id } = await w.enqueue(receivedTokens("carol"));
    await drain();
    expect(w.gateway.calls).not.toContain("restart");
    expect(await notes(id)).not.toContain("planned again");
    expect(await receipt(id)).toMatchObject({ outcome: "rolled-back", problem: { code: "ERR_STORE_CONFLICT" } });
  });
});

describe("a reload that fails", () => {
  it("of a login that is no renewal is followed by a restart at once, also where the gateway is just starting", async () => {
    for (const code of ["ERR_GATEWAY_STARTING", "ERR_GATEWAY_DISAGREES"] as const) {
      const { w, drain, receipt } = await setUp();
      w.gateway.reload = () => (w.gateway.calls.push("reload"), Promise.reject(failure(code)));
      const { id } = await w.enqueue(receivedTokens("carol"));
      await drain();
      expect(w.gateway.calls).toEqual(["reload", "restart"]);
      expect(await w.queue.get(id)).toMatchObject({ repairs: 0, mode: "restart" });
      expect(await receipt(id)).toMatchObject({ outcome: "done" });
    }
  });

  it("leaves the job as it stands where another executor took over just then", async () => {
    const { w, drain, receipt } = await setUp();
    w.gateway.reloadFails = 1;
    const { id } = await w.enqueue(receivedTokens("carol"));
    killAt(w.queue, ({ state, mode }) => state === "written" && mode === "restart", "before");
    await expect(drain()).rejects.toMatchObject({ code: "ERR_EXECUTOR_FENCED" });
    expect(await w.queue.get(id)).toMatchObject({ state: "written", mode: "reload" });
    expect(await receipt(id)).toBeUndefined();
    expect(w.readStore().profiles[CAROL]).toBeDefined();
  });

  it("is told in its own words where it is undone, without those for a renewal", async () => {
    const { w, drain, receipt } = await setUp();
    w.gateway.reloadFails = 1;
    w.gateway.restartPossible = false;
    const { id } = await w.enqueue(receivedTokens("carol"));
    await drain();
    expect((await receipt(id))?.problem).toMatchObject({ code: "ERR_GATEWAY_RPC", next: "Nothing." });
  });
});

describe("a job that is given up", () => {
  it("says why in the words of the error", async () => {
    const { w, drain, receipt } = await setUp();
    const { id } = await w.enqueue(receivedTokens("carol"));
    await drain({ store: storeWith(w.store, { apply: fails("ERR_LOCK_TIMEOUT") }) });
    expect(await receipt(id)).toMatchObject({
      outcome: "parked",
      problem: { code: "ERR_LOCK_TIMEOUT", next: "Nothing." },
    });
  });

  it("may be so before it was planned, although the store happens to hold its very login", async () => {
    const { w, put, drain, receipt } = await setUp();
    const tokens = receivedTokens("carol");
    const { id } = await w.enqueue(tokens);
    const theirs = {
      type: "oauth",
      provider: "openai-codex",
      access: tokens.access.expose(),
      refresh: tokens.refresh.expose(),
      expires: tokens.expiresAtMs,
    };
    put(CAROL, theirs);
    await w.queue.cancel(id);
    await drain();
    expect(await receipt(id)).toMatchObject({ outcome: "cancelled", problem: { code: "ERR_CANCELLED" } });
    expect(w.readStore().profiles[CAROL]).toEqual(theirs);
  });

  it("is not, once its login is in the store, in whatever form somebody has put it there", async () => {
    const { w, put, drain, receipt } = await setUp();
    const tokens = receivedTokens("carol");
    const { id } = await w.enqueue(tokens);
    const revive = killAt(w.queue, ({ state }) => state === "written", "before");
    await expect(drain()).rejects.toMatchObject({ code: "ERR_EXECUTOR_FENCED" });
    revive();
    expect(await w.queue.get(id)).toMatchObject({ state: "prepared" });
    put(CAROL, { ...w.readStore().profiles[CAROL], displayName: "Carol" });
    await w.queue.cancel(id);
    await drain();
    expect(await receipt(id)).toMatchObject({ outcome: "done" });
    expect(w.readStore().profiles[CAROL]).toMatchObject({ refresh: tokens.refresh.expose() });
    expect(await w.parked.list()).toEqual([]);
  });

  it("is one that wrote nothing, also where a file of its plan was not to change", async () => {
    const { w, drain, receipt } = await setUp();
    const before = readFileSync(w.storePath, "utf8");
    const plan: ProfileStore["plan"] = async (...args) => {
      const planned = await w.store.plan(...args);
      const [file] = planned.plan.files;
      if (file === undefined) throw new Error("nothing was planned");
      const unchanged = fileChange({ path: w.storePath, profileId: ALICE, before: "same", after: "same" });
      return { ...planned, plan: { ...planned.plan, files: [file, unchanged] } };
    };
    const check: ProfileStore["check"] = (file) =>
      file.before === file.after ? Promise.resolve("after") : w.store.check(file);
    const { id } = await w.enqueue(receivedTokens("carol"));
    await drain({ store: storeWith(w.store, { plan, check, apply: fails("ERR_LOCK_TIMEOUT") }) });
    expect(await receipt(id)).toMatchObject({ outcome: "parked", problem: { code: "ERR_LOCK_TIMEOUT" } });
    expect(readFileSync(w.storePath, "utf8")).toBe(before);
  });
});

describe("jobs beside one that cannot be taken over", () => {
  it("have their restart, and that one stays where it stands", async () => {
    const { w, drain, receipt } = await setUp();
    const stuck = await w.enqueue(receivedTokens("carol"), { activation: "restart" });
    await w.queue.save({ ...stuck, createdAt: 1 });
    const revive = killAt(w.queue, ({ state }) => state === "written");
    await expect(drain()).rejects.toMatchObject({ code: "ERR_EXECUTOR_FENCED" });
    revive();
    const other = await w.enqueue(receivedTokens("dave"), { profileId: "openai-codex:dave", activation: "restart" });
    const save = w.queue.save.bind(w.queue);
    let refusals = 1;
    w.queue.save = (job) =>
      job.id === stuck.id && refusals-- > 0 ? Promise.reject(failure("ERR_DISK_FULL")) : save(job);
    await expect(drain()).rejects.toMatchObject({ code: "ERR_DISK_FULL" });
    expect(await w.queue.get(stuck.id)).toMatchObject({ state: "written" });
    expect(await w.queue.get(other.id)).toMatchObject({ state: "done" });
    expect(w.gateway.calls).toEqual(["restart"]);
    expect(await drain()).toBe(1);
    expect(await receipt(stuck.id)).toMatchObject({ outcome: "done" });
  });

  it("are undone, and that one stays where it stands, to be undone by the next", async () => {
    const { w, drain, receipt } = await setUp();
    w.gateway.restartFails = 1;
    const stuck = await w.enqueue(receivedTokens("carol"), { activation: "restart" });
    const revive = killAt(w.queue, ({ state }) => state === "rolling-back");
    await expect(drain()).rejects.toMatchObject({ code: "ERR_EXECUTOR_FENCED" });
    revive();
    const save = w.queue.save.bind(w.queue);
    let refusals = 1;
    w.queue.save = (job) =>
      job.id === stuck.id && refusals-- > 0 ? Promise.reject(failure("ERR_DISK_FULL")) : save(job);
    await expect(drain()).rejects.toMatchObject({ code: "ERR_DISK_FULL" });
    expect(await w.queue.get(stuck.id)).toMatchObject({ state: "rolling-back" });
    expect(await receipt(stuck.id)).toBeUndefined();
    expect(await drain()).toBe(1);
    expect(await receipt(stuck.id)).toMatchObject({
      outcome: "rolled-back",
      problem: { code: "ERR_GATEWAY_UNHEALTHY" },
    });
  });
});

describe("jobs about one profile that wait for a restart", () => {
  it("do not wait for each other: one restart is for both", async () => {
    const { w, drain } = await setUp();
    for (const how of ["first", "only"] as const) await enqueueChange(w, "order", { how }, { activation: "restart" });
    expect(await drain()).toBe(2);
    expect(w.gateway.calls).toEqual(["restart"]);
    expect(w.readStore().order?.["openai-codex"]).toEqual([BOB]);
  });
});

describe("a job whose gateway needs nothing", () => {
  it("goes on from its write to its end where it was killed between", async () => {
    const { w, drain, receipt } = await setUp();
    const { id } = await w.enqueue(receivedTokens("carol"), { activation: "none" });
    const revive = killAt(w.queue, ({ state }) => state === "written");
    await expect(drain()).rejects.toMatchObject({ code: "ERR_EXECUTOR_FENCED" });
    revive();
    // Nothing is to be written any more.
    expect(await drain({ store: storeWith(w.store, { apply: fails("ERR_FILE_UNWRITABLE") }) })).toBe(1);
    expect(w.gateway.calls).toEqual([]);
    expect(await receipt(id)).toMatchObject({ outcome: "done", activation: { used: "none" } });
  });
});

describe("what onlookers are told", () => {
  it("is that it is written, then reloaded, then looked at", async () => {
    const { w, drain } = await setUp();
    await w.enqueue(receivedTokens("carol"));
    const steps: (string | undefined)[] = [];
    const save = w.queue.save.bind(w.queue);
    w.queue.save = async (job) => {
      await save(job);
      if (job.progress?.step !== steps.at(-1)) steps.push(job.progress?.step);
    };
    await drain();
    expect(steps).toEqual(["writing", "reloading", "checking"]);
  });
});

describe("a leased credential that waits behind a newer one", () => {
  it("is carried out where that one is for another profile", async () => {
    const { w, drain, receipt } = await setUp();
    const older = await enqueueLeased(w, leased("one"));
    await w.queue.save({ ...older, createdAt: 1 });
    await enqueueLeased(w, leased("two"), { profileId: "openai-codex:other" });
    await drain();
    expect(await receipt(older.id)).toMatchObject({ outcome: "done" });
  });

  it("is carried out where that one was given up", async () => {
    const { w, drain, receipt } = await setUp();
    const older = await enqueueLeased(w, leased("one"));
    const newer = await enqueueLeased(w, leased("two"));
    await w.queue.save({ ...older, createdAt: 1 });
    await w.queue.cancel(newer.id);
    await drain();
    expect(await receipt(older.id)).toMatchObject({ outcome: "done" });
    expect(await receipt(newer.id)).toMatchObject({ outcome: "cancelled" });
  });

  it("gives way to it otherwise, with a note and without a write", async () => {
    const { w, drain, receipt } = await setUp();
    const older = await enqueueLeased(w, leased("one"));
    await w.queue.save({ ...older, createdAt: 1 });
    const between = await enqueueChange(w, "order", { how: "first" });
    await w.queue.save({ ...between, createdAt: 2 });
    const newer = await enqueueLeased(w, leased("two"));
    await drain();
    expect(await receipt(older.id)).toMatchObject({ outcome: "cancelled", files: [] });
    expect((await w.queue.get(older.id))?.note).toBe("A newer leased credential took its place.");
    expect(await receipt(newer.id)).toMatchObject({ outcome: "done" });
  });
});
