import { existsSync } from "node:fs";
import { chmod, lstat, mkdir, readFile, readdir, rename, rm, stat, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { openCredential } from "../../src/profiles/profile.ts";
import { exposeValues, readValues, storePlanSchema, type StorePlan } from "../../src/profiles/store.ts";
import { fingerprintJson } from "../../src/secrets/fingerprint.ts";
import {
  carryOut,
  login,
  NOW,
  openClawState,
  sealedLogin,
  valueFor,
  type OpenClawState,
} from "../support/openclaw-state.ts";

const WORK = "openai-codex:work";
const ADA = "openai-codex:ada@example.com";

const modeOf = async (path: string): Promise<number> => (await stat(path)).mode & 0o777;
const filesOf = async (state: OpenClawState, agentId = "main"): Promise<readonly string[]> =>
  (await readdir(dirname(state.path(agentId)))).toSorted();
const only = (plan: StorePlan): StorePlan["files"][number] => {
  const [file, ...rest] = plan.files;
  if (file === undefined || rest.length > 0) throw new Error(`expected one file, not ${plan.files.length}`);
  return file;
};

describe("a store of one file (2026.4.5)", () => {
  it("gets the profile and keeps everything else, 0600, with nothing left beside it", async () => {
    const state = await openClawState();
    const other = login("bob", { unknown: { field: [1, "two", null] } });
    const broken = { type: "magic", note: "OpenClaw does not know this one" };
    const usageStats = { [WORK]: { lastUsed: 3, cooldownUntil: NOW + 1 } };
    await state.put("main", { news: { a: 1 }, version: 1, profiles: { "anthropic:x": other, b: broken }, usageStats });
    await chmod(state.path("main"), 0o644);
    const credential = sealedLogin("ada");
    const plan = await carryOut(state.store(), { profileId: WORK, credential, order: [WORK, "b"] });
    const entry = openCredential(credential);
    expect(await state.get("main")).toEqual({
      news: { a: 1 },
      version: 1,
      profiles: { "anthropic:x": other, b: broken, [WORK]: entry },
      order: { "openai-codex": [WORK, "b"] },
      usageStats,
    });
    expect(only(plan)).toMatchObject({ role: "owner", before: null, after: fingerprintJson(entry), orderBefore: null });
    expect(await modeOf(state.path("main"))).toBe(0o600);
    expect(await filesOf(state)).toEqual(["auth-profiles.json"]);
  });

  it("keeps unknown fields of a renewed credential, and none of its earlier tokens", async () => {
    const state = await openClawState();
    const old = login("ada", { idToken: "old-id", displayName: "Ada", note: { mine: true } });
    await state.put("main", { version: 1, profiles: { [WORK]: old } });
    await carryOut(state.store(), { profileId: WORK, credential: sealedLogin("ada") });
    const { [WORK]: entry } = (await state.get("main"))["profiles"] as Record<string, Record<string, unknown>>;
    expect(entry).toMatchObject({ note: { mine: true } });
    for (const gone of [old["idToken"], old["access"], old["refresh"]])
      expect(Object.values(entry ?? {})).not.toContain(gone);
  });

  it("ignores an auth-state.json that a newer version left, where the generation is known", async () => {
    const state = await openClawState();
    await state.put("main", { version: 1, profiles: { [WORK]: login("ada") }, order: { "openai-codex": [WORK] } });
    await state.put("main", { version: 1, order: { "openai-codex": ["stale"] } }, "auth-state.json");
    const single = state.store({ generation: async () => "json-single" });
    expect((await single.read()).storeOrder).toEqual([WORK]);
    expect((await state.store().read()).storeOrder).toEqual(["stale"]);
    await carryOut(single, { profileId: WORK, order: [WORK, "x"] });
    expect(await state.get("main")).toMatchObject({ order: { "openai-codex": [WORK, "x"] } });
    expect(await state.get("main", "auth-state.json")).toMatchObject({ order: { "openai-codex": ["stale"] } });
  });
});

describe("a store of two files (2026.5.28)", () => {
  it("gets the credential in one and order and cooldown in the other, under one lock, both 0600", async () => {
    const state = await openClawState();
    const usageStats = {
      [WORK]: { lastUsed: 3, disabledUntil: NOW + 1, errorCount: 4 },
      other: { cooldownUntil: NOW + 1 },
    };
    await state.put("main", { version: 1, profiles: { [WORK]: login("ada") } });
    await state.put("main", { version: 1, lastGood: { "openai-codex": WORK }, usageStats, news: 1 }, "auth-state.json");
    const store = state.store();
    expect((await store.read()).summaries[0]).toMatchObject({ state: "disabled", position: 0 });
    const change = {
      profileId: WORK,
      provider: "openai-codex",
      credential: sealedLogin("ada"),
      order: [WORK],
      clearCooldown: true,
    } as const;
    const { plan, values } = await store.plan(change);
    let locks: readonly string[] = [];
    const file = only(plan);
    const applied = await store.apply(file, valueFor(values, file), {
      whileLocked: async () => {
        locks = (await filesOf(state)).filter((name) => name.endsWith(".lock"));
        expect(await store.check(file)).toBe("after");
      },
    });
    expect(applied).toEqual({
      outcome: "written",
      written: [state.path("main", "auth-state.json"), state.path("main")],
    });
    expect(locks).toEqual(["auth-profiles.json.lock"]);
    expect(await state.get("main", "auth-state.json")).toEqual({
      version: 1,
      lastGood: { "openai-codex": WORK },
      usageStats: { [WORK]: { lastUsed: 3, errorCount: 0 }, other: { cooldownUntil: NOW + 1 } },
      news: 1,
      order: { "openai-codex": [WORK] },
    });
    expect(await state.get("main")).not.toHaveProperty("order");
    expect(await modeOf(state.path("main", "auth-state.json"))).toBe(0o600);
    expect((await store.read()).summaries[0]).toMatchObject({ state: "ok" });
  });

  it("is finished by the next executor where one was killed between its two files", async () => {
    const state = await openClawState();
    await state.put("main", { version: 1, profiles: {} });
    await state.put("main", { version: 1 }, "auth-state.json");
    const store = state.store();
    const { plan, values } = await store.plan({
      profileId: WORK,
      provider: "openai-codex",
      credential: sealedLogin("ada"),
      order: [WORK],
    });
    const file = only(plan);
    await state.put("main", { version: 1, order: { "openai-codex": [WORK] } }, "auth-state.json");
    expect(await store.check(file)).toBe("before");
    expect(await store.apply(file, valueFor(values, file))).toEqual({
      outcome: "written",
      written: [state.path("main")],
    });
    expect(await store.check(file)).toBe("after");
  });

  it("takes an order in auth-profiles.json where auth-state.json has none", async () => {
    const state = await openClawState();
    await state.put("main", {
      version: 1,
      profiles: { [WORK]: login("a"), [ADA]: login("b") },
      order: { "openai-codex": [ADA, WORK] },
    });
    await state.put("main", { version: 1, order: { other: ["x"] } }, "auth-state.json");
    expect(await state.store().read()).toMatchObject({ effectiveOrder: [ADA, WORK], hasExplicitOrder: true });
  });
});

describe("a planned step", () => {
  it("is done once: the second time there is nothing to write, and the reload runs all the same", async () => {
    const state = await openClawState();
    await state.put("main", { version: 1, profiles: {} });
    const store = state.store();
    const { plan, values } = await store.plan({
      profileId: WORK,
      provider: "openai-codex",
      credential: sealedLogin("ada"),
    });
    const file = only(plan);
    await store.apply(file, valueFor(values, file));
    const { mtimeMs, ino } = await stat(state.path("main"));
    let reloads = 0;
    const again = await store.apply(file, valueFor(values, file), { whileLocked: async () => void (reloads += 1) });
    expect(again).toEqual({ outcome: "already", written: [] });
    expect(reloads).toBe(1);
    expect(await stat(state.path("main"))).toMatchObject({ mtimeMs, ino });
  });

  it("is refused where the profile was changed by somebody else, whose change stays", async () => {
    const state = await openClawState();
    await state.put("main", { version: 1, profiles: { [WORK]: login("ada") } });
    const store = state.store();
    const { plan, values } = await store.plan({
      profileId: WORK,
      provider: "openai-codex",
      credential: sealedLogin("ada"),
    });
    const refreshed = { version: 1, profiles: { [WORK]: login("ada") } };
    await state.put("main", refreshed);
    const file = only(plan);
    await expect(store.apply(file, valueFor(values, file))).rejects.toMatchObject({
      code: "ERR_STORE_CONFLICT",
      retryable: true,
    });
    expect(await store.check(file)).toBe("other");
    expect(await state.get("main")).toEqual(refreshed);
    expect(await filesOf(state)).toEqual(["auth-profiles.json"]);
  });

  it("of an order alone goes through where the gateway refreshed the profile in between", async () => {
    const state = await openClawState();
    await state.put("main", { version: 1, profiles: { [WORK]: login("ada") } });
    const store = state.store();
    const { plan, values } = await store.plan({ profileId: WORK, provider: "openai-codex", order: [WORK] });
    const refreshed = login("ada");
    await state.put("main", { version: 1, profiles: { [WORK]: refreshed } });
    const file = only(plan);
    expect(await store.apply(file, valueFor(values, file))).toMatchObject({ outcome: "written" });
    expect(await state.get("main")).toEqual({
      version: 1,
      profiles: { [WORK]: refreshed },
      order: { "openai-codex": [WORK] },
    });
  });

  it("still counts as done where OpenClaw dropped ids without a profile from the order", async () => {
    const state = await openClawState();
    await state.put("main", { version: 1, profiles: { [WORK]: login("ada") } });
    const store = state.store();
    const plan = await carryOut(store, { profileId: WORK, order: ["openai-codex:gone", WORK] });
    await state.put("main", { version: 1, profiles: { [WORK]: login("ada") }, order: { "openai-codex": [WORK] } });
    expect(await store.check(only(plan))).toBe("after");
    await state.put("main", { version: 1, profiles: { [WORK]: login("ada") } });
    expect(await store.check(only(plan))).toBe("before");
  });

  it("survives as JSON: a journalled plan and its saved values do the same work", async () => {
    const state = await openClawState();
    await state.put("main", { version: 1, profiles: { [WORK]: login("ada") } });
    const store = state.store();
    const planned = await store.plan({
      profileId: WORK,
      provider: "openai-codex",
      credential: sealedLogin("ada"),
      order: [WORK],
    });
    const journal = JSON.stringify(planned);
    const before = await readFile(state.path("main"), "utf8");
    const { access } = login("ada");
    expect(journal).not.toMatch(/"(access|refresh)"/);
    expect(access).toBeTypeOf("string");
    const plan = storePlanSchema.parse(JSON.parse(JSON.stringify(planned.plan)));
    const values = readValues(JSON.parse(JSON.stringify(exposeValues(planned.values))));
    expect(await readFile(state.path("main"), "utf8")).toBe(before);
    const file = only(plan);
    await state.store().apply(file, valueFor(values, file));
    expect(await state.store().check(file)).toBe("after");
  });

  it("refuses values that are not those of the plan", async () => {
    const state = await openClawState();
    await state.put("main", { version: 1, profiles: {} });
    const store = state.store();
    const { plan } = await store.plan({ profileId: WORK, provider: "openai-codex", credential: sealedLogin("ada") });
    const values = { next: sealedLogin("bob"), previous: null };
    await expect(store.apply(only(plan), values)).rejects.toMatchObject({ code: "ERR_INTERNAL" });
    expect(await state.get("main")).toEqual({ version: 1, profiles: {} });
  });

  it("writes only a file that is the store of an agent, whatever the journal says", async () => {
    const state = await openClawState();
    await state.put("main", { version: 1, profiles: {} });
    const { plan, values } = await state
      .store()
      .plan({ profileId: WORK, provider: "openai-codex", credential: sealedLogin("ada") });
    const file = only(plan);
    const elsewhere = { ...file, path: join(state.root, "elsewhere.json") };
    await expect(state.store().apply(elsewhere, valueFor(values, file))).rejects.toMatchObject({
      code: "ERR_STORE_CONFLICT",
    });
    expect(existsSync(elsewhere.path)).toBe(false);
  });

  it("passes a failed reload on; the file stays written and the lock is free", async () => {
    const state = await openClawState();
    await state.put("main", { version: 1, profiles: {} });
    const store = state.store();
    const { plan, values } = await store.plan({
      profileId: WORK,
      provider: "openai-codex",
      credential: sealedLogin("ada"),
    });
    const file = only(plan);
    const failure = new Error("no gateway");
    await expect(
      store.apply(file, valueFor(values, file), { whileLocked: () => Promise.reject(failure) }),
    ).rejects.toBe(failure);
    expect(await store.check(file)).toBe("after");
    expect(await filesOf(state)).toEqual(["auth-profiles.json"]);
  });

  it("is not written where the lock was lost on the way", async () => {
    const state = await openClawState();
    await state.put("main", { version: 1, profiles: {} });
    const store = state.store({ now: () => NOW });
    const { plan, values } = await store.plan({
      profileId: WORK,
      provider: "openai-codex",
      credential: sealedLogin("ada"),
    });
    const file = only(plan);
    const lock = `${state.path("main")}.lock`;
    const outcome = await store
      .apply(file, valueFor(values, file), { beforeWrite: () => rm(lock) })
      .catch((error: unknown) => error);
    expect(outcome).toMatchObject({ code: "ERR_LOCK_LOST" });
    expect(await state.get("main")).toEqual({ version: 1, profiles: {} });
    expect(await filesOf(state)).toEqual(["auth-profiles.json"]);
  });
});

describe("undoing a step", () => {
  it("puts the earlier profile and order back inside today's store", async () => {
    const state = await openClawState();
    const old = login("ada", { note: 1 });
    await state.put("main", { version: 1, profiles: { [WORK]: old } });
    const store = state.store();
    const { plan, values } = await store.plan({
      profileId: WORK,
      provider: "openai-codex",
      credential: sealedLogin("ada"),
      order: [WORK],
    });
    const file = only(plan);
    await store.apply(file, valueFor(values, file));
    const today = await state.get("main");
    const bob = login("bob");
    await state.put("main", { ...today, profiles: { ...(today["profiles"] as object), "openai-codex:bob": bob } });
    expect(await store.undo(file, valueFor(values, file))).toMatchObject({ outcome: "written" });
    expect(await state.get("main")).toEqual({ version: 1, profiles: { [WORK]: old, "openai-codex:bob": bob } });
    expect(await store.check(file)).toBe("before");
    expect(await store.undo(file, valueFor(values, file))).toMatchObject({ outcome: "already" });
  });

  it("takes a new profile away again, and leaves one that was refreshed since", async () => {
    const state = await openClawState();
    await state.put("main", { version: 1, profiles: {} });
    const store = state.store();
    const { plan, values } = await store.plan({
      profileId: WORK,
      provider: "openai-codex",
      credential: sealedLogin("ada"),
    });
    const file = only(plan);
    await store.apply(file, valueFor(values, file));
    const refreshed = { version: 1, profiles: { [WORK]: login("ada") } };
    await state.put("main", refreshed);
    await expect(store.undo(file, valueFor(values, file))).rejects.toMatchObject({ code: "ERR_STORE_CONFLICT" });
    expect(await state.get("main")).toEqual(refreshed);
    await state.put("main", {
      version: 1,
      profiles: { [WORK]: openCredential(valueFor(values, file).next ?? sealedLogin("x")) },
    });
    await store.undo(file, valueFor(values, file));
    expect(await state.get("main")).toEqual({ version: 1, profiles: {} });
  });

  it("may put back less than there was: an entry without its spent tokens", async () => {
    const state = await openClawState();
    const old = login("ada");
    await state.put("main", { version: 1, profiles: { [WORK]: old } });
    const store = state.store();
    const { plan, values } = await store.plan({
      profileId: WORK,
      provider: "openai-codex",
      credential: sealedLogin("ada"),
    });
    const file = only(plan);
    await store.apply(file, valueFor(values, file));
    const { refresh: _spent, ...kept } = old;
    const poorer = readValues({ [file.path]: { next: null, previous: JSON.stringify(kept) } });
    await store.undo(file, valueFor(poorer, file));
    expect(await state.get("main")).toEqual({ version: 1, profiles: { [WORK]: kept } });
  });
});

describe("where the store lies", () => {
  it("follows a linked file: its target is replaced, the link and its lock's place stay", async () => {
    const state = await openClawState();
    await state.put("main", { version: 1, profiles: {} });
    const real = join(state.root, "real");
    await mkdir(real);
    await rename(state.path("main"), join(real, "store.json"));
    await symlink(join(real, "store.json"), state.path("main"));
    const store = state.store();
    const { plan, values } = await store.plan({
      profileId: WORK,
      provider: "openai-codex",
      credential: sealedLogin("ada"),
    });
    const file = only(plan);
    await store.apply(file, valueFor(values, file), {
      whileLocked: async () => expect(existsSync(`${state.path("main")}.lock`)).toBe(true),
    });
    expect((await lstat(state.path("main"))).isSymbolicLink()).toBe(true);
    expect(await readdir(real)).toEqual(["store.json"]);
    expect(await state.get("main")).toHaveProperty(["profiles", WORK]);
  });
});
