// The store of a host outside the gateway, call by call: whom it asks, and how often it asks which generation OpenClaw is.

import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readEnvironment } from "../../src/config/env.ts";
import { openClawPaths } from "../../src/config/paths.ts";
import type { StoreGeneration } from "../../src/profiles/json-files.ts";
import { JsonProfileStore } from "../../src/profiles/json-store.ts";
import { OutsideStore } from "../../src/profiles/outside-store.ts";
import { PublishedStore } from "../../src/profiles/published-store.ts";
import { login, openClawState, type OpenClawState } from "../support/openclaw-state.ts";

const WORK = "openai-codex:work";

interface Lab {
  readonly state: OpenClawState;
  readonly outside: OutsideStore;
  readonly corruptFolder: string;
  /** Whose questions which generation OpenClaw is have been answered. */
  readonly asked: { outside: number; files: number };
  generation: StoreGeneration;
}

async function lab(): Promise<Lab> {
  const state = await openClawState();
  const paths = openClawPaths(readEnvironment({ HOME: state.root, OPENCLAW_STATE_DIR: state.root }));
  const corruptFolder = join(state.root, "corrupt");
  const asked = { outside: 0, files: 0 };
  const askedBy = (who: keyof typeof asked) => async (): Promise<StoreGeneration> => {
    asked[who] += 1;
    return world.generation;
  };
  const world: Lab = {
    state,
    corruptFolder,
    asked,
    generation: "json-split",
    outside: new OutsideStore({
      files: new JsonProfileStore({ paths, home: state.root, corruptFolder, generation: askedBy("files") }),
      published: new PublishedStore({ path: join(state.root, "published.json"), configPath: paths.configPath }),
      generation: askedBy("outside"),
    }),
  };
  return world;
}

describe("whoever only looks from outside", () => {
  it("goes by one answer for what is looked at at once, and by a new one later", async () => {
    const { state, outside, asked } = await lab();
    await state.put("main", { version: 1, profiles: { [WORK]: login("ada") } });
    await state.put("ops", { version: 1, profiles: {} });
    const [agents, main, ops] = await Promise.all([outside.agents(), outside.read(), outside.read("ops")]);
    expect(agents.map(({ agentId }) => agentId)).toEqual(["main", "ops"]);
    expect([main.agentId, ops.agentId]).toEqual(["main", "ops"]);
    expect(asked).toEqual({ outside: 1, files: 0 });
    await outside.read();
    expect(asked).toEqual({ outside: 2, files: 0 });
  });

  it("asks anew after an answer that failed", async () => {
    const world = await lab();
    world.generation = "unknown";
    await expect(world.outside.read()).rejects.toMatchObject({ code: "ERR_GENERATION_UNKNOWN" });
    world.generation = "json-split";
    expect((await world.outside.read()).summaries).toEqual([]);
  });

  it("is told where openclaw.json names a profile, and of tokens that lie in two places", async () => {
    const { state, outside } = await lab();
    const ada = login("ada");
    await state.configure(`{ auth: { profiles: { "${WORK}": {} } } }`);
    await state.put("main", { version: 1, profiles: { [WORK]: ada, "openai-codex:copy": ada } });
    expect(await outside.namedInConfig(WORK)).toEqual([`auth.profiles.${WORK}`]);
    expect(await outside.sharedTokens()).toMatchObject([{ holders: [{ profileId: WORK }, {}] }]);
  });

  it("never has a copy of a broken store kept; who reads for a change has, and the store asks once more itself", async () => {
    const { state, outside, asked, corruptFolder } = await lab();
    await state.put("main", "{ broken");
    const broken = { code: "ERR_STORE_CORRUPT" };
    for (const options of [undefined, {}, { forChange: false }]) {
      await expect(outside.read("main", options)).rejects.toMatchObject(broken);
    }
    expect(asked.files).toBe(0);
    expect(await readdir(state.root)).toEqual(["agents"]);
    await expect(outside.read("main", { forChange: true })).rejects.toMatchObject(broken);
    expect(asked.files).toBe(1);
    expect(await readdir(corruptFolder)).toHaveLength(1);
  });
});

describe("the provider that the store outside names", () => {
  it("is that of the last answer, the older one until there was any", async () => {
    const world = await lab();
    expect(world.outside.provider).toBe("openai-codex");
    world.generation = "sqlite";
    await expect(world.outside.agents()).rejects.toMatchObject({ code: "ERR_GENERATION_UNSUPPORTED" });
    expect(world.outside.provider).toBe("openai");
    world.generation = "json-single";
    await world.outside.agents();
    expect(world.outside.provider).toBe("openai-codex");
  });
});
