import { existsSync } from "node:fs";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openCredential, sealCredential, unsealEntry } from "../../src/profiles/profile.ts";
import { applyAll, only, openClawInside, type Inside } from "../support/openclaw-inside.ts";
import { login, sealedLogin, valueFor } from "../support/openclaw-state.ts";

const WORK = "openai:work";
const CLAIM = "0123456789abcdef0123456789abcdef";
const entry = (who: string, extra: Record<string, unknown> = {}): Record<string, unknown> => ({
  ...login(who, extra),
  provider: "openai",
});

/** OpenClaw's marker in place of tokens, as 2026.9.6 writes it (facts/openclaw-sqlite-generation.md §1). */
function fenced(who: string, state: "" | "failed:"): Record<string, unknown> {
  const marker = (kind: string): string => `openclaw-oauth-refresh-fence:v1:${CLAIM}:${state}${kind}:${"0".repeat(64)}`;
  return {
    ...entry(who),
    access: marker("access"),
    refresh: marker("refresh"),
    expires: 1,
    email: `${who}@example.com`,
  };
}

async function withWork(who = "ada"): Promise<Inside> {
  const inside = await openClawInside("sqlite");
  await inside.put("shared", { profiles: { [WORK]: entry(who), "openai:bob": entry("bob") } });
  return inside;
}

describe("OpenClaw's databases from inside", () => {
  it("never get a file, and an agent without a store never gets one, whatever is asked about it", async () => {
    const inside = await withWork();
    const { store, state } = inside;
    await mkdir(inside.agentDir("ops"), { recursive: true });
    await mkdir(inside.agentDir("main"), { recursive: true });
    expect(await store.agents()).toEqual([
      { agentId: "main", isMain: true, hasStore: true },
      { agentId: "ops", isMain: false, hasStore: false },
    ]);
    expect((await store.read("ops")).summaries).toMatchObject([{ id: WORK, inherited: true }, { inherited: true }]);
    await inside.carryOut({ profileId: WORK, credential: sealedLogin("ada"), order: [WORK] }, "ops");
    await store.sharedTokens();
    for (const agent of ["ops", "main"]) expect(await readdir(inside.agentDir(agent))).toEqual([]);
    expect(existsSync(state.path("main"))).toBe(false);
    expect((await inside.get("shared"))["order"]).toEqual({ openai: [WORK] });
  });

  it("get ids, provider and fields in their own words, so that what was planned is what they give back", async () => {
    const inside = await withWork();
    const { store } = inside;
    const typed = sealCredential(login("zoe", { managedBy: "someone", note: { a: 1 }, idToken: "id", email: " " }));
    const change = { profileId: "openai-codex:zoe", provider: "openai-codex", credential: typed } as const;
    const planned = await store.plan({ ...change, order: ["openai-codex:zoe", "openai-codex:work"] });
    expect(planned.plan).toMatchObject({ profileId: "openai:zoe", provider: "openai", agentId: "main" });
    await applyAll(store, planned);
    const stored = await store.readCredential("openai-codex:zoe");
    const credential = stored === undefined ? undefined : openCredential(stored.credential);
    expect(credential).toMatchObject({ provider: "openai", idToken: "id", type: "oauth" });
    for (const gone of ["managedBy", "note", "email"]) expect(credential).not.toHaveProperty(gone);
    expect((await store.read()).storeOrder).toEqual(["openai:zoe", WORK]);
    expect(await store.check(only(planned))).toBe("after");
  });

  it("refuse a profile of another provider, also by a credential that would turn into one of ours", async () => {
    const inside = await withWork();
    const foreign = sealCredential({ type: "oauth", provider: "anthropic", access: "a" });
    const before = await inside.get("shared");
    for (const change of [
      { profileId: WORK, credential: foreign },
      { profileId: "anthropic:x", credential: sealedLogin("ada") },
    ]) {
      await expect(inside.carryOut(change)).rejects.toMatchObject({ code: "ERR_PROVIDER_OUT_OF_SCOPE" });
    }
    expect(await inside.get("shared")).toEqual(before);
  });

  it("are judged once more inside the write: what came in since the plan is a conflict and stays", async () => {
    const inside = await withWork();
    const { store, fake } = inside;
    const planned = await store.plan({ profileId: WORK, provider: "openai", credential: sealedLogin("ada") });
    const file = only(planned);
    const theirs = entry("carl");
    const before = await inside.get("shared");
    // Only the update itself sees it: the look before it must not hide what the update has to find.
    let looks = 0;
    fake.beforeUpdate = (found) => {
      looks += 1;
      if (looks === 2) found.profiles[WORK] = structuredClone(theirs);
    };
    const step = store.apply(file, valueFor(planned.values, file));
    await expect(step).rejects.toMatchObject({ code: "ERR_STORE_CONFLICT" });
    expect(looks).toBe(2);
    expect(await inside.get("shared")).toEqual(before);
  });

  it("that answer nothing are a coded error which may be tried again, for reading as for writing", async () => {
    const inside = await withWork();
    const { store, fake } = inside;
    const planned = await store.plan({ profileId: WORK, provider: "openai", credential: sealedLogin("ada") });
    const file = only(planned);
    const before = await inside.get("shared");
    const write = store.apply(file, valueFor(planned.values, file), {
      beforeWrite: async () => void (fake.busy = "once"),
    });
    await expect(write).rejects.toMatchObject({ code: "ERR_LOCK_TIMEOUT", retryable: true });
    fake.busy = true;
    await expect(store.read()).rejects.toMatchObject({ code: "ERR_LOCK_TIMEOUT", retryable: true });
    expect(await inside.get("shared")).toEqual(before);
    fake.busy = false;
    fake.needsMigration = true;
    await expect(store.read()).rejects.toMatchObject({ code: "ERR_STORE_LEGACY" });
  });

  it("are compared after the write: anything lost or foreign is drift, a use or a renewal by the gateway is not", async () => {
    const inside = await withWork();
    const { store, fake } = inside;
    const change = async (): Promise<void> =>
      void (await inside.carryOut({ profileId: WORK, credential: sealedLogin("ada"), order: ["openai:bob", WORK] }));
    fake.afterUpdate = (saved) => {
      saved.profiles["openai:bob"] = entry("bob");
      saved.usageStats = { "openai:bob": { lastUsed: 9 } };
    };
    await expect(change()).resolves.toBeUndefined();
    for (const meddle of [
      (saved: Parameters<NonNullable<typeof fake.afterUpdate>>[0]) => void delete saved.profiles["openai:bob"],
      (saved: Parameters<NonNullable<typeof fake.afterUpdate>>[0]) =>
        void (saved.profiles["openai:bob"] = entry("eve")),
      (saved: Parameters<NonNullable<typeof fake.afterUpdate>>[0]) => void (saved.profiles[WORK] = entry("ada")),
      (saved: Parameters<NonNullable<typeof fake.afterUpdate>>[0]) => void (saved.order = { openai: [WORK] }),
    ]) {
      await inside.put("shared", { profiles: { [WORK]: entry("ada"), "openai:bob": entry("bob") } });
      fake.afterUpdate = meddle;
      await expect(change()).rejects.toMatchObject({ code: "ERR_STORE_DRIFT" });
    }
    expect((await store.read()).summaries).toHaveLength(2);
  });

  it("keep orders and notes that name what another store has", async () => {
    const inside = await withWork();
    await inside.put("ops", {
      profiles: { "openai:own": entry("olga") },
      order: { openai: [WORK, "openai:own"], other: ["x:y"] },
      lastGood: { openai: WORK },
      usageStats: { [WORK]: { lastUsed: 4 } },
    });
    const before = await inside.get("ops");
    await inside.carryOut(
      { profileId: "openai:own", credential: sealedLogin("olga"), order: ["openai:own", WORK] },
      "ops",
    );
    const { lastGood, usageStats } = before;
    expect(await inside.get("ops")).toMatchObject({
      lastGood,
      usageStats,
      order: { openai: ["openai:own", WORK], other: ["x:y"] },
    });
  });

  it("that are main's and everybody's at once are one store: what is renewed in it is not taken for a second copy", async () => {
    const inside = await withWork();
    inside.fake.movedOver = true;
    await mkdir(inside.agentDir("main"), { recursive: true });
    await writeFile(join(inside.agentDir("main"), "openclaw-agent.sqlite"), "");
    const plan = await inside.carryOut({ profileId: WORK, credential: sealedLogin("ada"), order: [WORK] });
    expect(only({ plan })).toMatchObject({ path: "openclaw:shared", role: "owner" });
    expect(Object.keys((await inside.get("shared"))["profiles"] as object)).toContain(WORK);
    expect((await inside.store.read()).files).toEqual(["openclaw:shared"]);
  });

  it("of an agent main of its own come before the shared one", async () => {
    const inside = await withWork();
    const { store, sdk } = inside;
    await inside.put("main", { profiles: { "openai:mine": entry("mia") }, order: { openai: ["openai:mine", WORK] } });
    const snapshot = await store.read();
    expect(snapshot.effectiveOrder).toEqual(["openai:mine", WORK]);
    expect(snapshot.summaries.every(({ inherited }) => !inherited)).toBe(true);
    const plan = await inside.carryOut({ profileId: WORK, order: [WORK] });
    expect(only({ plan })).toMatchObject({ path: "openclaw:agent:main", agentId: "main" });
    expect((await inside.get("shared"))["order"]).toBeUndefined();
    expect(sdk.shape === "sqlite" && sdk.isShared(inside.agentDir("main"))).toBe(false);
  });

  it.each([
    ["failed:", "failed"],
    ["", "under-way"],
  ] as const)(
    "with a marker of a renewal (%s) show it as such, and never keep or put back the marker",
    async (state, renewal) => {
      const inside = await openClawInside("sqlite");
      const { store } = inside;
      await inside.put("shared", { profiles: { [WORK]: fenced("ada", state), "openai:bob": entry("bob") } });
      const [work] = (await store.read()).summaries.filter(({ id }) => id === WORK);
      expect(work).toMatchObject({ renewal, state: "unreadable", renewsItself: false, email: "ada@example.com" });
      expect(work).not.toHaveProperty("expiresAtMs");
      expect(await store.sharedTokens()).toEqual([]);
      const planned = await store.plan({ profileId: WORK, provider: "openai", credential: sealedLogin("ada") });
      const file = only(planned);
      const values = valueFor(planned.values, file);
      expect(JSON.stringify([values.previous?.expose(), values.next?.expose()])).not.toContain("fence");
      await store.apply(file, values);
      await store.undo(file, values);
      const restored = unsealEntry(values.previous ?? sealCredential({ type: "token", provider: "openai" }));
      expect((await inside.get("shared"))["profiles"]).toMatchObject({
        [WORK]: { type: "oauth", email: "ada@example.com" },
      });
      expect((await inside.get("shared"))["profiles"]).toHaveProperty([WORK], restored);
      expect(JSON.stringify(await inside.get("shared"))).not.toContain("fence");
    },
  );
});
