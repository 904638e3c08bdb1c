// Jobs that save and remove a leased credential: what they leave in the store, and what they never touch.

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { jobSchema } from "../../src/apply/job.ts";
import { leasedFingerprint } from "../../src/apply/steps/credential.ts";
import { LEASE } from "../../src/config/defaults.ts";
import { CodexAuthError } from "../../src/errors.ts";
import { fingerprint } from "../../src/secrets/fingerprint.ts";
import { applyWorld, receivedTokens, REQUESTED_BY, storedLogin } from "../support/apply-world.ts";
import { enqueueLeased, enqueueRemoval, leased } from "../support/lease-jobs.ts";
import { temporaryFolder } from "../support/temp-folder.ts";

const world = async () => applyWorld(await temporaryFolder());
type World = Awaited<ReturnType<typeof world>>;
const ID = LEASE.profileId;

function change(w: World, edit: (store: ReturnType<World["readStore"]>) => void): void {
  const store = w.readStore();
  edit(store);
  writeFileSync(w.storePath, JSON.stringify(store));
}

function withHelper(w: World, profiles: object): string {
  const stateDir = join(dirname(w.storePath), "..", "..", "..");
  const path = join(stateDir, "agents", "helper", "agent", "auth-profiles.json");
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, JSON.stringify({ version: 1, profiles }));
  writeFileSync(
    join(stateDir, "openclaw.json"),
    JSON.stringify({ agents: { list: [{ id: "main" }, { id: "helper" }] } }),
  );
  return path;
}

describe("a leased credential", () => {
  it("is saved access-only, first in the order, reloaded and proven, and nobody is told who did not ask", async () => {
    const w = await world();
    const before = w.readStore();
    const credential = leased("pool");
    const job = await enqueueLeased(w, credential);

    expect(await w.drain()).toBe(1);

    const after = w.readStore();
    expect(after.profiles[ID]).toEqual({
      type: "token",
      provider: "openai-codex",
      token: credential.access.expose(),
      expires: credential.expiresAtMs,
      email: "pool@example.com",
    });
    expect(after.order).toEqual({ "openai-codex": [ID, "openai-codex:alice", "openai-codex:bob"] });
    const { [ID]: _new, ...rest } = after.profiles;
    expect({ ...after, profiles: rest, order: undefined }).toEqual({ ...before, order: undefined });
    expect(w.gateway.calls).toEqual(["reload"]);
    const receipt = await w.receipts.get(job.id);
    expect(receipt).toMatchObject({
      kind: "save-lease",
      outcome: "done",
      leaseId: "lease_1",
      label: "pool",
      email: "pool@example.com",
      expiresAtMs: credential.expiresAtMs,
      files: [{ path: w.storePath, before: null, after: leasedFingerprint(credential) }],
      activation: { used: "reload", proven: "listed-by-gateway" },
      order: { wasImplicit: true },
    });
    expect(receipt?.requestedBy).toBeUndefined();
    expect(await w.outbox.list("telegram")).toEqual([]);
    expect(await w.parked.list()).toEqual([]);
  });

  it("leaves no token in any file of ours, and tells whoever asked", async () => {
    const w = await world();
    const credential = leased("pool");
    const job = await enqueueLeased(w, credential, { requestedBy: REQUESTED_BY });
    expect((await w.queue.secrets.get(job.id))?.leased?.access).toBe(credential.access.expose());
    await w.drain();
    const files = readdirSync(w.paths.root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    for (const entry of files)
      expect(readFileSync(join(entry.parentPath, entry.name), "utf8")).not.toContain(credential.access.expose());
    expect(await w.outbox.list("telegram")).toMatchObject([{ address: REQUESTED_BY, content: { receiptId: job.id } }]);
  });

  it("comes last where the store has an order, and begins none where it has none", async () => {
    const w = await world();
    await enqueueLeased(w, leased("pool"), { makeFirst: false });
    await w.drain();
    expect(w.readStore().profiles[ID]).toBeDefined();
    expect(w.readStore().order).toBeUndefined();

    const v = await world();
    change(v, (store) => (store.order = { "openai-codex": ["openai-codex:bob"] }));
    await enqueueLeased(v, leased("pool"), { makeFirst: false });
    await v.drain();
    expect(v.readStore().order).toEqual({ "openai-codex": ["openai-codex:bob", ID] });
  });

  it("takes the place of the one before it, whoever that was, and leaves the order alone then", async () => {
    const w = await world();
    await enqueueLeased(w, leased("pool"));
    await w.drain();
    const order = w.readStore().order;
    // Its expiry is earlier than the one before: the list of a gateway that has not read it would not do as a proof.
    const next = leased("other", Date.now() + 1_800_000);
    const job = await enqueueLeased(w, next, { leaseId: "lease_2" });
    await w.drain();
    expect(w.readStore().profiles[ID]).toMatchObject({ token: next.access.expose(), email: "other@example.com" });
    expect(w.readStore().order).toEqual(order);
    const receipt = await w.receipts.get(job.id);
    expect(receipt).toMatchObject({ outcome: "done", activation: { proven: "listed-by-gateway" } });
    expect(receipt?.order).toBeUndefined();
  });

  it("is one job, however often the same request is made", async () => {
    const w = await world();
    const request = { requestId: "r", leaseId: "l", agentId: "main", profileId: ID, makeFirst: true } as const;
    const all = { ...request, activation: "auto", credential: leased("pool") } as const;
    const results = await Promise.all(Array.from({ length: 10 }, () => w.queue.enqueueLeased(all)));
    expect(new Set(results.map(({ job }) => job.id)).size).toBe(1);
    expect(results.filter(({ existed }) => !existed)).toHaveLength(1);
    await w.drain();
    expect(await w.queue.enqueueLeased(all)).toMatchObject({ existed: true, job: { state: "done" } });
    expect(await w.queue.secrets.get(results[0]?.job.id ?? "")).toBeUndefined();
  });

  it.each([
    ["somebody's own login", storedLogin("alice")],
    ["a key", { type: "api_key", provider: "openai-codex", key: "k" }],
    ["a login that is just being refreshed", { ...storedLogin("alice"), refresh: "openclaw-oauth-refresh-fence:1" }],
    ["a token that lies elsewhere", { type: "token", provider: "openai-codex", tokenRef: { source: "env", id: "X" } }],
    ["what cannot be read", { type: "novel", provider: "openai-codex" }],
  ])("does not replace %s: the job fails, and nothing changes", async (_what, entry) => {
    const w = await world();
    change(w, (store) => (store.profiles[ID] = entry));
    const before = readFileSync(w.storePath, "utf8");
    const job = await enqueueLeased(w, leased("pool"), { requestedBy: REQUESTED_BY });
    await w.drain();
    expect(readFileSync(w.storePath, "utf8")).toBe(before);
    expect(w.gateway.calls).toEqual([]);
    expect(await w.queue.get(job.id)).toMatchObject({ state: "failed" });
    const receipt = await w.receipts.get(job.id);
    expect(receipt).toMatchObject({ outcome: "failed", problem: { code: "ERR_LEASE_PROFILE_TAKEN" } });
    expect(receipt?.parkedId).toBeUndefined();
    expect(await w.parked.list()).toEqual([]);
    expect(await w.queue.secrets.get(job.id)).toBeUndefined();
    expect(await w.outbox.list("telegram")).toHaveLength(1);
  });

  it("replaces the copy that the Auth Manager plugin left, of the same account under the lease's id only", async () => {
    const w = await world();
    change(w, (store) => {
      store.profiles[ID] = storedLogin("pool");
      store.profiles["openai-codex:else"] = storedLogin("pool");
    });
    const copy = await enqueueLeased(w, leased("pool"));
    const own = await enqueueLeased(w, leased("pool"), { profileId: "openai-codex:else" });
    await w.drain();
    expect(await w.receipts.get(copy.id)).toMatchObject({ outcome: "done" });
    // Nothing of the earlier entry stays: OpenClaw would drop it, which would look like somebody else's change.
    expect(Object.keys(w.readStore().profiles[ID] ?? {}).toSorted()).toEqual([
      "email",
      "expires",
      "provider",
      "token",
      "type",
    ]);
    expect(await w.receipts.get(own.id)).toMatchObject({ problem: { code: "ERR_LEASE_PROFILE_TAKEN" } });
    expect(w.readStore().profiles["openai-codex:else"]).toMatchObject({ type: "oauth" });
  });

  it("that has expired, or is about to, is not written", async () => {
    const w = await world();
    const before = readFileSync(w.storePath, "utf8");
    const job = await enqueueLeased(w, leased("pool", Date.now() + LEASE.materialMinLifeMs - 1_000));
    await w.drain();
    expect(readFileSync(w.storePath, "utf8")).toBe(before);
    expect(await w.receipts.get(job.id)).toMatchObject({
      outcome: "failed",
      problem: { code: "ERR_LEASE_MATERIAL_EXPIRED" },
    });
  });

  it("is rolled back to what was there where the gateway does not come back, and parks nothing", async () => {
    const w = await world();
    await enqueueLeased(w, leased("pool"));
    await w.drain();
    const before = w.readStore();
    w.gateway.restartFails = 1;
    const job = await enqueueLeased(w, leased("other"), { activation: "restart" });
    await w.drain();
    expect(w.readStore()).toEqual(before);
    expect(await w.receipts.get(job.id)).toMatchObject({
      outcome: "rolled-back",
      problem: { code: "ERR_GATEWAY_UNHEALTHY" },
      activation: { gatewayAfter: "running" },
    });
    expect(await w.parked.list()).toEqual([]);
    expect(await w.queue.secrets.get(job.id)).toBeUndefined();
  });

  it("is patched again where the gateway writes its old snapshot over it", async () => {
    const w = await world();
    w.gateway.writesBack = 2;
    const job = await enqueueLeased(w, leased("pool"));
    await w.drain();
    expect(w.readStore().profiles[ID]).toBeDefined();
    expect(await w.receipts.get(job.id)).toMatchObject({ outcome: "done" });
    expect(w.gateway.calls).toEqual(["reload", "reload", "reload"]);
  });

  it("gives way to a newer one of the same profile that waits too, and to no other", async () => {
    const w = await world();
    const jobs = [];
    for (const name of ["one", "two", "three"]) jobs.push(await enqueueLeased(w, leased(name)));
    const other = await enqueueLeased(w, leased("else"), { profileId: "openai-codex:else" });
    await w.drain();
    const receipts = await Promise.all(jobs.map(({ id }) => w.receipts.get(id)));
    expect(receipts.map((receipt) => receipt?.outcome)).toEqual(["cancelled", "cancelled", "done"]);
    expect(receipts[0]?.note).toBe("A newer leased credential took its place.");
    expect(await w.receipts.get(other.id)).toMatchObject({ outcome: "done" });
    expect(w.readStore().profiles[ID]).toMatchObject({ email: "three@example.com" });
    expect(readdirSync(join(w.paths.queue, "secrets"))).toEqual([]);
  });

  it("does not give way to one that was itself given up", async () => {
    const w = await world();
    const first = await enqueueLeased(w, leased("one"));
    const second = await enqueueLeased(w, leased("two"));
    await w.queue.cancel(second.id);
    await w.drain();
    expect(await w.receipts.get(first.id)).toMatchObject({ outcome: "done" });
    expect(await w.receipts.get(second.id)).toMatchObject({ outcome: "cancelled", problem: { code: "ERR_CANCELLED" } });
  });

  it("leaves another agent's own login of that id, though it is the same person's", async () => {
    const w = await world();
    const path = withHelper(w, { "openai-codex:else": storedLogin("pool") });
    const before = readFileSync(path, "utf8");
    const job = await enqueueLeased(w, leased("pool"), { profileId: "openai-codex:else" });
    await w.drain();
    expect(await w.receipts.get(job.id)).toMatchObject({ outcome: "done", removedCopies: [] });
    expect(readFileSync(path, "utf8")).toBe(before);
  });
});

const tokenOf = ({ access }: ReturnType<typeof leased>) => fingerprint(access);
const pasted = () => ({ type: "token", provider: "openai-codex", token: receivedTokens("alice").access.expose() });

describe("a leased credential under an id that people use too", () => {
  const OTHER = "openai-codex:work";
  it("does not replace an access-only token that a person pasted there, and a removal leaves it", async () => {
    const w = await world();
    change(w, (store) => (store.profiles[OTHER] = pasted()));
    const before = readFileSync(w.storePath, "utf8");
    const ours = [tokenOf(leased("earlier"))];
    const unknown = await enqueueLeased(w, leased("pool"), { profileId: OTHER });
    await w.drain();
    const known = await enqueueLeased(w, leased("pool"), { profileId: OTHER, ours });
    const removals = [
      await enqueueRemoval(w, { profileId: OTHER }),
      await enqueueRemoval(w, { profileId: OTHER, ours }),
    ];
    await w.drain();
    expect(readFileSync(w.storePath, "utf8")).toBe(before);
    for (const { id } of [unknown, known]) {
      expect(await w.receipts.get(id)).toMatchObject({ problem: { code: "ERR_LEASE_PROFILE_TAKEN" } });
    }
    for (const { id } of removals) {
      const receipt = await w.receipts.get(id);
      expect(receipt).toMatchObject({ outcome: "done", files: [], activation: { used: "none" } });
      expect(receipt?.note).toContain("nothing was changed");
    }
  });

  it("replaces and removes the token that it wrote there itself, whatever OpenClaw added to its entry", async () => {
    const w = await world();
    const [first, next] = [leased("one"), leased("two")];
    await enqueueLeased(w, first, { profileId: OTHER });
    await w.drain();
    change(w, (store) => (store.profiles[OTHER] = { ...store.profiles[OTHER], lastUsed: 5 }));
    const ours = ["sha256:0000000000000000", tokenOf(first)];
    const job = await enqueueLeased(w, next, { profileId: OTHER, ours });
    const text = readFileSync(join(w.paths.queue, "jobs", `${job.id}.json`), "utf8");
    expect(JSON.parse(text)).toMatchObject({ lease: { ours } });
    expect(text).not.toContain(first.access.expose());
    await w.drain();
    expect(w.readStore().profiles[OTHER]).toMatchObject({ token: next.access.expose() });
    const removal = await enqueueRemoval(w, { profileId: OTHER, ours: [tokenOf(next)] });
    await w.drain();
    expect(await w.receipts.get(removal.id)).toMatchObject({ outcome: "done" });
    expect(w.readStore().profiles[OTHER]).toBeUndefined();
  });

  it("goes on with its own where it was killed after it had written it", async () => {
    const w = await world();
    const credential = leased("pool");
    // What a job that was killed after its write finds when it plans anew.
    change(
      w,
      (store) =>
        (store.profiles[OTHER] = { type: "token", provider: "openai-codex", token: credential.access.expose() }),
    );
    const job = await enqueueLeased(w, credential, { profileId: OTHER });
    await w.drain();
    expect(await w.receipts.get(job.id)).toMatchObject({ outcome: "done" });
    expect(w.readStore().profiles[OTHER]).toMatchObject({ email: "pool@example.com" });
  });

  it("replaces any bare token under the id that is the lease's alone", async () => {
    const w = await world();
    change(w, (store) => (store.profiles[ID] = pasted()));
    const job = await enqueueLeased(w, leased("pool"), { ours: [] });
    await w.drain();
    expect(await w.receipts.get(job.id)).toMatchObject({ outcome: "done" });
    expect(w.readStore().profiles[ID]).toMatchObject({ email: "pool@example.com" });
  });
});

describe("the removal of a leased credential", () => {
  it("takes the entry and its place in the order, and the gateway forgets it", async () => {
    const w = await world();
    const before = w.readStore();
    const credential = leased("pool");
    await enqueueLeased(w, credential);
    await w.drain();
    const job = await enqueueRemoval(w, { stored: leasedFingerprint(credential) });
    await w.drain();
    const after = w.readStore();
    expect(after.profiles).toEqual(before.profiles);
    expect(after.order).toEqual({ "openai-codex": ["openai-codex:alice", "openai-codex:bob"] });
    const receipt = await w.receipts.get(job.id);
    expect(receipt).toMatchObject({
      kind: "remove-lease",
      outcome: "done",
      leaseId: "lease_1",
      files: [{ before: leasedFingerprint(credential), after: null }],
      activation: { used: "reload", proven: "listed-by-gateway" },
    });
    expect(receipt?.note).toBeUndefined();
  });

  it("clears an order that would be empty", async () => {
    const w = await world();
    await enqueueLeased(w, leased("pool"));
    await w.drain();
    change(w, (store) => (store.order = { "openai-codex": [ID] }));
    await enqueueRemoval(w);
    await w.drain();
    expect(w.readStore().order).toBeUndefined();
  });

  it.each([
    ["there is nothing", undefined, undefined],
    ["somebody's login is there", storedLogin("alice"), undefined],
    ["another credential is there", { type: "token", provider: "openai-codex", token: "t" }, "sha256:0000000000000000"],
  ])("changes nothing where %s, and says so", async (_what, entry, stored) => {
    const w = await world();
    change(w, (store) => {
      if (entry !== undefined) store.profiles[ID] = entry;
      store.order = { "openai-codex": [ID, "openai-codex:bob"] };
    });
    const before = readFileSync(w.storePath, "utf8");
    const job = await enqueueRemoval(w, stored === undefined ? {} : { stored });
    await w.drain();
    expect(readFileSync(w.storePath, "utf8")).toBe(before);
    expect(w.gateway.calls).toEqual([]);
    const receipt = await w.receipts.get(job.id);
    expect(receipt).toMatchObject({ outcome: "done", files: [], activation: { used: "none" } });
    expect(receipt?.note).toContain("nothing was changed");
  });

  it("is undone where the gateway does not come back", async () => {
    const w = await world();
    await enqueueLeased(w, leased("pool"));
    await w.drain();
    const before = w.readStore();
    w.gateway.restartFails = 1;
    const job = await enqueueRemoval(w, { activation: "restart" });
    await w.drain();
    expect(w.readStore()).toEqual(before);
    expect(await w.receipts.get(job.id)).toMatchObject({ outcome: "rolled-back" });
  });
});

describe("a leased credential that a newer one has overtaken", () => {
  it("is not written over it again after the restart that both share", async () => {
    const w = await world();
    const first = await enqueueLeased(w, leased("one"), { activation: "restart" });
    const save = w.queue.save.bind(w.queue);
    w.queue.save = async (job) => {
      await save(job);
      // Killed once its store is written; the newer one cannot take its place any more.
      if (job.state === "written")
        throw new CodexAuthError("ERR_EXECUTOR_FENCED", { message: "Killed.", next: "Nothing." });
    };
    await expect(w.drain()).rejects.toMatchObject({ code: "ERR_EXECUTOR_FENCED" });
    w.queue.save = save;
    const second = await enqueueLeased(w, leased("two", Date.now() + 1_800_000), { activation: "restart" });
    await w.drain();
    expect(w.gateway.calls).toEqual(["restart"]);
    expect(w.readStore().profiles[ID]).toMatchObject({ email: "two@example.com" });
    expect(await w.receipts.get(first.id)).toMatchObject({ outcome: "done", interrupted: true });
    expect(await w.receipts.get(second.id)).toMatchObject({ outcome: "done" });
  });
});

describe("a job file of the version before", () => {
  it("is still read", async () => {
    const w = await world();
    const job = await w.enqueue(receivedTokens("carol"));
    const text = readFileSync(join(w.paths.queue, "jobs", `${job.id}.json`), "utf8");
    expect(Object.keys(JSON.parse(text) as object)).not.toContain("lease");
    expect(jobSchema.parse(JSON.parse(text))).toEqual(job);
  });
});
