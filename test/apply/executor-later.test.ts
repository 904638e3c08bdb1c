// Logins that meet a later one of the same person before their job says that they were written; and what the log says of a failure.

import { writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { APPLY } from "../../src/config/defaults.ts";
import { applyWorld, receivedTokens, storedLogin } from "../support/apply-world.ts";
import { enqueueChange } from "../support/change-jobs.ts";
import { temporaryFolder } from "../support/temp-folder.ts";
import { drainerOf, fails, failure, killAt } from "./executor-lab.ts";
import { storeWith } from "./steps/step-lab.ts";

const [ALICE, CAROL] = ["openai-codex:alice", "openai-codex:carol"];
const DAY = 86_400_000;

async function setUp() {
  const w = applyWorld(await temporaryFolder());
  const logged: unknown[][] = [];
  const note = (...line: unknown[]): void => void logged.push(line);
  const log = Object.assign(Object.create(w.log) as typeof w.log, { error: note });
  const put = (id: string, entry: object): void => {
    const store = w.readStore();
    store.profiles[id] = { ...entry };
    writeFileSync(w.storePath, JSON.stringify(store));
  };
  return { w, logged, put, drain: drainerOf({ ...w.services, log }) };
}

describe("a login", () => {
  it("that was written without a word of it, and renewed by the gateway since, is not put back", async () => {
    const { w, put, drain } = await setUp();
    const { id } = await w.enqueue(receivedTokens("carol"));
    const revive = killAt(w.queue, ({ state }) => state === "written", "before");
    await expect(drain()).rejects.toMatchObject({ code: "ERR_EXECUTOR_FENCED" });
    revive();
    expect((await w.queue.get(id))?.journal.map(({ state }) => state)).toEqual(["queued", "prepared"]);
    const later = storedLogin("carol", Date.now() + 99 * DAY);
    put(CAROL, later);
    await drain();
    expect(w.readStore().profiles[CAROL]).toEqual(later);
    expect(await w.receipts.get(id)).toMatchObject({ outcome: "done" });
    expect(await w.parked.list()).toEqual([]);
  });

  it("that could not even be planned is kept, although a later one of the same person is there", async () => {
    const { w, put, drain } = await setUp();
    const theirs = storedLogin("alice", Date.now() + 99 * DAY);
    put(ALICE, theirs);
    const { id } = await w.enqueue(receivedTokens("alice"), { profileId: ALICE });
    await drain({ store: storeWith(w.store, { plan: fails("ERR_STORE_CONFLICT") }) });
    const journal = (await w.queue.get(id))?.journal ?? [];
    expect(journal.filter(({ note }) => note === "planned again")).toHaveLength(APPLY.replanAttempts);
    expect(await w.receipts.get(id)).toMatchObject({ outcome: "parked", problem: { code: "ERR_STORE_CONFLICT" } });
    expect(w.readStore().profiles[ALICE]).toEqual(theirs);
  });
});

describe("a job that could not be taken over", () => {
  it("is not worked on in that round: its record carries the epoch of another executor", async () => {
    const { w, drain } = await setUp();
    const stuck = await enqueueChange(w, "order", { how: "first" });
    const other = await w.enqueue(receivedTokens("carol"));
    const save = w.queue.save.bind(w.queue);
    let refusals = 1;
    w.queue.save = (job) =>
      job.id === stuck.id && refusals-- > 0 ? Promise.reject(failure("ERR_DISK_FULL")) : save(job);
    await expect(drain()).rejects.toMatchObject({ code: "ERR_DISK_FULL" });
    expect(await w.queue.get(stuck.id)).toEqual(stuck);
    expect(await w.queue.get(other.id)).toMatchObject({ state: "done", epoch: 7 });
    expect(await drain()).toBe(1);
    expect(await w.queue.get(stuck.id)).toMatchObject({ state: "done", epoch: 7 });
  });
});

describe("the log", () => {
  it("names the job and where it stood when a step of it failed", async () => {
    const { w, logged, drain } = await setUp();
    const error = failure("ERR_LOCK_TIMEOUT");
    const { id } = await enqueueChange(w, "order", { how: "first" });
    await drain({ store: storeWith(w.store, { apply: () => Promise.reject(error) }) });
    expect(logged).toEqual([["step failed", error, { job: id, state: "prepared" }]]);
  });

  it("names the job that stays as it is, and where it stands", async () => {
    const { w, logged, drain } = await setUp();
    const { id } = await enqueueChange(w, "order", { how: "first" });
    const error = failure("ERR_PERMISSION_UNKNOWN");
    await expect(drain({ mayStill: () => Promise.reject(error) })).rejects.toMatchObject({
      code: "ERR_PERMISSION_UNKNOWN",
    });
    expect(logged).toMatchObject([["job failed", { code: "ERR_PERMISSION_UNKNOWN" }, { job: id, state: "queued" }]]);
  });
});
