// Jobs that were killed right after their write: made once more, under the locks of their kind, and without asking anybody again.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { storeTokens } from "../../src/apply/parked.ts";
import type { RenewalPort } from "../../src/apply/renewal.ts";
import { Rotations } from "../../src/apply/rotations.ts";
import { ownPaths } from "../../src/config/paths.ts";
import type { ProfileStore } from "../../src/profiles/store.ts";
import { fingerprint } from "../../src/secrets/fingerprint.ts";
import { applyWorld, receivedTokens } from "../support/apply-world.ts";
import { enqueueChange } from "../support/change-jobs.ts";
import { temporaryFolder } from "../support/temp-folder.ts";
import { drainerOf, fails, killAt } from "./executor-lab.ts";
import { storeWith } from "./steps/step-lab.ts";

const [ALICE, CAROL] = ["openai-codex:alice", "openai-codex:carol"];

async function setUp() {
  const folder = await temporaryFolder();
  const renewal: RenewalPort = {
    renew: fails("ERR_RENEWAL_REFUSED"),
    clientId: "ours",
    rotations: new Rotations({ folder: ownPaths(join(folder, ".openclaw")).rotations, now: Date.now }),
    elsewhere: () => Promise.resolve([]),
  };
  const w = applyWorld(folder, { renewal });
  const drain = drainerOf(w.services);
  /** The store, with a note of each time that all locks of a profile are taken at once. */
  const held: string[] = [];
  const holding: ProfileStore["holding"] = (target, body, options) => {
    if (w.store.holding === undefined) throw new Error("There are no locks to hold.");
    held.push(target.profileId);
    return w.store.holding(target, body, options);
  };
  const killWritten = async (): Promise<void> => {
    const revive = killAt(w.queue, ({ state }) => state === "written");
    await expect(drain()).rejects.toMatchObject({ code: "ERR_EXECUTOR_FENCED" });
    revive();
  };
  /** A renewal of alice's login, whose answer is on disk. */
  const renew = async () => {
    const job = await enqueueChange(w, "renew-login", {}, { profileId: ALICE });
    const came = receivedTokens("alice");
    const presented = fingerprint(String(w.readStore().profiles[ALICE]?.["refresh"]));
    await w.queue.secrets.put(job.id, { login: storeTokens(came), presented });
    return { job, came };
  };
  return { w, drain, held, killWritten, renew, store: storeWith(w.store, { holding }) };
}

describe("a job that was killed after its write", () => {
  it("takes all locks at once where it is a renewal", async () => {
    const { w, drain, held, killWritten, renew, store } = await setUp();
    const { job } = await renew();
    await killWritten();
    expect(await drain({ store })).toBe(1);
    expect(held).toEqual([ALICE]);
    expect(await w.receipts.get(job.id)).toMatchObject({ outcome: "done" });
  });

  it("takes those of its own files only where it is none: others may renew meanwhile", async () => {
    const { w, drain, held, killWritten, store } = await setUp();
    const { id } = await w.enqueue(receivedTokens("carol"));
    await killWritten();
    expect(await drain({ store })).toBe(1);
    expect(held).toEqual([]);
    expect(w.gateway.calls).toEqual(["reload"]);
    expect(await w.receipts.get(id)).toMatchObject({ outcome: "done" });
  });

  it("is written again where the gateway has put its memory back, whoever may not have it done any more", async () => {
    const { w, drain, killWritten } = await setUp();
    const before = readFileSync(w.storePath, "utf8");
    const { id } = await w.enqueue(receivedTokens("carol"));
    await killWritten();
    writeFileSync(w.storePath, before);
    expect(await drain({ mayStill: () => false })).toBe(1);
    expect(w.readStore().profiles[CAROL]).toMatchObject({ email: "carol@example.com" });
    expect(await w.receipts.get(id)).toMatchObject({ outcome: "done", activation: { used: "reload" } });
    expect(w.gateway.calls).toEqual(["reload"]);
  });
});

describe("a renewal before a younger job about its profile", () => {
  it("is told before that one's restart, with a third job behind them", async () => {
    const { w, drain, renew } = await setUp();
    const { job } = await renew();
    await w.queue.save({ ...job, createdAt: 1 });
    const younger = await enqueueChange(w, "order", { how: "first" }, { profileId: ALICE, activation: "restart" });
    await w.queue.save({ ...younger, createdAt: 2 });
    await w.enqueue(receivedTokens("carol"), { activation: "restart" });
    expect(await drain()).toBe(3);
    expect(w.gateway.calls).toEqual(["reload", "restart"]);
  });
});

describe("the number of jobs that were ended", () => {
  it("has each of them once, also one that takes another round", async () => {
    const { w, drain, renew } = await setUp();
    const older = await enqueueChange(w, "order", { how: "first" }, { profileId: ALICE, activation: "restart" });
    await w.queue.save({ ...older, createdAt: 1 });
    const { job, came } = await renew();
    // It has to wait for the older one's restart, and then for one of its own.
    w.gateway.reloadFails = 9;
    expect(await drain()).toBe(2);
    expect(w.gateway.calls).toEqual(["restart", "reload", "restart"]);
    expect(await w.receipts.get(job.id)).toMatchObject({ outcome: "done", activation: { used: "restart" } });
    expect(w.readStore().profiles[ALICE]).toMatchObject({ refresh: came.refresh.expose() });
  });
});
