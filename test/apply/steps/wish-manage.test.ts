// What the changes of a profile that is there want of today's store, and when they want nothing, or may not have it.

import { writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { ManagedJob } from "../../../src/apply/job.ts";
import { wishOf } from "../../../src/apply/steps/wish.ts";
import { factsOf } from "../../../src/profiles/credential-facts.ts";
import { applyWorld } from "../../support/apply-world.ts";
import { enqueueChange } from "../../support/change-jobs.ts";
import { temporaryFolder } from "../../support/temp-folder.ts";

const [ALICE, BOB, GONE] = ["openai-codex:alice", "openai-codex:bob", "openai-codex:gone"];
type Kind = ManagedJob["kind"];

/** A store whose order is `order` (none: what there is), and what a confirmed change of bob's profile wants of it. */
async function setUp(order?: string[]) {
  const w = applyWorld(await temporaryFolder());
  const store = w.readStore();
  if (order !== undefined) writeFileSync(w.storePath, JSON.stringify({ ...store, order: { "openai-codex": order } }));
  const job = async (kind: Kind, own: object, request: object = {}) =>
    (await enqueueChange(w, kind, own as never, request)) as ManagedJob;
  const wishFor = async (of: ManagedJob) =>
    wishOf({ job: of, secret: {}, snapshot: await w.store.read(), services: w.services });
  const wish = async (kind: Kind, own: object = {}, request: object = {}) => wishFor(await job(kind, own, request));
  return { w, job, wishFor, wish };
}

const fileOf = (wish: Awaited<ReturnType<typeof wishOf>>) =>
  wish.kind === "change" ? wish.planned.plan.files[0] : undefined;

describe("the wish for an order", () => {
  it("is the profile first, or alone, and says whether it is the first order that is written down", async () => {
    const implicit = await setUp();
    const first = await implicit.wish("order", { how: "first" });
    expect(first).toMatchObject({ kind: "change", order: { written: [BOB, ALICE], wasImplicit: true } });
    expect(fileOf(first)).toMatchObject({ orderBefore: null, orderAfter: [BOB, ALICE] });
    const { wish } = await setUp([ALICE, BOB]);
    expect(await wish("order", { how: "only" })).toMatchObject({ order: { written: [BOB], wasImplicit: false } });
  });

  it("is exactly the one that was shown, also of a profile that is gone, or none at all", async () => {
    const { wish } = await setUp([ALICE, BOB]);
    const exactly = await wish("order", { how: "exactly", wantedOrder: [BOB, ALICE] }, { profileId: GONE });
    expect(exactly).toMatchObject({ kind: "change", order: { written: [BOB, ALICE] } });
    for (const own of [{ wantedOrder: null }, {}]) {
      const none = await wish("order", { how: "exactly", ...own });
      expect(none).toMatchObject({ kind: "change", order: { written: [], wasImplicit: false } });
      expect(fileOf(none)?.orderAfter).toBeNull();
    }
  });

  it("is nothing where the order is that one already", async () => {
    const { wish } = await setUp([BOB, ALICE]);
    expect(await wish("order", { how: "first" })).toMatchObject({ kind: "nothing" });
    const none = await setUp();
    for (const wantedOrder of [null, []])
      expect(await none.wish("order", { how: "exactly", wantedOrder })).toMatchObject({ kind: "nothing" });
    expect((await none.wish("order", { how: "exactly", wantedOrder: [ALICE] })).kind).toBe("change");
  });
});

describe("the wish for a removal", () => {
  it("is no entry and no place in the order", async () => {
    const { wish } = await setUp([BOB, ALICE]);
    const removal = await wish("remove-profile");
    expect(removal).toMatchObject({ kind: "change", order: { written: [ALICE], wasImplicit: false } });
    expect(fileOf(removal)).toMatchObject({ role: "owner", after: null, orderAfter: [ALICE] });
  });

  it("leaves an order alone that does not name the profile, and takes one away that names nobody else", async () => {
    const unlisted = await (await setUp([ALICE])).wish("remove-profile");
    expect(unlisted).toMatchObject({ kind: "change", order: undefined });
    expect(fileOf(unlisted)?.orderAfter).toEqual([ALICE]);
    const alone = await (await setUp([BOB])).wish("remove-profile");
    expect(alone).toMatchObject({ kind: "change", order: { written: [], wasImplicit: false } });
    expect(fileOf(alone)?.orderAfter).toBeNull();
    expect(await (await setUp()).wish("remove-profile")).toMatchObject({ kind: "change", order: undefined });
  });

  it("writes the order that was asked for beside it, or takes it away", async () => {
    const { wish } = await setUp([BOB, ALICE]);
    const wantedOrder = [ALICE, GONE];
    expect(await wish("remove-profile", { wantedOrder })).toMatchObject({ order: { written: wantedOrder } });
    const none = await wish("remove-profile", { wantedOrder: null });
    expect(none).toMatchObject({ order: { written: [], wasImplicit: false } });
    expect(fileOf(none)?.orderAfter).toBeNull();
  });

  it("is nothing where the profile is gone", async () => {
    const { wish } = await setUp();
    expect(await wish("remove-profile", {}, { profileId: GONE })).toMatchObject({ kind: "nothing" });
  });
});

describe("a change of a profile that is gone", () => {
  it.each<[Kind, object]>([
    ["order", { how: "first" }],
    ["order", { how: "only" }],
    ["rename-profile", { to: "openai-codex:new" }],
    ["reset-profile", {}],
  ])("is refused: %s %j", async (kind, own) => {
    const { wish } = await setUp();
    await expect(wish(kind, own, { profileId: GONE })).rejects.toMatchObject({ code: "ERR_PROFILE_UNKNOWN" });
  });
});

describe("a removal or a new name", () => {
  it.each<[Kind, object]>([
    ["remove-profile", {}],
    ["rename-profile", { to: "openai-codex:new" }],
  ])("is for the login that was shown, or for whichever it is where none was: %s", async (kind, own) => {
    const { w, wish } = await setUp();
    const stored = await w.store.readCredential(BOB);
    const previewed = stored === undefined ? "" : factsOf(stored).login;
    for (const request of [{ previewed }, {}]) expect(await wish(kind, own, request)).toMatchObject({ kind: "change" });
    await expect(wish(kind, own, { previewed: "another" })).rejects.toMatchObject({ code: "ERR_IDENTITY_CHANGED" });
  });

  it("of what another program keeps is refused", async () => {
    const { w, wish } = await setUp();
    const store = w.readStore();
    store.profiles[BOB] = { ...store.profiles[BOB], managedBy: "auth-manager" };
    writeFileSync(w.storePath, JSON.stringify(store));
    await expect(wish("remove-profile")).rejects.toMatchObject({ code: "ERR_PROFILE_MANAGED" });
  });
});

describe("the wish for a reset", () => {
  it("is that OpenClaw's notes go, and nothing where there are none", async () => {
    const { w, wish } = await setUp();
    expect(await wish("reset-profile")).toMatchObject({ kind: "nothing" });
    writeFileSync(
      w.storePath,
      JSON.stringify({
        ...w.readStore(),
        usageStats: { [BOB]: { errorCount: 3, cooldownUntil: Date.now() + 60_000 } },
      }),
    );
    const reset = await wish("reset-profile");
    expect(reset).toMatchObject({ kind: "change", order: undefined });
    expect(fileOf(reset)).toMatchObject({ role: "notes", notes: { before: { errorCount: 3 } } });
    expect(fileOf(reset)?.notes?.after).not.toHaveProperty("errorCount");
  });
});

describe("a change that was begun", () => {
  it("is carried to its end as it was planned, and one that was only planned is planned anew", async () => {
    const { w, job, wishFor } = await setUp();
    const made = await job("order", { how: "first" });
    const { plan, values } = await w.store.plan({ profileId: BOB, provider: "openai-codex", order: [BOB, ALICE] });
    expect(await wishFor({ ...made, plan })).toMatchObject({ kind: "change" });
    const [file] = plan.files;
    const value = file === undefined ? undefined : values.get(file.path);
    if (file === undefined || value === undefined) throw new Error("nothing was planned");
    await w.store.apply(file, value);
    expect(await wishFor({ ...made, plan })).toEqual({ kind: "as-planned" });
    expect(await wishFor(made)).toMatchObject({ kind: "nothing" });
  });
});
