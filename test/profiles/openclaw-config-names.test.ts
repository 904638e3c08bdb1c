// Where openclaw.json names a profile, and what is read of it although other parts are of another type.

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { namedIn, normalizeAgentId, readOpenClawConfig } from "../../src/profiles/openclaw-config.ts";
import { temporaryFolder } from "../support/temp-folder.ts";

const WORK = "openai-codex:work";

async function configOf(value: unknown): Promise<string> {
  const path = join(await temporaryFolder(), "openclaw.json");
  await writeFile(path, JSON.stringify(value));
  return path;
}

/** An object so deep, with the profile's id at its end. */
const nested = (depth: number): unknown => (depth === 0 ? WORK : { a: nested(depth - 1) });

describe("where openclaw.json names a profile", () => {
  it("is told as the paths of the settings: by its id as a name or a value, or behind a model's name", async () => {
    const path = await configOf({
      auth: { profiles: { [WORK]: { mode: "oauth" } }, order: { "openai-codex": ["x", WORK] } },
      agents: { list: [{ model: `openai-codex/gpt@${WORK}` }, { model: `other@${WORK}` }], note: null, count: 1 },
      top: WORK,
    });
    expect(await namedIn(path, WORK)).toEqual([
      `auth.profiles.${WORK}`,
      "auth.order.openai-codex",
      "agents.list.model",
      "top",
    ]);
  });

  it("is not where the id is only a part of something else", async () => {
    const path = await configOf({ a: `${WORK}2`, b: `x${WORK}`, c: `@${WORK} `, [`${WORK}2`]: 1, d: "work" });
    expect(await namedIn(path, WORK)).toEqual([]);
  });

  it("is told of a value under a name that is the id as well, each once", async () => {
    expect(await namedIn(await configOf({ [WORK]: WORK, list: [WORK, WORK] }), WORK)).toEqual([WORK, "list"]);
  });

  it("is told ten times at most, and not looked for at any depth", async () => {
    const many = Object.fromEntries(Array.from({ length: 15 }, (_unused, index) => [`s${10 + index}`, WORK]));
    expect(await namedIn(await configOf(many), WORK)).toEqual(Object.keys(many).slice(0, 10));
    expect(await namedIn(await configOf({ ...many, [WORK]: WORK }), WORK)).toHaveLength(10);
    expect(await namedIn(await configOf(nested(12)), WORK)).toEqual([Array.from({ length: 12 }, () => "a").join(".")]);
    expect(await namedIn(await configOf(nested(13)), WORK)).toEqual([]);
  });

  it("is nowhere where there is no such file", async () => {
    expect(await namedIn(join(await temporaryFolder(), "none.json"), WORK)).toEqual([]);
  });
});

const read = async (value: unknown) => readOpenClawConfig(await configOf(value));

describe("what is read of openclaw.json", () => {
  const auth = {
    order: { "openai-codex": [" ", WORK], openai: ["openai:a"] },
    profiles: { [WORK]: { mode: "oauth" } },
  };
  const agents = { list: [{ id: "ops" }] };
  const declared = new Map([[WORK, { provider: undefined, mode: "oauth" }]]);

  it("is the order of the provider that is asked for", async () => {
    const path = await configOf({ auth, agents });
    expect(await readOpenClawConfig(path)).toEqual({ agents: [{ id: "ops" }], configOrder: [WORK], declared });
    expect((await readOpenClawConfig(path, "openai")).configOrder).toEqual(["openai:a"]);
    expect((await readOpenClawConfig(await configOf({ auth: { order: { "openai-codex": [" "] } } }))).configOrder).toBe(
      undefined,
    );
  });

  it("is each part for itself: one of another type does not hide the others", async () => {
    expect(await read({ agents: 7, auth })).toEqual({ agents: [], configOrder: [WORK], declared });
    expect(await read({ agents, auth: 7 })).toEqual({
      agents: [{ id: "ops" }],
      configOrder: undefined,
      declared: new Map(),
    });
    expect(await read({ agents, auth: { ...auth, order: 7 } })).toEqual({
      agents: [{ id: "ops" }],
      configOrder: undefined,
      declared,
    });
    expect(await read({ auth: { ...auth, profiles: 7 } })).toMatchObject({ configOrder: [WORK], declared: new Map() });
    expect(await read({ auth: { ...auth, order: { ...auth.order, other: 7 } } })).toMatchObject({
      configOrder: [WORK],
    });
    const odd = { ...auth, profiles: { odd: 7, [WORK]: { provider: 7, mode: "oauth" } } };
    expect([...(await read({ auth: odd })).declared]).toEqual([
      ["odd", { provider: undefined, mode: undefined }],
      [WORK, { provider: undefined, mode: "oauth" }],
    ]);
  });

  it("is of an agent its id as OpenClaw writes it, and its folder where one is named", async () => {
    const list = [
      { id: "A B", agentDir: " /x " },
      { id: "b", agentDir: " " },
      { agentDir: "/nobody" },
      null,
      { id: "" },
    ];
    expect((await readOpenClawConfig(await configOf({ agents: { list } }))).agents).toStrictEqual([
      { id: "a-b", agentDir: "/x" },
      { id: "b" },
      { id: "main" },
    ]);
  });
});

describe("an agent id", () => {
  it.each([
    ["--a--", "a"],
    ["a_b-1", "a_b-1"],
    ["a  &&  b", "a-b"],
    ["a.b/c", "a-b-c"],
    ["__", "__"],
    ["---", "main"],
    [` ${"x".repeat(63)}-y`, `${"x".repeat(63)}-`],
  ])("%j is %j", (id, normal) => {
    expect(normalizeAgentId(id)).toBe(normal);
  });
});
