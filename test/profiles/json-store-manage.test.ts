// The JSON store beyond saving: new names, forgotten failures, all locks at once, linked stores, a generation that is known.

import { existsSync } from "node:fs";
import { mkdir, readdir, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { refreshLockTarget } from "../../src/profiles/json-hold.ts";
import { carryOut, login, NOW, openClawState, sealedLogin, valueFor } from "../support/openclaw-state.ts";

const P = "openai-codex";
const [WORK, HOME, ADA] = [`${P}:work`, `${P}:home`, `${P}:ada`];
const v1 = (profiles: Record<string, unknown>, rest: Record<string, unknown> = {}): Record<string, unknown> => ({
  version: 1,
  profiles,
  ...rest,
});

describe("a new name", () => {
  it("is written wherever the login is named, and taken back again", async () => {
    const state = await openClawState();
    const ada = login("ada");
    const before = {
      main: v1({ [WORK]: ada }, { order: { [P]: [WORK] }, usageStats: { [WORK]: { lastUsed: 1 } } }),
      ops: v1({}, { order: { [P]: [WORK] } }),
      eve: v1({ [WORK]: login("eve") }),
    };
    for (const [agentId, value] of Object.entries(before)) await state.put(agentId, value);
    const store = state.store();
    const { plan, values } = await store.plan({ profileId: WORK, provider: P, renameTo: HOME });
    expect(plan.keptElsewhere).toEqual(["eve"]);
    for (const file of plan.files) await store.apply(file, valueFor(values, file));
    expect(await state.get("main")).toEqual(
      v1({ [HOME]: ada }, { order: { [P]: [HOME] }, usageStats: { [HOME]: { lastUsed: 1 } } }),
    );
    expect(await state.get("ops")).toEqual(v1({}, { order: { [P]: [HOME] } }));
    expect(await state.get("eve")).toEqual(before.eve);
    for (const file of plan.files) expect(await store.check(file)).toBe("after");
    for (const file of plan.files) await store.undo(file, valueFor(values, file));
    for (const [agentId, value] of Object.entries(before)) expect(await state.get(agentId)).toEqual(value);
  });
});

describe("forgotten failures", () => {
  it("are taken away in both files, and put back by an undo", async () => {
    const state = await openClawState();
    const stats = { lastUsed: 1, cooldownUntil: NOW + 9 };
    await state.put("main", v1({ [WORK]: login("ada") }));
    await state.put("main", { version: 1, usageStats: { [WORK]: stats } }, "auth-state.json");
    const store = state.store();
    const plan = await carryOut(store, { profileId: WORK, failures: "clear" });
    expect(plan.files).toMatchObject([{ role: "notes", notes: { before: { cooldownUntil: NOW + 9 }, after: {} } }]);
    expect((await state.get("main", "auth-state.json"))["usageStats"]).toEqual({ [WORK]: { lastUsed: 1 } });
    expect((await store.read()).summaries).toMatchObject([{ id: WORK, state: "ok" }]);
    const [file] = plan.files;
    if (file === undefined) throw new Error("nothing planned");
    await store.undo(file, { next: null, previous: null });
    expect((await state.get("main", "auth-state.json"))["usageStats"]).toEqual({ [WORK]: stats });
  });
});

describe("a change that is planned", () => {
  it("goes by main's own store where it has one, whatever older logins lie beside it", async () => {
    const state = await openClawState();
    await state.put("main", v1({}));
    await state.put("main", {}, "auth.json");
    const plan = await carryOut(state.store(), { profileId: WORK, credential: sealedLogin("ada") });
    expect(plan.files).toMatchObject([{ agentId: "main", creates: false }]);
  });

  it("takes an agent that has only an order of its own for one without a store", async () => {
    const state = await openClawState();
    await state.put("main", v1({ [WORK]: login("ada") }));
    await state.put("ops", { version: 1, order: { [P]: [WORK] } }, "auth-state.json");
    const { plan } = await state.store().plan({ profileId: WORK, provider: P, order: [WORK] }, "ops");
    expect(plan).toMatchObject({ agentId: "ops", files: [{ agentId: "main", role: "order" }] });
  });

  it("takes the stores in the order of their locks, one that is to be begun among them", async () => {
    const state = await openClawState();
    await state.put("abe", v1({ [WORK]: login("ada") }));
    const { plan } = await state.store().plan({ profileId: WORK, provider: P, credential: sealedLogin("ada") });
    expect(plan.files.map(({ agentId, role, creates }) => [agentId, role, creates])).toEqual([
      ["abe", "copy", false],
      ["main", "owner", true],
    ]);
  });

  it("for a file that is no store any longer may be planned again", async () => {
    const state = await openClawState();
    await state.put("main", v1({}));
    const { plan } = await state.store().plan({ profileId: WORK, provider: P, credential: sealedLogin("ada") });
    const [file] = plan.files;
    if (file === undefined) throw new Error("nothing planned");
    await expect(state.store().check({ ...file, path: join(state.root, "gone.json") })).rejects.toMatchObject({
      code: "ERR_STORE_CONFLICT",
      retryable: true,
    });
  });
});

describe("what is read", () => {
  it("is nobody's inheritance for main, and a copy of what is broken is kept only for a change", async () => {
    const state = await openClawState();
    await state.put("main", v1({ [WORK]: login("ada"), broken: { type: "magic" } }));
    const corruptFolder = join(state.root, "corrupt");
    const store = state.store({ corruptFolder });
    expect(await store.readCredential(WORK)).toMatchObject({ inherited: false });
    expect(await store.readCredential("broken")).toBeUndefined();
    expect(await store.sharedTokens()).toEqual([]);
    await state.put("main", "{");
    await expect(store.read()).rejects.toMatchObject({ code: "ERR_STORE_CORRUPT" });
    expect(existsSync(corruptFolder)).toBe(false);
    await expect(store.read(undefined, { forChange: true })).rejects.toMatchObject({ code: "ERR_STORE_CORRUPT" });
    expect(await readdir(corruptFolder)).toHaveLength(1);
  });

  it("names the settings of openclaw.json that name a profile", async () => {
    const state = await openClawState();
    await state.configure(`{ auth: { profiles: { "${WORK}": {} } }, agents: { model: "gpt@${WORK}" } }`);
    expect(await state.store().namedInConfig(WORK)).toEqual([`auth.profiles.${WORK}`, "agents.model"]);
    expect(await state.store().namedInConfig(HOME)).toEqual([]);
  });

  it("goes by the generation that is known already, without asking again", async () => {
    const state = await openClawState();
    await state.put("main", v1({ [WORK]: login("ada") }, { order: { [P]: [WORK] } }));
    await state.put("main", { version: 1, order: { [P]: ["stale"] } }, "auth-state.json");
    let asked = 0;
    const generation = async (): Promise<"sqlite"> => {
      asked += 1;
      return "sqlite";
    };
    const store = state.store({ generation });
    expect((await store.knownToBe("json-single").read()).storeOrder).toEqual([WORK]);
    expect((await store.knownToBe("json-split").read()).storeOrder).toEqual(["stale"]);
    expect(asked).toBe(0);
    await expect(store.knownToBe("unknown").read()).rejects.toMatchObject({ code: "ERR_GENERATION_UNKNOWN" });
    await expect(store.read()).rejects.toMatchObject({ code: "ERR_GENERATION_UNSUPPORTED" });
    expect(asked).toBe(1);
  });

  it("is one look where the generation is known: the agents are those of its beginning, and the next look sees new ones", async () => {
    const state = await openClawState();
    await state.put("main", v1({ [WORK]: login("ada") }));
    const store = state.store();
    const look = store.knownToBe("json-split");
    const ids = async (one: typeof look) => (await one.agents()).map(({ agentId }) => agentId);
    expect(await ids(look)).toEqual(["main"]);
    await state.put("ops", v1({}));
    expect(await ids(look)).toEqual(["main"]);
    await expect(look.read("ops")).rejects.toMatchObject({ code: "ERR_AGENT_UNKNOWN" });
    expect(await ids(store.knownToBe("json-split"))).toEqual(["main", "ops"]);
    expect(await ids(store)).toEqual(["main", "ops"]);
  });
});

describe("all locks of a profile at once", () => {
  it("are the refresh lock and that of every agent with a folder; what is done with them takes none again", async () => {
    const state = await openClawState();
    await state.configure(`{ agents: { list: [{ id: "storeless" }] } }`);
    await state.put("main", v1({ [WORK]: login("ada") }));
    for (const agentId of ["ops", "zoe"]) await mkdir(dirname(state.path(agentId)), { recursive: true });
    const store = state.store();
    const { plan, values } = await store.plan({ profileId: WORK, provider: P, credential: sealedLogin("ada") });
    const [file] = plan.files;
    if (file === undefined) throw new Error("nothing planned");
    const locks = [refreshLockTarget(state.root, WORK), state.path("main"), state.path("ops")].map((p) => `${p}.lock`);
    const applied = await store.holding({ profileId: WORK, agentId: "storeless" }, async (held, hold) => {
      for (const lock of locks) expect(existsSync(lock), lock).toBe(true);
      hold.assertStillOurs();
      return await held.apply(file, valueFor(values, file), { waitMs: 50 });
    });
    expect(applied).toMatchObject({ outcome: "written" });
    for (const lock of locks) expect(existsSync(lock), lock).toBe(false);
    expect(existsSync(dirname(state.path("storeless")))).toBe(false);
  });

  it("are not taken for an agent that there is not", async () => {
    const state = await openClawState();
    await state.put("main", v1({}));
    let isRun = false;
    const held = state.store().holding({ profileId: ADA, agentId: "nobody" }, async () => (isRun = true));
    await expect(held).rejects.toMatchObject({ code: "ERR_AGENT_UNKNOWN" });
    expect(isRun).toBe(false);
  });

  it("are not taken where two agents' stores are one file by a link", async () => {
    const state = await openClawState();
    await state.put("main", v1({ [WORK]: login("ada") }));
    await mkdir(dirname(state.path("ops")), { recursive: true });
    await mkdir(dirname(state.path("zoe")), { recursive: true });
    await symlink(state.path("main"), state.path("ops"));
    let isRun = false;
    const held = state.store().holding({ profileId: WORK, agentId: "main" }, async () => (isRun = true));
    await expect(held).rejects.toMatchObject({ code: "ERR_STORE_LINKED" });
    expect(isRun).toBe(false);
    expect(existsSync(join(state.root, "locks"))).toBe(false);
  });
});
