// Jobs that change a profile that is there: what they leave in the store, what they keep, and what they never touch.

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { openCredential, unsealEntry } from "../../src/profiles/profile.ts";
import { loginPrint } from "../../src/profiles/same-login.ts";
import { applyWorld, receivedTokens, REQUESTED_BY, storedLogin } from "../support/apply-world.ts";
import { enqueueChange } from "../support/change-jobs.ts";
import { enqueueLeased, leased } from "../support/lease-jobs.ts";
import { temporaryFolder } from "../support/temp-folder.ts";

const world = async () => applyWorld(await temporaryFolder());
type World = Awaited<ReturnType<typeof world>>;
const [ALICE, BOB] = ["openai-codex:alice", "openai-codex:bob"] as const;
const statePath = (w: World): string => join(dirname(w.storePath), "auth-state.json");
const read = (path: string) => JSON.parse(readFileSync(path, "utf8")) as Record<string, Record<string, unknown>>;

function change(w: World, edit: (store: Record<string, unknown> & ReturnType<World["readStore"]>) => void): void {
  const store = w.readStore();
  edit(store);
  writeFileSync(w.storePath, JSON.stringify(store));
}

function withHelper(w: World, store: object): string {
  const stateDir = join(dirname(w.storePath), "..", "..", "..");
  const path = join(stateDir, "agents", "helper", "agent", "auth-profiles.json");
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, JSON.stringify({ version: 1, ...store }));
  const config = { agents: { list: [{ id: "main" }, { id: "helper" }] } };
  writeFileSync(join(stateDir, "openclaw.json"), JSON.stringify(config));
  return path;
}

describe("a change of the order", () => {
  it("puts a profile first and keeps the others behind it", async () => {
    const w = await world();
    change(w, (store) => (store.order = { "openai-codex": [ALICE, BOB], anthropic: ["anthropic:x"] }));
    const before = w.readStore();
    const job = await enqueueChange(w, "order", { how: "first" });
    expect(await w.drain()).toBe(1);
    const after = w.readStore();
    expect(after).toEqual({ ...before, order: { "openai-codex": [BOB, ALICE], anthropic: ["anthropic:x"] } });
    expect(w.gateway.calls).toEqual(["reload"]);
    expect(await w.receipts.get(job.id)).toMatchObject({
      kind: "order",
      how: "first",
      outcome: "done",
      order: { written: [BOB, ALICE], wasImplicit: false },
      files: [{ orderBefore: [ALICE, BOB], orderAfter: [BOB, ALICE] }],
      activation: { used: "reload", proven: "reloaded" },
    });
    expect(await w.outbox.list("telegram")).toMatchObject([{ address: REQUESTED_BY, content: { receiptId: job.id } }]);
  });

  it("says where none was written down before, and makes one profile the only one", async () => {
    const w = await world();
    const job = await enqueueChange(w, "order", { how: "only" });
    await w.drain();
    expect(w.readStore().order).toEqual({ "openai-codex": [BOB] });
    expect(await w.receipts.get(job.id)).toMatchObject({ order: { wasImplicit: true } });
  });

  it("goes to auth-state.json where OpenClaw keeps it there", async () => {
    const w = await world();
    const state = { version: 1, order: { "openai-codex": [ALICE, BOB] }, lastGood: { "openai-codex": ALICE } };
    writeFileSync(statePath(w), JSON.stringify(state));
    const before = readFileSync(w.storePath, "utf8");
    await enqueueChange(w, "order", { how: "first" });
    await w.drain();
    expect(read(statePath(w))).toEqual({ ...state, order: { "openai-codex": [BOB, ALICE] } });
    expect(readFileSync(w.storePath, "utf8")).toBe(before);
  });

  it("changes nothing where it is so already, and fails where the profile is gone", async () => {
    const w = await world();
    change(w, (store) => (store.order = { "openai-codex": [BOB, ALICE] }));
    const before = readFileSync(w.storePath, "utf8");
    const same = await enqueueChange(w, "order", { how: "first" });
    const gone = await enqueueChange(w, "order", { how: "first" }, { profileId: "openai-codex:nobody" });
    await w.drain();
    expect(readFileSync(w.storePath, "utf8")).toBe(before);
    expect(w.gateway.calls).toEqual([]);
    expect((await w.receipts.get(same.id))?.note).toContain("nothing was changed");
    expect(await w.receipts.get(gone.id)).toMatchObject({
      outcome: "failed",
      problem: { code: "ERR_PROFILE_UNKNOWN" },
    });
  });

  it("is one job for one confirmation", async () => {
    const w = await world();
    const jobs = [];
    for (let press = 0; press < 3; press += 1)
      jobs.push(await enqueueChange(w, "order", { how: "first" }, { requestId: "the-same" }));
    expect(new Set(jobs.map(({ id }) => id)).size).toBe(1);
    expect(await w.drain()).toBe(1);
  });

  it("that a later one has replaced before a shared restart stays replaced", async () => {
    const w = await world();
    change(w, (store) => (store.order = { "openai-codex": [ALICE, BOB] }));
    const first = await enqueueChange(w, "order", { how: "first" }, { activation: "restart" });
    const second = await enqueueChange(w, "order", { how: "first" }, { activation: "restart", profileId: ALICE });
    await w.drain();
    expect(w.readStore().order).toEqual({ "openai-codex": [ALICE, BOB] });
    expect(w.gateway.calls).toEqual(["restart"]);
    for (const { id } of [first, second]) expect(await w.receipts.get(id)).toMatchObject({ outcome: "done" });
  });

  it("is patched again where the gateway writes its old snapshot back, and undone where it does not come back", async () => {
    const w = await world();
    change(w, (store) => (store.order = { "openai-codex": [ALICE, BOB] }));
    await w.gateway.reload();
    w.gateway.writesBack = 1;
    await enqueueChange(w, "order", { how: "first" });
    await w.drain();
    expect(w.readStore().order).toEqual({ "openai-codex": [BOB, ALICE] });
    w.gateway.restartFails = 1;
    const job = await enqueueChange(w, "order", { how: "first" }, { profileId: ALICE, activation: "restart" });
    await w.drain();
    expect(w.readStore().order).toEqual({ "openai-codex": [BOB, ALICE] });
    expect(await w.receipts.get(job.id)).toMatchObject({ outcome: "rolled-back" });
  });
});

describe("a removal", () => {
  it("takes the profile and its place away and keeps its login, which goes back to the letter", async () => {
    const w = await world();
    change(w, (store) => (store.order = { "openai-codex": [BOB, ALICE] }));
    const before = w.readStore();
    const job = await enqueueChange(w, "remove-profile", {});
    await w.drain();
    const after = w.readStore();
    expect(Object.keys(after.profiles)).toEqual([ALICE, "anthropic:x"]);
    expect(after.order).toEqual({ "openai-codex": [ALICE] });
    const receipt = await w.receipts.get(job.id);
    expect(receipt).toMatchObject({ outcome: "done", activation: { proven: "listed-by-gateway" } });
    const [parked] = await w.parked.list();
    expect(parked).toMatchObject({
      id: receipt?.parkedId,
      reason: "removed",
      profileId: BOB,
      email: "bob@example.com",
    });
    expect(readdirSync(join(w.paths.queue, "secrets"))).toEqual([]);

    const wanted = { wantedOrder: [BOB, ALICE], undoes: job.id, makeFirst: false };
    const { job: back } = await w.queue.enqueueLogin({
      parkedId: parked?.id ?? "",
      agentId: "main",
      profileId: BOB,
      activation: "auto",
      requestedBy: REQUESTED_BY,
      ...wanted,
    });
    await w.drain();
    expect(w.readStore()).toEqual(before);
    expect(await w.parked.list()).toEqual([]);
    expect(await w.receipts.get(back.id)).toMatchObject({ outcome: "done", undoes: job.id });
  });

  it("keeps the very tokens that lie there by then, also each of two copies", async () => {
    const w = await world();
    const twin = storedLogin("bob");
    const path = withHelper(w, { profiles: { [BOB]: twin, "openai-codex:own": storedLogin("own") } });
    await enqueueChange(w, "remove-profile", {});
    const renewed = { ...storedLogin("bob"), renewed: true };
    change(w, (store) => (store.profiles[BOB] = renewed));
    await w.drain();
    expect(w.readStore().profiles[BOB]).toBeUndefined();
    expect(Object.keys(read(path)["profiles"] ?? {})).toEqual(["openai-codex:own"]);
    const kept = await Promise.all((await w.parked.list()).map(({ id }) => w.parked.tokens(id)));
    expect(kept.map((tokens) => tokens?.entry && unsealEntry(tokens.entry))).toEqual(
      expect.arrayContaining([renewed, twin]),
    );
    expect(kept).toHaveLength(2);
  });

  it("keeps a key and a bare token too, and an entry that nobody can read goes without", async () => {
    const w = await world();
    const key = { type: "api_key", provider: "openai-codex", key: "k", extra: [1] };
    change(w, (store) => (store.profiles["openai-codex:key"] = key));
    change(w, (store) => (store.profiles["openai-codex:odd"] = { type: "novel", provider: "openai-codex" }));
    await enqueueChange(w, "remove-profile", {}, { profileId: "openai-codex:key" });
    await enqueueChange(w, "remove-profile", {}, { profileId: "openai-codex:odd" });
    await w.drain();
    expect(Object.keys(w.readStore().profiles)).toEqual([ALICE, BOB, "anthropic:x"]);
    const [parked, ...more] = await w.parked.list();
    expect(more).toEqual([]);
    const { job } = await w.queue.enqueueLogin({
      parkedId: parked?.id ?? "",
      agentId: "main",
      profileId: "openai-codex:key",
      makeFirst: false,
      activation: "auto",
      requestedBy: REQUESTED_BY,
    });
    await w.drain();
    expect(await w.receipts.get(job.id)).toMatchObject({ outcome: "done" });
    expect(w.readStore().profiles["openai-codex:key"]).toEqual(key);
  });

  it("takes out what the gateway renewed out of its memory meanwhile, and keeps that", async () => {
    const w = await world();
    const renewed = { ...storedLogin("bob"), note: "renewed" };
    const reload = w.gateway.reload.bind(w.gateway);
    let isFirst = true;
    w.gateway.reload = async () => {
      const result = await reload();
      if (isFirst) change(w, (store) => (store.profiles[BOB] = renewed));
      isFirst = false;
      return result;
    };
    const job = await enqueueChange(w, "remove-profile", {});
    await w.drain();
    expect(await w.receipts.get(job.id)).toMatchObject({ outcome: "done" });
    expect(w.readStore().profiles[BOB]).toBeUndefined();
    const kept = await w.parked.tokens((await w.receipts.get(job.id))?.parkedId ?? "");
    expect(kept?.refresh.expose()).toBe(renewed.refresh);
  });

  it("parks nothing where it was rolled back", async () => {
    const w = await world();
    const before = w.readStore();
    w.gateway.restartFails = 1;
    const job = await enqueueChange(w, "remove-profile", {}, { activation: "restart" });
    await w.drain();
    expect(w.readStore()).toEqual(before);
    expect(await w.receipts.get(job.id)).toMatchObject({ outcome: "rolled-back" });
    expect(await w.parked.list()).toEqual([]);
  });

  it("does not take another login than the one that was shown; a renewal is the same one", async () => {
    const w = await world();
    const stored = await w.services.store.readCredential(BOB);
    const previewed = loginPrint(stored === undefined ? undefined : openCredential(stored.credential));
    change(w, (store) => (store.profiles[BOB] = storedLogin("carol")));
    const other = await enqueueChange(w, "remove-profile", {}, { previewed });
    await w.drain();
    expect(w.readStore().profiles[BOB]).toBeDefined();
    expect(await w.receipts.get(other.id)).toMatchObject({ problem: { code: "ERR_IDENTITY_CHANGED" } });
    change(w, (store) => (store.profiles[BOB] = storedLogin("bob", Date.now() + 1_000_000)));
    await enqueueChange(w, "remove-profile", {}, { previewed });
    await w.drain();
    expect(w.readStore().profiles[BOB]).toBeUndefined();
  });

  it("leaves what others keep: another program's, and the lease's under any id", async () => {
    const w = await world();
    change(w, (store) => (store.profiles[BOB] = { ...storedLogin("bob"), managedBy: "codex-cli" }));
    await enqueueLeased(w, leased("pool"), { profileId: "openai-codex:shared" });
    await w.drain();
    const before = readFileSync(w.storePath, "utf8");
    const jobs = [
      await enqueueChange(w, "remove-profile", {}),
      await enqueueChange(w, "rename-profile", { to: "openai-codex:mine" }),
      await enqueueChange(w, "remove-profile", {}, { profileId: "openai-codex:shared" }),
    ];
    await w.drain();
    expect(readFileSync(w.storePath, "utf8")).toBe(before);
    for (const { id } of jobs)
      expect(await w.receipts.get(id)).toMatchObject({ outcome: "failed", problem: { code: "ERR_PROFILE_MANAGED" } });
  });
});

describe("a new name", () => {
  const NEW = "openai-codex:robert";

  it("moves the entry, its place, its notes and whatever else names it, in both files", async () => {
    const w = await world();
    const stats = { lastUsed: 5, errorCount: 1 };
    change(w, (store) => (store["lastGood"] = { "openai-codex": BOB, anthropic: "anthropic:x" }));
    const state = {
      version: 1,
      order: { "openai-codex": [BOB, ALICE] },
      lastGood: { "openai-codex": BOB },
      usageStats: { [BOB]: stats, [ALICE]: { lastUsed: 1 } },
    };
    writeFileSync(statePath(w), JSON.stringify(state));
    const before = w.readStore();
    const job = await enqueueChange(w, "rename-profile", { to: NEW });
    await w.drain();
    expect(await w.receipts.get(job.id)).toMatchObject({
      outcome: "done",
      renamedTo: NEW,
      removedCopies: [],
      activation: { proven: "listed-by-gateway" },
    });
    const after = w.readStore();
    expect(Object.keys(after.profiles)).toEqual([ALICE, NEW, "anthropic:x"]);
    expect(after.profiles[NEW]).toEqual(before.profiles[BOB]);
    expect(after).toMatchObject({
      lastGood: { "openai-codex": NEW, anthropic: "anthropic:x" },
      custom: { kept: true },
    });
    expect(read(statePath(w))).toEqual({
      version: 1,
      order: { "openai-codex": [NEW, ALICE] },
      lastGood: { "openai-codex": NEW },
      usageStats: { [NEW]: stats, [ALICE]: { lastUsed: 1 } },
    });
  });

  it("reaches other agents' copies and orders, and leaves another person's login of that name", async () => {
    const w = await world();
    const path = withHelper(w, { profiles: { [BOB]: w.readStore().profiles[BOB] }, order: { "openai-codex": [BOB] } });
    await enqueueChange(w, "rename-profile", { to: NEW });
    await w.drain();
    expect(read(path)).toMatchObject({ profiles: { [NEW]: {} }, order: { "openai-codex": [NEW] } });
    expect(read(path)["profiles"]?.[BOB]).toBeUndefined();

    const v = await world();
    const other = withHelper(v, { profiles: { [BOB]: storedLogin("dora") }, order: { "openai-codex": [BOB] } });
    const before = readFileSync(other, "utf8");
    await enqueueChange(v, "rename-profile", { to: NEW });
    await v.drain();
    expect(v.readStore().profiles[NEW]).toBeDefined();
    expect(readFileSync(other, "utf8")).toBe(before);

    const u = await world();
    const inherits = withHelper(u, { profiles: {}, order: { "openai-codex": [BOB, ALICE] } });
    await enqueueChange(u, "rename-profile", { to: NEW });
    await u.drain();
    expect(read(inherits)["order"]).toEqual({ "openai-codex": [NEW, ALICE] });
  });

  it("that is taken, in whichever agent, is refused", async () => {
    const w = await world();
    const path = withHelper(w, { profiles: { [NEW]: storedLogin("dora") } });
    const before = [readFileSync(path, "utf8"), readFileSync(w.storePath, "utf8")];
    const jobs = [
      await enqueueChange(w, "rename-profile", { to: NEW }),
      await enqueueChange(w, "rename-profile", { to: ALICE }),
    ];
    await w.drain();
    for (const { id } of jobs)
      expect(await w.receipts.get(id)).toMatchObject({ outcome: "failed", problem: { code: "ERR_PROFILE_EXISTS" } });
    expect([readFileSync(path, "utf8"), readFileSync(w.storePath, "utf8")]).toEqual(before);
  });

  it("takes tokens along that were renewed on the way, and is undone in every file", async () => {
    const w = await world();
    const path = withHelper(w, { profiles: { [BOB]: w.readStore().profiles[BOB] } });
    const before = [read(path), w.readStore()];
    w.gateway.restartFails = 1;
    const job = await enqueueChange(w, "rename-profile", { to: NEW }, { activation: "restart" });
    await w.drain();
    expect(await w.receipts.get(job.id)).toMatchObject({ outcome: "rolled-back" });
    expect([read(path), w.readStore()]).toEqual(before);
  });
});

describe("a reset", () => {
  const failed = { cooldownUntil: 9e12, cooldownReason: "rate_limit", failureCounts: { rate_limit: 2 }, errorCount: 2 };

  it("makes OpenClaw forget the failures and nothing else, and can be taken back", async () => {
    const w = await world();
    const state = {
      version: 1,
      usageStats: { [BOB]: { lastUsed: 5, ...failed }, [ALICE]: { lastUsed: 1, ...failed } },
    };
    writeFileSync(statePath(w), JSON.stringify(state));
    const store = readFileSync(w.storePath, "utf8");
    const job = await enqueueChange(w, "reset-profile", {});
    await w.drain();
    expect(read(statePath(w))["usageStats"]).toEqual({
      [BOB]: { lastUsed: 5, errorCount: 0 },
      [ALICE]: { lastUsed: 1, ...failed },
    });
    expect(readFileSync(w.storePath, "utf8")).toBe(store);
    const receipt = await w.receipts.get(job.id);
    expect(receipt).toMatchObject({ outcome: "done", files: [{ notes: { before: failed, after: {} } }] });
    await enqueueChange(w, "reset-profile", { wantedNotes: { [w.storePath]: failed } });
    await w.drain();
    expect(read(statePath(w))["usageStats"]?.[BOB]).toEqual({ lastUsed: 5, ...failed });
  });

  it("stands where the profile fails anew right afterwards", async () => {
    const w = await world();
    change(w, (store) => (store["usageStats"] = { [BOB]: failed }));
    const reload = w.gateway.reload.bind(w.gateway);
    w.gateway.reload = async () => {
      const result = await reload();
      change(w, (store) => (store["usageStats"] = { [BOB]: { ...failed, cooldownUntil: 9.1e12 } }));
      return result;
    };
    const job = await enqueueChange(w, "reset-profile", {});
    await w.drain();
    expect(w.gateway.calls).toEqual(["reload"]);
    expect(await w.receipts.get(job.id)).toMatchObject({ outcome: "done" });
  });

  it("of a profile that nothing is held against changes nothing", async () => {
    const w = await world();
    const before = readFileSync(w.storePath, "utf8");
    const job = await enqueueChange(w, "reset-profile", {});
    await w.drain();
    expect(readFileSync(w.storePath, "utf8")).toBe(before);
    expect((await w.receipts.get(job.id))?.note).toContain("nothing was changed");
  });
});

describe("a job that comes after a removal in the same batch", () => {
  it("is verified against what the later one left: the removed login does not come back", async () => {
    const w = await world();
    const save = await w.enqueue(receivedTokens("carol"), { activation: "restart" });
    const removal = await enqueueChange(
      w,
      "remove-profile",
      {},
      { profileId: "openai-codex:carol", activation: "restart" },
    );
    await w.drain();
    expect(w.readStore().profiles["openai-codex:carol"]).toBeUndefined();
    expect(await w.receipts.get(save.id)).toMatchObject({ outcome: "done" });
    expect(await w.receipts.get(removal.id)).toMatchObject({ outcome: "done" });
    expect(await w.parked.list()).toHaveLength(1);
  });
});
