import fc from "fast-check";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { CodexAuthError, isCodexAuthError } from "../../src/errors.ts";
import type { PlannedChange, ProfileStore, StoreChange } from "../../src/profiles/store.ts";
import { databaseWorld, type DatabaseWorld } from "../support/database-world.ts";
import { login, NOW } from "../support/openclaw-state.ts";

const NAMES = ["work", "home", "bob"];
const PEOPLE = ["ada", "bob"];
const name = fc.constantFrom(...NAMES);
const ids = (names: readonly string[]): string[] => names.map((one) => `openai:${one}`);
const seed = fc.record({
  who: fc.dictionary(name, fc.constantFrom(...PEOPLE, "nobody")),
  order: fc.option(fc.uniqueArray(name, { minLength: 1 }), { nil: undefined }),
  lastGood: fc.option(name, { nil: undefined }),
  failed: fc.uniqueArray(name),
});
type Seed = typeof seed extends fc.Arbitrary<infer T> ? T : never;

const change = fc.oneof(
  name.map((one) => ({ ...about(one), credential: null })),
  fc.tuple(name, fc.uniqueArray(name)).map(([one, order]) => ({ ...about(one), order: ids(order) })),
  fc.tuple(name, fc.uniqueArray(name)).map(([one, order]) => ({ ...about(one), credential: null, order: ids(order) })),
  name.map((one) => ({ ...about(one), order: null })),
  fc.tuple(name, name).map(([one, to]) => ({ ...about(one), renameTo: `openai-codex:${to}` })),
  name.map((one) => ({ ...about(one), failures: "clear" as const })),
  name.map((one) => ({ ...about(one), failures: { "openclaw:shared": { errorCount: 1 }, "openclaw:agent:ops": {} } })),
);

/** Ids of either generation are asked for. */
function about(one: string): Pick<StoreChange, "profileId" | "provider"> {
  return one === "home"
    ? { profileId: "openai-codex:home", provider: "openai-codex" }
    : { profileId: `openai:${one}`, provider: "openai" };
}

async function put({ inside }: DatabaseWorld, owner: string, { who, order, lastGood, failed }: Seed): Promise<void> {
  const profiles = Object.entries(who).map(([one, person]) => [`openai:${one}`, entryOf(person)] as const);
  const notes = ids(failed).map((id) => [id, { lastUsed: NOW, errorCount: 2, cooldownReason: "rate_limit" }] as const);
  await inside.put(owner, {
    profiles: Object.fromEntries([...profiles, ["anthropic:x", { type: "api_key", provider: "anthropic", key: "k" }]]),
    ...(order === undefined ? {} : { order: { openai: ids(order) } }),
    ...(lastGood === undefined ? {} : { lastGood: { openai: `openai:${lastGood}` } }),
    usageStats: Object.fromEntries(notes),
  });
}

/** Two logins of one person are the same login; two that do not say whose they are are not. */
function entryOf(person: string): Record<string, unknown> {
  if (person === "nobody") return { type: "oauth", provider: "openai", access: "no claims", refresh: `r-${++made}` };
  return { ...login(person), provider: "openai" };
}
let made = 0;

async function planned(
  store: ProfileStore,
  wanted: StoreChange,
  agentId: string,
): Promise<PlannedChange["plan"] | string> {
  try {
    return (await store.plan(wanted, agentId)).plan;
  } catch (error) {
    if (isCodexAuthError(error)) return error.code;
    throw error;
  }
}

describe("a plan from what the plugin has published", () => {
  it("is the plugin's own plan, whatever lies where, and holds no values", async () => {
    const stores = fc.record({ shared: seed, ops: fc.option(seed), main: fc.option(seed) });
    await fc.assert(
      fc.asyncProperty(stores, change, fc.constantFrom("main", "ops", "idle"), async (seeds, wanted, agentId) => {
        const world = await databaseWorld();
        await world.inside.state.configure(`{ agents: { list: [{ id: "main" }, { id: "ops" }, { id: "idle" }] } }`);
        await put(world, "shared", seeds.shared);
        if (seeds.ops !== null) await put(world, "ops", seeds.ops);
        if (seeds.main !== null) await put(world, "main", seeds.main);
        await world.publish();
        const theirs = await planned(world.inside.store, wanted, agentId);
        expect(await planned(world.outside, wanted, agentId)).toEqual(theirs);
        if (typeof theirs !== "string") expect((await world.outside.plan(wanted, agentId)).values.size).toBe(0);
      }),
      { numRuns: 60 },
    );
  });

  it("finds a store that only remembers the profile as the last good one, or by its notes", async () => {
    const nobody: Seed = { who: {}, order: undefined, lastGood: undefined, failed: [] };
    for (const memory of [{ lastGood: "work" }, { failed: ["work"] }, { order: ["work"] }]) {
      const world = await databaseWorld();
      await put(world, "shared", { ...nobody, who: { work: "ada" } });
      await put(world, "ops", { ...nobody, ...memory });
      await world.publish();
      const rename = { ...about("work"), renameTo: "openai:office" };
      const theirs = await planned(world.inside.store, rename, "main");
      expect(theirs).toMatchObject({ files: [{ role: "order", agentId: "ops" }, { role: "owner" }] });
      expect(await planned(world.outside, rename, "main")).toEqual(theirs);
    }
  });

  it("names an agent whose store cannot be read, and refuses to plan for that one", async () => {
    const world = await databaseWorld();
    await put(world, "shared", { who: { work: "ada" }, order: undefined, lastGood: undefined, failed: [] });
    await put(world, "ops", { who: {}, order: undefined, lastGood: undefined, failed: [] });
    const { sdk } = world.inside;
    const load = sdk.shape === "sqlite" ? sdk.load : undefined;
    if (load === undefined) throw new Error("a database was expected");
    Object.assign(sdk, {
      load: (dir?: string) =>
        dir?.includes("ops") === true
          ? Promise.reject(new CodexAuthError("ERR_STORE_CORRUPT", { message: "broken", next: "mend it" }))
          : load.call(sdk, dir),
    });
    await world.publish();
    const removal = { ...about("work"), credential: null };
    expect(await planned(world.outside, removal, "main")).toMatchObject({ unreadable: ["ops"] });
    expect(await planned(world.outside, removal, "ops")).toBe("ERR_STORE_CORRUPT");
  });

  it("is not offered by what an earlier plugin published, and nothing of other providers is told", async () => {
    const world = await databaseWorld();
    await put(world, "shared", { who: { work: "ada" }, order: undefined, lastGood: undefined, failed: [] });
    await world.publish();
    const path = join(world.inside.state.root, "published.json");
    const text = await readFile(path, "utf8");
    expect(text).not.toContain("anthropic");
    const { outline, ...rest } = JSON.parse(text) as Record<string, unknown>;
    expect(outline).toHaveLength(1);
    await writeFile(path, JSON.stringify(rest));
    const removal = { ...about("work"), credential: null };
    expect(await planned(world.outside, removal, "main")).toBe("ERR_GENERATION_UNSUPPORTED");
    await expect(world.outside.sharedTokens()).rejects.toMatchObject({ code: "ERR_GENERATION_UNSUPPORTED" });
    expect((await world.outside.read()).summaries).toHaveLength(1);
  });
});
