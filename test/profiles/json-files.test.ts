// What is read of one agent's store files, and what each reader makes of parts that are missing or of another type.

import { readdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  asObject,
  entriesOf,
  entryOf,
  notesOf,
  orderOf,
  pathsOf,
  readAgentFiles,
  usageOf,
} from "../../src/profiles/json-files.ts";
import type { AgentPlace } from "../../src/profiles/agents.ts";
import { NOW, openClawState, type OpenClawState } from "../support/openclaw-state.ts";
import { filesOf, store } from "./plan-lab.ts";

const P = "openai-codex";
const WORK = `${P}:work`;

const placeIn = (state: OpenClawState): AgentPlace => ({
  agentId: "main",
  agentIds: ["main"],
  agentDir: dirname(state.path("main")),
  storePath: state.path("main"),
  statePath: state.path("main", "auth-state.json"),
  isMain: true,
});

describe("the files of an agent", () => {
  it("are those that there are", async () => {
    const state = await openClawState();
    const place = placeIn(state);
    expect(await readAgentFiles(place)).toEqual({ place, profiles: undefined, state: undefined });
    await state.put("main", store({ [WORK]: {} }));
    await state.put("main", { version: 1, lastGood: {} }, "auth-state.json");
    const both = await readAgentFiles(place);
    expect(both).toEqual({ place, profiles: store({ [WORK]: {} }), state: { version: 1, lastGood: {} } });
    expect(pathsOf(both)).toEqual([place.storePath, place.statePath]);
    const single = await readAgentFiles(place, { generation: "json-single" });
    expect(single.state).toBeUndefined();
    expect(pathsOf(single)).toEqual([place.storePath]);
    expect(pathsOf({ ...both, profiles: undefined })).toEqual([place.statePath]);
    expect((await readAgentFiles(place, { generation: "json-split" })).state).toBeDefined();
  });

  it.each([
    ["auth-profiles.json", { version: 1, profiles: {}, order: { [P]: ["a", 1] } }],
    ["auth-profiles.json", { version: 1, profiles: {}, order: { [P]: "a" } }],
    ["auth-profiles.json", { version: 1, profiles: {}, order: ["a"] }],
    ["auth-state.json", { version: 1, order: { [P]: [1, "a"] } }],
    ["auth-state.json", []],
  ])(
    "are refused where %s has another shape: %j, and a copy is kept under the moment that is given",
    async (name, value) => {
      const state = await openClawState();
      await state.put("main", store({}));
      await state.put("main", value, name);
      const corruptFolder = join(state.root, "corrupt");
      await expect(readAgentFiles(placeIn(state), { corruptFolder, now: NOW })).rejects.toMatchObject({
        code: "ERR_STORE_CORRUPT",
        next: expect.stringContaining(", and a copy of it was kept") as unknown,
      });
      const stamp = new Date(NOW).toISOString().replaceAll(/[:.]/g, "-");
      expect(await readdir(corruptFolder)).toEqual([`${stamp}-main-${name}.corrupt`]);
    },
  );

  it("are no less an error where no copy is kept, and say so", async () => {
    const state = await openClawState();
    await state.put("main", "{");
    const refused = readAgentFiles(placeIn(state));
    await expect(refused).rejects.toMatchObject({ code: "ERR_STORE_CORRUPT" });
    await expect(refused).rejects.not.toMatchObject({ next: expect.stringContaining("copy") as unknown });
  });

  it("copy nothing where another version wrote them, or where they cannot be read at all", async () => {
    const state = await openClawState();
    await state.put("main", { version: 2, profiles: {} });
    const corruptFolder = join(state.root, "corrupt");
    await expect(readAgentFiles(placeIn(state), { corruptFolder })).rejects.toMatchObject({
      code: "ERR_GENERATION_UNKNOWN",
    });
    await writeFile(state.path("main", "file"), "");
    const below = { ...placeIn(state), storePath: join(state.path("main", "file"), "auth-profiles.json") };
    await expect(readAgentFiles(below, { corruptFolder })).rejects.toMatchObject({ code: "ERR_FILE_UNREADABLE" });
    expect(await readdir(state.root)).toEqual(["agents"]);
  });

  it("may have an order of another provider in whatever form, and an order without ours", async () => {
    const state = await openClawState();
    await state.put("main", store({}, { order: { anthropic: "text" } }));
    expect(orderOf(await readAgentFiles(placeIn(state)))).toBeUndefined();
  });
});

describe("the order of a store", () => {
  it("is that of the second file where it has one, and an empty list is none", () => {
    const first = store({}, { order: { [P]: ["first"] } });
    const second = (list: readonly string[]): object => ({ order: { [P]: list } });
    expect(orderOf(filesOf("main", first))).toEqual(["first"]);
    expect(orderOf(filesOf("main", first, { ...second(["second"]) }))).toEqual(["second"]);
    expect(orderOf(filesOf("main", first, { ...second([]) }))).toEqual(["first"]);
    expect(orderOf(filesOf("main", store({}, { order: { [P]: [] } })))).toBeUndefined();
    expect(orderOf(filesOf("main", undefined, { order: { [P]: "text" } }))).toBeUndefined();
  });

  it("is that of the store's provider", () => {
    const files = filesOf("main", store({}, { order: { [P]: ["a"], openai: ["b"] } }));
    expect(orderOf({ ...files, provider: "openai" })).toEqual(["b"]);
  });
});

describe("entries and notes", () => {
  it("are only a store's own, never what every object has", () => {
    const files = filesOf("main", store({ [WORK]: null }, { usageStats: { [WORK]: { cooldownUntil: 1 } } }));
    expect(entryOf(files, WORK)).toBeNull();
    expect(entryOf(files, "constructor")).toBeUndefined();
    expect(notesOf(files, "constructor")).toEqual({});
    expect(entriesOf(filesOf("main", undefined))).toEqual({});
    expect(entriesOf(filesOf("main", { profiles: "text" }))).toEqual({});
  });

  it("of the second file come before those of the first", () => {
    const one = { [WORK]: { cooldownUntil: 1 }, only: { disabledUntil: 3 } };
    const files = filesOf("main", store({}, { usageStats: one }), { usageStats: { [WORK]: { cooldownUntil: 2 } } });
    expect(usageOf(files)).toEqual({ ...one, [WORK]: { cooldownUntil: 2 } });
    expect(notesOf(files, WORK)).toEqual({ cooldownUntil: 2 });
    expect(notesOf(files, "only")).toEqual({ disabledUntil: 3 });
    expect(usageOf(filesOf("main", { usageStats: "text" }))).toEqual({});
  });

  it("are objects: a list, null or a text is none", () => {
    const object = { a: 1 };
    expect(asObject(object)).toBe(object);
    for (const value of [null, undefined, [], "text", 1]) expect(asObject(value)).toBeUndefined();
  });
});
