import { describe, expect, it } from "vitest";
import { factsOf } from "../../src/profiles/credential-facts.ts";
import { databaseWorld } from "../support/database-world.ts";
import { login } from "../support/openclaw-state.ts";

describe("the store of a host outside the gateway", () => {
  it("is OpenClaw's files until it has a database, and then what the plugin told, without a restart of ours", async () => {
    const world = await databaseWorld();
    const { inside, outside } = world;
    world.generation = "json-single";
    await inside.state.put("main", { version: 1, profiles: { "openai-codex:work": login("ada") } });
    expect((await outside.read()).summaries.map(({ id }) => id)).toEqual(["openai-codex:work"]);
    expect(outside.provider).toBe("openai-codex");
    const stored = await outside.readCredential("openai-codex:work");
    expect(stored).toBeDefined();
    expect(await outside.describe("openai-codex:work")).toEqual(stored === undefined ? undefined : factsOf(stored));
    expect(await outside.describe("openai-codex:none")).toBeUndefined();

    await inside.put("shared", { profiles: { "openai:work": { ...login("ada"), provider: "openai" } } });
    await world.publish();
    world.generation = "sqlite";
    expect((await outside.read()).summaries.map(({ id }) => id)).toEqual(["openai:work"]);
    expect(outside.provider).toBe("openai");
    expect(await outside.describe("openai-codex:work")).toMatchObject({ type: "oauth", renewsItself: true });
    await expect(outside.readCredential("openai:work")).rejects.toMatchObject({ code: "ERR_GENERATION_UNSUPPORTED" });
  });

  it("changes and holds files alone: a database is the plugin's", async () => {
    const world = await databaseWorld();
    const { inside, outside } = world;
    world.generation = "json-single";
    await inside.state.put("main", { version: 1, profiles: { "openai-codex:work": login("ada") } });
    const planned = await outside.plan({ profileId: "openai-codex:work", provider: "openai-codex", credential: null });
    const [file] = planned.plan.files;
    const values = file === undefined ? undefined : planned.values.get(file.path);
    if (file === undefined || values === undefined) throw new Error("a plan was expected");
    expect(await outside.check(file)).toBe("before");
    const target = { profileId: "openai-codex:work", agentId: "main" };
    expect(await outside.holding(target, (held) => held.check(file))).toBe("before");
    world.generation = "sqlite";
    for (const call of [
      () => outside.apply(file, values),
      () => outside.undo(file, values),
      () => outside.check(file),
      () => outside.holding(target, async () => "held"),
    ])
      await expect(call()).rejects.toMatchObject({ code: "ERR_GENERATION_UNSUPPORTED" });
    world.generation = "json-single";
    expect((await outside.read()).summaries).toHaveLength(1);
    await outside.apply(file, values);
    expect((await outside.read()).summaries).toEqual([]);
  });
});
