// What a leased credential wants of today's store, and what its removal leaves: never somebody's own login, never somebody's order.

import { randomBytes } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import type { RemoveLeaseJob, SaveLeaseJob } from "../../../src/apply/job.ts";
import { wishOf } from "../../../src/apply/steps/wish.ts";
import { LEASE } from "../../../src/config/defaults.ts";
import { fingerprint, fingerprintJson } from "../../../src/secrets/fingerprint.ts";
import { Secret } from "../../../src/secrets/secret.ts";
import { applyWorld, receivedTokens, storedLogin } from "../../support/apply-world.ts";
import { enqueueLeased, enqueueRemoval, leased } from "../../support/lease-jobs.ts";
import { temporaryFolder } from "../../support/temp-folder.ts";

const [ALICE, BOB, WORK] = ["openai-codex:alice", "openai-codex:bob", "openai-codex:work"];
const ID = LEASE.profileId;
const NOW = 1_800_000_000_000;

type Entry = Record<string, unknown>;
const bare = (name = "pool"): Entry => ({
  type: "token",
  provider: "openai-codex",
  token: receivedTokens(name).access.expose(),
});

async function setUp(profiles: Record<string, Entry> = {}, order?: string[]) {
  const w = applyWorld(await temporaryFolder());
  const store = w.readStore();
  Object.assign(store.profiles, profiles);
  writeFileSync(
    w.storePath,
    JSON.stringify({ ...store, ...(order === undefined ? {} : { order: { "openai-codex": order } }) }),
  );
  const services = { ...w.services, now: () => NOW };
  const wishFor = async (job: SaveLeaseJob | RemoveLeaseJob) =>
    wishOf({ job, secret: (await w.queue.secrets.get(job.id)) ?? {}, snapshot: await w.store.read(), services });
  const save = async (
    request: Parameters<typeof enqueueLeased>[2] = {},
    credential = leased("pool", NOW + 3_600_000),
  ) => wishFor(await enqueueLeased(w, credential, request));
  const remove = async (request: Parameters<typeof enqueueRemoval>[1] = {}, patch: Partial<RemoveLeaseJob> = {}) =>
    wishFor({ ...(await enqueueRemoval(w, request)), ...patch });
  return { w, services, wishFor, save, remove };
}

describe("the wish of a leased credential", () => {
  it("begins an order where it is to come first, and none where it is not", async () => {
    const { save } = await setUp();
    expect(await save()).toMatchObject({ kind: "change", order: { written: [ID, ALICE, BOB], wasImplicit: true } });
    const last = await save({ makeFirst: false });
    expect(last).toMatchObject({ kind: "change", order: undefined });
    expect(last.kind === "change" ? last.planned.plan.files[0]?.orderAfter : "").toBeNull();
  });

  it("comes last in an order that there is, and leaves one that it is in already", async () => {
    const { save } = await setUp({}, [BOB]);
    expect(await save({ makeFirst: false })).toMatchObject({ order: { written: [BOB, ID], wasImplicit: false } });
    const listed = await setUp({}, [BOB, ID]);
    expect(await listed.save({ makeFirst: false })).toMatchObject({ kind: "change", order: undefined });
  });

  it("is refused once it has less left than it must have, and not a moment before", async () => {
    const { w, save } = await setUp();
    expect(await save({}, leased("pool", NOW + LEASE.materialMinLifeMs))).toMatchObject({ kind: "change" });
    const late = save({}, leased("pool", NOW + LEASE.materialMinLifeMs - 1));
    await expect(late).rejects.toMatchObject({ code: "ERR_LEASE_MATERIAL_EXPIRED", retryable: true });
    expect(w.readStore().profiles[ID]).toBeUndefined();
  });

  it("is refused where its token is gone", async () => {
    const { w, wishFor } = await setUp();
    const job = await enqueueLeased(w, leased("pool", NOW + 3_600_000));
    await w.queue.secrets.put(job.id, {});
    await expect(wishFor(job)).rejects.toMatchObject({ code: "ERR_JOB_SECRET_MISSING" });
  });

  it("replaces what it wrote under an id that people use too, this one and those before, and nobody's own", async () => {
    const credential = leased("pool", NOW + 3_600_000);
    const request = { profileId: WORK, makeFirst: false };
    const before = bare();
    const known = [fingerprint(receivedTokens("x").access)];
    for (const [stored, ours] of [
      [{ ...bare(), token: credential.access.expose() }, undefined],
      [before, [...known, printOf(before)]],
    ] as const) {
      const { save } = await setUp({ [WORK]: stored });
      expect(await save({ ...request, ...(ours === undefined ? {} : { ours }) }, credential)).toMatchObject({
        kind: "change",
      });
    }
    for (const stored of [before, storedLogin("ada")]) {
      const { save } = await setUp({ [WORK]: stored });
      await expect(save({ ...request, ours: known }, credential)).rejects.toMatchObject({
        code: "ERR_LEASE_PROFILE_TAKEN",
      });
    }
  });

  it("goes by the account in its token before the one that the broker names, and by that where the token has none", async () => {
    const stored = { [ID]: storedLogin("pool") };
    const credential = leased("pool", NOW + 3_600_000);
    const misnamed = { ...credential, accountId: "account-other" };
    expect(await (await setUp(stored)).save({}, misnamed)).toMatchObject({ kind: "change" });
    const opaque = { ...credential, access: Secret.of(randomBytes(12).toString("hex")) };
    expect(await (await setUp(stored)).save({}, opaque)).toMatchObject({ kind: "change" });
    for (const of of [receivedTokens("nobody").access, opaque.access]) {
      const save = (await setUp(stored)).save({}, { ...credential, access: of, accountId: "account-other" });
      await expect(save).rejects.toMatchObject({ code: "ERR_LEASE_PROFILE_TAKEN" });
    }
  });
});

describe("the wish of a lease's removal", () => {
  it("is nothing where there is no such profile, and its own end where it had begun", async () => {
    const { w, remove } = await setUp();
    expect(await remove()).toMatchObject({ kind: "nothing" });
    const { plan } = await w.store.plan({ profileId: ALICE, provider: "openai-codex", credential: null });
    expect(await remove({}, { plan })).toEqual({ kind: "as-planned" });
  });

  it("takes the entry and its place, and says what is left of the order", async () => {
    const { w, remove } = await setUp({ [ID]: bare() }, [BOB, ID]);
    expect(await remove()).toMatchObject({
      kind: "change",
      order: { written: [BOB], wasImplicit: false },
      planned: { plan: { files: [{ path: w.storePath, role: "owner", after: null, orderAfter: [BOB] }] } },
    });
    expect(await (await setUp({ [ID]: bare() }, [BOB])).remove()).toMatchObject({ kind: "change", order: undefined });
    expect(await (await setUp({ [ID]: bare() })).remove()).toMatchObject({ kind: "change", order: undefined });
  });

  it("takes an order along that the lease had brought, as long as it is still that one", async () => {
    const order = [ID, ALICE, BOB];
    const { remove } = await setUp({ [ID]: bare() }, order);
    const all = await remove({ madeOrder: order });
    expect(all).toMatchObject({ kind: "change", order: { written: [], wasImplicit: false } });
    expect(all.kind === "change" ? all.planned.plan.files[0]?.orderAfter : "").toBeNull();
    expect(await remove({ madeOrder: [ID, BOB, ALICE] })).toMatchObject({ order: { written: [ALICE, BOB] } });
    const none = await setUp({ [ID]: bare() });
    expect(await none.remove({ madeOrder: order })).toMatchObject({ kind: "change", order: undefined });
  });

  it("leaves an entry that is somebody's own, or another credential than the one that was to go", async () => {
    for (const entry of [storedLogin("ada"), { type: "api_key", provider: "openai-codex", key: "k" }])
      expect(await (await setUp({ [ID]: entry })).remove()).toMatchObject({ kind: "nothing" });
    const entry = bare();
    const { remove } = await setUp({ [ID]: entry });
    expect(await remove({ stored: "another" })).toMatchObject({ kind: "nothing" });
    expect(await remove({ stored: fingerprintJson(entry) })).toMatchObject({ kind: "change" });
    const foreign = await setUp({ [WORK]: entry });
    expect(await foreign.remove({ profileId: WORK, ours: ["another"] })).toMatchObject({ kind: "nothing" });
    expect(await foreign.remove({ profileId: WORK, ours: [printOf(entry)] })).toMatchObject({ kind: "change" });
  });

  it("leaves another agent's own login of that id", async () => {
    const { w, remove } = await setUp({ [ID]: bare() });
    const other = join(dirname(dirname(dirname(w.storePath))), "ops", "agent", "auth-profiles.json");
    mkdirSync(dirname(other), { recursive: true });
    writeFileSync(other, JSON.stringify({ version: 1, profiles: { [ID]: storedLogin("ada") } }));
    const wish = await remove();
    expect(wish).toMatchObject({
      kind: "change",
      planned: { plan: { files: [{ path: w.storePath }], keptElsewhere: ["ops"] } },
    });
    expect(await remove({ agentId: "ops" })).toMatchObject({ kind: "nothing" });
  });
});

function printOf(entry: Entry): string {
  return fingerprint(String(entry["token"]));
}
