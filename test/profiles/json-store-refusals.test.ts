import { existsSync } from "node:fs";
import { mkdir, readFile, readdir, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import type { StoreChange } from "../../src/profiles/store.ts";
import { carryOut, login, NOW, openClawState, sealedLogin, type OpenClawState } from "../support/openclaw-state.ts";
import { sealCredential } from "../../src/profiles/profile.ts";

const WORK = "openai-codex:work";
const save = (): StoreChange => ({ profileId: WORK, provider: "openai-codex", credential: sealedLogin("ada") });
const modeOf = async (path: string): Promise<number> => (await stat(path)).mode & 0o777;
const corruptIn = (state: OpenClawState): string => join(state.root, "corrupt");

describe("a store that cannot be read", () => {
  it.each([
    ["broken JSON", '{"version":1,"profiles":{"a":{"access":"sesame"'],
    ["nothing", ""],
    ["a list", "[]"],
    ["null", "null"],
    ["profiles that are a list", '{"version":1,"profiles":[]}'],
    ["no profiles", '{"version":1,"key":"sesame"}'],
    ["an order that is text", '{"version":1,"profiles":{},"order":"sesame"}'],
    ["an order of numbers", '{"version":1,"profiles":{},"order":{"openai-codex":[1]}}'],
  ])("(%s) is refused, never replaced, a copy kept 0600, and nothing of it repeated", async (_what, text) => {
    const state = await openClawState();
    await state.put("main", text);
    const store = state.store({ corruptFolder: corruptIn(state) });
    await expect(store.read()).rejects.toMatchObject({ code: "ERR_STORE_CORRUPT" });
    expect(existsSync(corruptIn(state))).toBe(false);
    const error: unknown = await store.plan(save()).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: "ERR_STORE_CORRUPT", next: expect.stringContaining("copy") });
    expect(String(error) + JSON.stringify(error)).not.toContain("sesame");
    expect(await readFile(state.path("main"), "utf8")).toBe(text);
    const [copy = "", ...rest] = await readdir(corruptIn(state));
    expect(rest).toEqual([]);
    expect(copy).not.toContain("sesame");
    expect(await readFile(join(corruptIn(state), copy), "utf8")).toBe(text);
    expect(await modeOf(join(corruptIn(state), copy))).toBe(0o600);
    expect(await modeOf(corruptIn(state))).toBe(0o700);
  });

  it("is copied once however often it is met, and only the newest three are kept", async () => {
    const state = await openClawState();
    for (let version = 0; version < 5; version += 1) {
      await state.put("main", `broken ${version}`);
      const store = state.store({ corruptFolder: corruptIn(state), now: () => NOW + version * 1_000 });
      for (let again = 0; again < 2; again += 1) {
        await expect(store.plan(save())).rejects.toMatchObject({ code: "ERR_STORE_CORRUPT" });
      }
    }
    const names = (await readdir(corruptIn(state))).toSorted();
    const texts = await Promise.all(names.map((name) => readFile(join(corruptIn(state), name), "utf8")));
    expect(texts).toEqual(["broken 2", "broken 3", "broken 4"]);
  });

  it("that is broken between plan and write is left as it is too", async () => {
    const state = await openClawState();
    await state.put("main", { version: 1, profiles: {} });
    const store = state.store();
    const { plan, values } = await store.plan(save());
    await state.put("main", "{");
    const [file] = plan.files;
    const value = values.get(state.path("main"));
    if (file === undefined || value === undefined) throw new Error("nothing planned");
    await expect(store.apply(file, value)).rejects.toMatchObject({ code: "ERR_STORE_CORRUPT" });
    expect(await readFile(state.path("main"), "utf8")).toBe("{");
    expect(await readdir(dirname(state.path("main")))).toEqual(["auth-profiles.json"]);
  });

  it("of another agent does not stand in the way, and is named", async () => {
    const state = await openClawState();
    await state.put("main", { version: 1, profiles: {} });
    await state.put("ops", "{");
    const plan = await carryOut(state.store(), save());
    expect(plan.unreadable).toEqual(["ops"]);
    expect(await readFile(state.path("ops"), "utf8")).toBe("{");
    await expect(state.store().plan(save(), "ops")).rejects.toMatchObject({ code: "ERR_STORE_CORRUPT" });
  });

  it("because openclaw.json is broken is said so, without quoting it", async () => {
    const state = await openClawState();
    await state.configure('{ gateway: { token: "sesame" ');
    const error: unknown = await state
      .store()
      .read()
      .catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: "ERR_FILE_NOT_JSON" });
    expect(JSON.stringify([String(error), (error as Error).stack])).not.toContain("sesame");
  });
});

describe("a store of another generation", () => {
  it.each([
    ["sqlite", "ERR_GENERATION_UNSUPPORTED"],
    ["unknown", "ERR_GENERATION_UNKNOWN"],
  ] as const)("(%s) is refused before anything is read", async (generation, code) => {
    const state = await openClawState();
    await state.put("main", { version: 1, profiles: { [WORK]: login("ada") } });
    const before = await readFile(state.path("main"), "utf8");
    const store = state.store({ generation: async () => generation });
    await expect(store.read()).rejects.toMatchObject({ code });
    await expect(store.plan(save())).rejects.toMatchObject({ code });
    expect(await readFile(state.path("main"), "utf8")).toBe(before);
  });

  it("is refused by the number in the file, in either file", async () => {
    const state = await openClawState();
    await state.put("main", { version: 2, profiles: {} });
    await expect(state.store().read()).rejects.toMatchObject({ code: "ERR_GENERATION_UNKNOWN" });
    await state.put("main", { profiles: {} });
    expect((await state.store().read()).summaries).toEqual([]);
    await state.put("main", { version: 7 }, "auth-state.json");
    await expect(state.store().read()).rejects.toMatchObject({ code: "ERR_GENERATION_UNKNOWN" });
  });

  it("is asked for again before the write: an update in between is noticed", async () => {
    const state = await openClawState();
    await state.put("main", { version: 1, profiles: {} });
    const { plan, values } = await state.store().plan(save());
    const [file] = plan.files;
    const value = values.get(state.path("main"));
    if (file === undefined || value === undefined) throw new Error("nothing planned");
    const updated = state.store({ generation: async () => "sqlite" });
    await expect(updated.apply(file, value)).rejects.toMatchObject({ code: "ERR_GENERATION_UNSUPPORTED" });
    expect(await state.get("main")).toEqual({ version: 1, profiles: {} });
  });
});

describe("a store that does not exist yet", () => {
  it("is empty to look at, and nothing is made by looking", async () => {
    const state = await openClawState();
    expect(await state.store().read()).toMatchObject({ summaries: [], effectiveOrder: [], files: [] });
    await state.store().plan(save());
    expect(await readdir(state.root)).toEqual([]);
  });

  it("is begun for main, the folder 0700 and the file 0600", async () => {
    const state = await openClawState();
    const plan = await carryOut(state.store(), { ...save(), order: [WORK] });
    expect(plan.files).toMatchObject([{ creates: true, before: null }]);
    expect(await state.get("main")).toMatchObject({ version: 1, order: { "openai-codex": [WORK] } });
    expect(await modeOf(state.path("main"))).toBe(0o600);
    expect(await modeOf(dirname(state.path("main")))).toBe(0o700);
  });

  it.each([
    ["auth.json", (state: OpenClawState) => state.path("main", "auth.json")],
    ["credentials/oauth.json", (state: OpenClawState) => join(state.root, "credentials", "oauth.json")],
  ])("is not begun while OpenClaw still has %s to import", async (_name, pathOf) => {
    const state = await openClawState();
    await mkdir(dirname(pathOf(state)), { recursive: true });
    await writeFile(pathOf(state), "{}");
    await expect(state.store().plan(save())).rejects.toMatchObject({
      code: "ERR_STORE_LEGACY",
      next: expect.stringContaining("Start OpenClaw once"),
    });
    expect(existsSync(state.path("main"))).toBe(false);
  });

  it("is not begun where such a file came between plan and write", async () => {
    const state = await openClawState();
    const { plan, values } = await state.store().plan(save());
    const [file] = plan.files;
    const value = values.get(state.path("main"));
    if (file === undefined || value === undefined) throw new Error("nothing planned");
    await state.put("main", {}, "auth.json");
    await expect(state.store().apply(file, value)).rejects.toMatchObject({ code: "ERR_STORE_LEGACY" });
    expect(await readdir(dirname(state.path("main")))).toEqual(["auth.json"]);
  });

  it("has no order to change and no profile to remove", async () => {
    const store = (await openClawState()).store();
    await expect(store.plan({ profileId: WORK, provider: "openai-codex", order: [WORK] })).rejects.toMatchObject({
      code: "ERR_STORE_MISSING",
    });
    await expect(store.plan({ profileId: WORK, provider: "openai-codex", credential: null })).rejects.toMatchObject({
      code: "ERR_PROFILE_UNKNOWN",
    });
  });

  it("that was removed between plan and write is not begun anew", async () => {
    const state = await openClawState();
    await state.put("main", { version: 1, profiles: {} });
    const { plan, values } = await state.store().plan(save());
    const { rm } = await import("node:fs/promises");
    await rm(state.path("main"));
    const [file] = plan.files;
    const value = values.get(state.path("main"));
    if (file === undefined || value === undefined) throw new Error("nothing planned");
    await expect(state.store().apply(file, value)).rejects.toMatchObject({ code: "ERR_STORE_CONFLICT" });
    expect(existsSync(state.path("main"))).toBe(false);
  });
});

describe("profiles of other providers", () => {
  it("are not listed, and never written over", async () => {
    const state = await openClawState();
    const before = {
      version: 1,
      profiles: {
        "anthropic:x": { type: "oauth", provider: "anthropic", access: "a" },
        [WORK]: { type: "api_key", provider: "anthropic", key: "k" },
      },
    };
    await state.put("main", before);
    const store = state.store();
    expect((await store.read()).summaries).toEqual([]);
    await expect(store.plan(save())).rejects.toMatchObject({ code: "ERR_PROVIDER_OUT_OF_SCOPE" });
    await expect(store.plan({ ...save(), profileId: "anthropic:new" })).rejects.toMatchObject({
      code: "ERR_PROVIDER_OUT_OF_SCOPE",
    });
    const foreign = sealCredential({ type: "api_key", provider: "anthropic", key: "k" });
    await expect(store.plan({ ...save(), profileId: "openai-codex:new", credential: foreign })).rejects.toMatchObject({
      code: "ERR_PROVIDER_OUT_OF_SCOPE",
    });
    expect(await state.get("main")).toEqual(before);
  });
});
