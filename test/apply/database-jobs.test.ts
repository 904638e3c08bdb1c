// Jobs that the plugin executes in an OpenClaw with a database, those among them that were asked for while it still had files.

import { describe, expect, it } from "vitest";
import { jobFor } from "../../src/apply/job-ids.ts";
import type { Job } from "../../src/apply/job.ts";
import { leasedFingerprint } from "../../src/apply/steps/credential.ts";
import { keeperOf } from "../../src/apply/whose.ts";
import { LEASE } from "../../src/config/defaults.ts";
import { describeCredential } from "../../src/profiles/credential-facts.ts";
import { sealCredential } from "../../src/profiles/profile.ts";
import { fingerprint } from "../../src/secrets/fingerprint.ts";
import { applyWorld, receivedTokens, storedLogin } from "../support/apply-world.ts";
import { enqueueChange } from "../support/change-jobs.ts";
import { databaseWorld } from "../support/database-world.ts";
import { enqueueLeased, enqueueRemoval, leased } from "../support/lease-jobs.ts";
import { temporaryFolder } from "../support/temp-folder.ts";

const [ALICE, BOB, LEASED] = ["openai:alice", "openai:bob", "openai:lease"];

function entry(name: string) {
  const { note: _unknown, ...login } = storedLogin(name);
  return { ...login, provider: "openai" };
}

/** Alice and bob in a database, in that order; the queue's own files lie elsewhere. */
async function world() {
  const w = applyWorld(await temporaryFolder());
  const database = await databaseWorld();
  const { inside } = database;
  const profiles = { [ALICE]: entry("alice"), [BOB]: entry("bob") };
  await inside.put("shared", { profiles, order: { openai: [ALICE, BOB] } });
  return {
    ...w,
    inside,
    profiles,
    drain: () => database.drain(w.services, w.paths),
    stored: async () =>
      (await inside.get("shared")) as {
        profiles: Record<string, Record<string, unknown>>;
        order?: Record<string, string[]>;
      },
    receipt: async (job: Job) => w.receipts.get(job.id),
  };
}

describe("a job that was queued before OpenClaw was updated to its database", () => {
  it("saves the login under the id of today, seen by the gateway, and says so in the receipt", async () => {
    const w = await world();
    const tokens = receivedTokens("carol");
    const job = await w.enqueue(tokens);
    expect(job.profileId).toBe("openai-codex:carol");
    expect(await w.drain()).toBe(1);
    const { profiles, order } = await w.stored();
    expect(profiles["openai:carol"]).toMatchObject({ provider: "openai", refresh: tokens.refresh.expose() });
    expect(order).toEqual({ openai: ["openai:carol", ALICE, BOB] });
    expect(Object.keys(profiles)).toHaveLength(3);
    expect(await w.receipt(job)).toMatchObject({
      outcome: "done",
      profileId: "openai:carol",
      activation: { proven: "listed-by-gateway" },
      order: { written: ["openai:carol", ALICE, BOB] },
    });
  });

  it("replaces the login that is there, and keeps its place in the order", async () => {
    const w = await world();
    const job = await w.enqueue(receivedTokens("bob"), { profileId: "openai-codex:bob", makeFirst: false });
    await w.drain();
    const { profiles, order } = await w.stored();
    expect(Object.keys(profiles)).toEqual([ALICE, BOB]);
    expect(profiles[BOB]).not.toEqual(w.profiles[BOB]);
    expect(order).toEqual({ openai: [ALICE, BOB] });
    expect(await w.receipt(job)).toMatchObject({ outcome: "done", activation: { proven: "listed-by-gateway" } });
  });

  it("changes the order, renames and removes the profile that it meant", async () => {
    const w = await world();
    const first = await enqueueChange(w, "order", { how: "first" });
    await w.drain();
    expect((await w.stored()).order).toEqual({ openai: [BOB, ALICE] });
    expect(await w.receipt(first)).toMatchObject({ outcome: "done", profileId: BOB });
    await enqueueChange(w, "order", { how: "exactly", wantedOrder: ["openai-codex:alice"] });
    await w.drain();
    expect((await w.stored()).order).toEqual({ openai: [ALICE] });
    const named = await enqueueChange(w, "rename-profile", { to: "openai-codex:robert" });
    await w.drain();
    expect(Object.keys((await w.stored()).profiles)).toEqual([ALICE, "openai:robert"]);
    expect(await w.receipt(named)).toMatchObject({ outcome: "done", renamedTo: "openai:robert" });
    const gone = await enqueueChange(w, "remove-profile", {}, { profileId: "openai-codex:robert" });
    await w.drain();
    expect(Object.keys((await w.stored()).profiles)).toEqual([ALICE]);
    expect(await w.receipt(gone)).toMatchObject({ outcome: "done", profileId: "openai:robert" });
  });

  it("is the same job where OpenClaw still has files", async () => {
    const w = await world();
    const job = await enqueueChange(w, "order", { how: "exactly", wantedOrder: ["openai-codex:alice"] });
    expect(jobFor(job)).toEqual(job);
    expect(jobFor(job, "openai")).toEqual({ ...job, profileId: BOB, wantedOrder: [ALICE] });
  });
});

describe("a leased credential in a database", () => {
  it("is stored under its profile of today, by the fingerprint that the lease knows, first and only once", async () => {
    const w = await world();
    const credential = leased("pool");
    const job = await enqueueLeased(w, credential);
    await w.drain();
    const { profiles, order } = await w.stored();
    expect(profiles[LEASED ?? ""]).toEqual({
      type: "token",
      provider: "openai",
      token: credential.access.expose(),
      expires: credential.expiresAtMs,
      email: "pool@example.com",
    });
    expect(order).toEqual({ openai: [LEASED, ALICE, BOB] });
    const after = leasedFingerprint(credential, "openai");
    expect(await w.receipt(job)).toMatchObject({ outcome: "done", profileId: LEASED, files: [{ after }] });

    const newer = await enqueueLeased(w, leased("pool", Date.now() + 7_200_000), { makeFirst: true });
    await w.drain();
    expect((await w.stored()).order).toEqual({ openai: [LEASED, ALICE, BOB] });
    expect(await w.receipt(newer)).toMatchObject({ files: [{ before: after }] });
  });

  it("goes again where it is the one that was stored, with the order that it brought", async () => {
    const w = await world();
    await w.inside.put("shared", { profiles: w.profiles });
    const credential = leased("pool");
    await enqueueLeased(w, credential);
    await w.drain();
    const madeOrder = ["openai-codex:lease", "openai-codex:alice", "openai-codex:bob"];
    expect((await w.stored()).order).toEqual({ openai: [LEASED, ALICE, BOB] });
    const other = await enqueueRemoval(w, { stored: leasedFingerprint(leased("pool"), "openai"), madeOrder });
    await w.drain();
    expect(await w.receipt(other)).toMatchObject({ note: expect.stringContaining("another credential") });
    expect(Object.keys((await w.stored()).profiles)).toHaveLength(3);
    const stored = leasedFingerprint(credential, "openai");
    const job = await enqueueRemoval(w, { stored, madeOrder });
    await w.drain();
    expect(await w.receipt(job)).toMatchObject({ outcome: "done", files: [{ before: stored, after: null }] });
    expect((await w.stored()).profiles).toEqual(w.profiles);
    expect((await w.stored()).order).toBeUndefined();
  });

  it("never replaces a login that somebody has put into its profile", async () => {
    const w = await world();
    const mine = w.profiles[BOB];
    await w.inside.put("shared", { profiles: { ...w.profiles, [LEASED ?? ""]: mine ?? {} } });
    const job = await enqueueLeased(w, leased("pool"));
    await w.drain();
    expect(await w.receipt(job)).toMatchObject({
      outcome: "failed",
      problem: { code: "ERR_LEASE_PROFILE_TAKEN" },
    });
    expect((await w.stored()).profiles[LEASED ?? ""]).toEqual(mine);
  });

  it("takes the place of the same account's login that the Auth Manager's plugin left in its profile", async () => {
    const w = await world();
    await w.inside.put("shared", { profiles: { ...w.profiles, [LEASED ?? ""]: entry("pool") } });
    const job = await enqueueLeased(w, leased("pool"));
    await w.drain();
    expect(await w.receipt(job)).toMatchObject({ outcome: "done" });
    expect((await w.stored()).profiles[LEASED ?? ""]).toMatchObject({ type: "token" });
  });

  it("is the lease's to keep, by either id, under a profile of its own too", async () => {
    const w = await world();
    const credential = leased("pool");
    await enqueueLeased(w, credential, { profileId: "openai-codex:shared", ours: [fingerprint(credential.access)] });
    await w.drain();
    const { store } = w.inside;
    for (const id of ["openai:shared", "openai-codex:shared"]) {
      const facts = await describeCredential(store, id);
      expect(await keeperOf(facts, id, w.receipts)).toEqual({ kind: "lease" });
      expect(await keeperOf(facts, "openai:other", w.receipts)).toEqual({ kind: "person" });
      for (const own of [LEASED ?? "", LEASE.profileId])
        expect(await keeperOf(facts, own, w.receipts)).toEqual({ kind: "lease" });
    }
    const elsewhere = sealCredential({ type: "token", provider: "openai", tokenRef: { source: "file" } });
    const read = { readCredential: async () => ({ credential: elsewhere, inherited: false }) };
    expect(await keeperOf(await describeCredential(read, ""), LEASE.profileId, w.receipts)).toEqual({ kind: "person" });
  });
});
