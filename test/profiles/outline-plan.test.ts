// The outline of stores that others cannot read: what it says of each, and that a plan made from it is the plan itself.

import { describe, expect, it } from "vitest";
import type { AgentFiles, JsonObject } from "../../src/profiles/json-files.ts";
import { planChange } from "../../src/profiles/json-plan.ts";
import { planNotes, planRename } from "../../src/profiles/json-plan-manage.ts";
import { holdersIn, outlineOf, outlineSchema, planFromOutline } from "../../src/profiles/outline.ts";
import type { StoreChange } from "../../src/profiles/store.ts";
import { fingerprint, fingerprintJson } from "../../src/secrets/fingerprint.ts";
import { login } from "../support/openclaw-state.ts";
import { filesOf, pathOf, planInput, store } from "./plan-lab.ts";

const P = "openai";
const [WORK, HOME, BOB] = ["openai:work", "openai:home", "openai:bob"];
const provider = { provider: P } as const;
const person = (who: string): Record<string, unknown> => ({ ...login(who), ...provider });
const files = (agentId: string, profiles?: JsonObject, rest?: JsonObject): AgentFiles => ({
  ...filesOf(agentId, profiles === undefined ? undefined : store(profiles, rest)),
  ...provider,
});

const attempt = (plan: () => unknown): unknown => {
  try {
    return plan();
  } catch (error) {
    return (error as { readonly code?: unknown }).code;
  }
};

describe("the outline of a store", () => {
  it("has the prints of its own Codex profiles, its order and its notes of failures, and no value", () => {
    const [ada, opaque] = [person("ada"), { type: "oauth", ...provider, access: "a" }];
    const main = files(
      "main",
      { [WORK]: ada, [HOME]: opaque, "anthropic:x": { type: "oauth", provider: "anthropic", refresh: "r" } },
      {
        order: { [P]: [WORK], other: ["x"] },
        lastGood: { [P]: WORK, other: "x" },
        usageStats: {
          [WORK]: { lastUsed: 1, cooldownUntil: 2 },
          [HOME]: { lastUsed: 1 },
          "anthropic:x": { errorCount: 1 },
        },
      },
    );
    const outline = outlineOf(main.place, main, main);
    expect(outline).toStrictEqual({
      path: pathOf("main"),
      agentId: "main",
      agentIds: ["main"],
      isMain: true,
      isReadable: true,
      isBegun: true,
      entries: {
        [WORK]: { print: fingerprintJson(ada), isMains: true, refresh: fingerprint(String(ada["refresh"])) },
        [HOME]: { print: fingerprintJson(opaque), isMains: true },
      },
      order: [WORK],
      lastGood: WORK,
      notes: { [WORK]: { cooldownUntil: 2 }, [HOME]: {} },
    });
    expect(outlineSchema.parse([outline])).toEqual([outline]);
  });

  it("says of an agent's profile whether it is the login that main has under that id", () => {
    const main = files("main", { [WORK]: person("ada"), [HOME]: person("ada"), [BOB]: { broken: 1, ...provider } });
    const own = files("ops", {
      [WORK]: person("ada"),
      [HOME]: person("bob"),
      [BOB]: { broken: 2, ...provider },
      "openai:own": person("ada"),
    });
    const { entries } = outlineOf(own.place, own, main);
    expect(Object.entries(entries).map(([id, { isMains }]) => [id, isMains])).toEqual([
      [WORK, true],
      [HOME, false],
      [BOB, false],
      ["openai:own", false],
    ]);
  });

  it("is next to nothing where there is no store, where it is empty, and where it cannot be read", () => {
    const main = files("main", {});
    const base = { path: pathOf("ops"), agentId: "ops", agentIds: ["ops"], isMain: false, entries: {}, notes: {} };
    const none = files("ops");
    expect(outlineOf(none.place, none, main)).toStrictEqual({ ...base, isReadable: true, isBegun: false });
    const empty = files("ops", {});
    expect(outlineOf(empty.place, empty, main)).toStrictEqual({ ...base, isReadable: true, isBegun: true });
    expect(outlineOf(none.place, undefined, main)).toStrictEqual({ ...base, isReadable: false, isBegun: false });
  });

  it("is that of the provider of the stores, and finds the last good one in the second file, too", () => {
    const older = filesOf("main", store({ "openai-codex:a": login("ada") }), { lastGood: { "openai-codex": "x" } });
    expect(outlineOf(older.place, older, older)).toMatchObject({ entries: { "openai-codex:a": {} }, lastGood: "x" });
    const odd = filesOf("main", store({}, { lastGood: { "openai-codex": 7 } }));
    expect(outlineOf(odd.place, odd, odd)).not.toHaveProperty("lastGood");
  });
});

describe("a plan from outlines", () => {
  const noted = { usageStats: { [WORK]: { cooldownUntil: 9 } } };
  const main = files(
    "main",
    { [WORK]: person("ada"), [BOB]: person("bob") },
    { order: { [P]: [BOB, WORK] }, ...noted },
  );
  const others = [
    files("copy", { [WORK]: person("ada") }, { order: { [P]: [WORK] }, ...noted }),
    files("eve", { [WORK]: person("eve"), "openai:own": person("eve") }),
    files("named", {}, { lastGood: { [P]: WORK } }),
    files("noted", {}, noted),
    files("ordered", {}, { order: { [P]: [WORK] } }),
  ];
  const none = files("none");
  const outline = [main, ...others, none].map((one) => outlineOf(one.place, one, main));
  const about = (more: Partial<StoreChange>): StoreChange => ({ profileId: WORK, provider: P, ...more });

  it.each([
    ["a removal", about({ credential: null })],
    ["a removal of one's own", about({ profileId: "openai:own", credential: null })],
    ["a removal that changes the order", about({ credential: null, order: [BOB], clearCooldown: true })],
    ["an order", about({ order: [WORK, BOB] })],
    ["no order", about({ order: null })],
    ["a new name", about({ renameTo: HOME })],
    ["forgotten failures", about({ failures: "clear" })],
    ["failures put back", about({ failures: { [pathOf("main")]: { errorCount: 1 } } })],
    ["a profile that there is not", about({ profileId: "openai:nobody", credential: null })],
    ["a name that is taken", about({ renameTo: BOB })],
  ])("is the plan itself, for every agent: %s", (_what, change) => {
    const planAny = change.renameTo !== undefined ? planRename : change.failures !== undefined ? planNotes : planChange;
    for (const agentId of ["main", "copy", "eve", "named", "noted", "ordered"]) {
      const input = { ...planInput(main, others, agentId), lockPathOf: ({ place }: AgentFiles) => place.storePath };
      const itself = attempt(() => planAny(change, input).plan);
      expect(itself).toBeDefined();
      expect(
        attempt(() => planFromOutline(outline, change, { agentId, provider: P }).plan),
        agentId,
      ).toEqual(itself);
    }
  });

  it("holds no values, and is main's for an agent without a store", () => {
    const { plan, values } = planFromOutline(outline, about({ order: [WORK] }), { agentId: "none", provider: P });
    expect(plan).toMatchObject({ agentId: "none", files: [{ path: pathOf("main"), orderAfter: [WORK] }] });
    expect(values.size).toBe(0);
  });

  it("touches no store that is not begun, the inherited one among them", () => {
    const at = { agentId: "none", provider: P } as const;
    const failures = { [pathOf("none")]: { errorCount: 1 } };
    expect(planFromOutline(outline, about({ failures }), at).plan.files).toEqual([]);
    const unbegun = files("main");
    const nothing = [outlineOf(unbegun.place, unbegun, unbegun)];
    expect(() => planFromOutline(nothing, about({ order: [WORK] }), { agentId: "main", provider: P })).toThrow(
      expect.objectContaining({ code: "ERR_STORE_MISSING" }),
    );
  });

  it("understands the ids of before the database", () => {
    const older = { profileId: "openai-codex:work", provider: "openai-codex" } as const;
    const at = { agentId: "main", provider: P } as const;
    expect(planFromOutline(outline, { ...older, order: ["openai-codex:work"] }, at).plan).toMatchObject({
      profileId: WORK,
      provider: P,
      files: [{ profileId: WORK, orderAfter: [WORK] }],
    });
    const { plan } = planFromOutline(outline, { ...older, renameTo: "openai-codex:home" }, at);
    expect(plan.files.map(({ renameTo }) => renameTo)).toEqual(plan.files.map(() => HOME));
  });

  it("names the agents whose store cannot be read", () => {
    const broken = [...outline, outlineOf(files("broken").place, undefined, main)];
    const at = { agentId: "main", provider: P } as const;
    expect(planFromOutline(broken, about({ order: [WORK] }), at).plan.unreadable).toEqual(["broken"]);
    expect(planFromOutline(outline, about({ order: [WORK] }), at).plan.unreadable).toEqual([]);
  });

  it("cannot be made from nothing", () => {
    expect(() => planFromOutline([], about({}), { agentId: "main", provider: P })).toThrow(TypeError);
  });
});

describe("where refresh tokens lie", () => {
  it("is told by their prints, and not of a profile without one", () => {
    const ada = person("ada");
    const main = files("main", { [WORK]: ada, [HOME]: { type: "oauth", ...provider, access: "a" } });
    const own = files("ops", { [BOB]: ada });
    const outline = [main, own].map((one) => outlineOf(one.place, one, main));
    const print = fingerprint(String(ada["refresh"]));
    expect(holdersIn(outline)).toEqual([
      { owner: "main", profileId: WORK, print },
      { owner: "ops", profileId: BOB, print },
    ]);
  });
});
