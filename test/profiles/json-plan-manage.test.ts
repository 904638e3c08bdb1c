// Plans of a new name and of forgotten failures: which stores, in which role, and what is refused.

import { describe, expect, it } from "vitest";
import { planNotes, planRename } from "../../src/profiles/json-plan-manage.ts";
import type { StoreChange } from "../../src/profiles/store.ts";
import { fingerprintJson } from "../../src/secrets/fingerprint.ts";
import { login } from "../support/openclaw-state.ts";
import { filesOf, pathOf, planInput, store } from "./plan-lab.ts";

const P = "openai-codex";
const [WORK, HOME, BOB] = [`${P}:work`, `${P}:home`, `${P}:bob`];
const rename = (more: Partial<StoreChange> = {}): StoreChange => ({
  profileId: WORK,
  provider: P,
  renameTo: HOME,
  ...more,
});
const clear = (more: Partial<StoreChange> = {}): StoreChange => ({
  profileId: WORK,
  provider: P,
  failures: "clear",
  ...more,
});
const code = (name: string): unknown => expect.objectContaining({ code: name });

describe("a new name", () => {
  const ada = login("ada");

  it("is one step of the store that has the profile, whose entry stays as it is", () => {
    const main = filesOf("main", store({ [WORK]: ada }));
    const { plan, values } = planRename(rename(), planInput(main));
    const print = fingerprintJson(ada);
    expect(plan).toMatchObject({ profileId: WORK, agentId: "main", keptElsewhere: [] });
    expect(plan.files).toMatchObject([{ role: "owner", renameTo: HOME, before: print, after: print, profileId: WORK }]);
    expect(plan.files[0]).not.toHaveProperty("notes");
    expect([...values.keys()]).toEqual([pathOf("main")]);
  });

  it("reaches copies of the login and whatever names an inherited one, and no others", () => {
    const others = [
      filesOf("copy", store({ [WORK]: login("ada") })),
      filesOf("eve", store({ [WORK]: login("eve") }, { order: { [P]: [WORK] } })),
      filesOf("noted", store({}, { usageStats: { [WORK]: {} } })),
      filesOf("ordered", store({}), { order: { [P]: [WORK] } }),
      filesOf("stranger", store({ [BOB]: login("bob") }, { order: { [P]: [BOB] } })),
    ];
    const { plan } = planRename(rename(), planInput(filesOf("main", store({ [WORK]: ada })), others));
    expect(plan.files.map(({ agentId, role, renameTo }) => [agentId, role, renameTo])).toEqual([
      ["copy", "copy", HOME],
      ["main", "owner", HOME],
      ["noted", "order", HOME],
      ["ordered", "order", HOME],
    ]);
    expect(plan.keptElsewhere).toEqual(["eve"]);
  });

  it("of an agent's own profile stays in its store", () => {
    const main = filesOf("main", store({ [BOB]: login("bob") }, { order: { [P]: [WORK] } }));
    const others = [filesOf("ops", store({ [WORK]: ada })), filesOf("zoe", store({ [WORK]: ada }))];
    const { plan } = planRename(rename(), planInput(main, others, "ops"));
    expect(plan.files.map(({ agentId, role }) => [agentId, role])).toEqual([["ops", "owner"]]);
    expect(plan.keptElsewhere).toEqual([]);
  });

  it("is refused where any store has a profile of that name, also one that cannot be read", () => {
    const main = filesOf("main", store({ [WORK]: ada }));
    for (const taken of [login("bob"), { broken: 1 }]) {
      const others = [filesOf("zoe", store({})), filesOf("ops", store({ [HOME]: taken }))];
      expect(() => planRename(rename(), planInput(main, others))).toThrow(code("ERR_PROFILE_EXISTS"));
    }
    const own = filesOf("main", store({ [WORK]: ada, [HOME]: login("bob") }));
    expect(() => planRename(rename(), planInput(own))).toThrow(code("ERR_PROFILE_EXISTS"));
    expect(() => planRename(rename({ renameTo: WORK }), planInput(main))).toThrow(code("ERR_PROFILE_EXISTS"));
  });

  it("is refused for a profile that there is not, and where the old or the new one is another provider's", () => {
    const claude = { type: "oauth", provider: "anthropic", access: "a" };
    const main = filesOf("main", store({ [WORK]: ada, "anthropic:x": claude }));
    const attempt =
      (more: Partial<StoreChange>): (() => unknown) =>
      () =>
        planRename(rename(more), planInput(main));
    expect(attempt({ profileId: BOB })).toThrow(code("ERR_PROFILE_UNKNOWN"));
    expect(attempt({ profileId: "anthropic:x" })).toThrow(code("ERR_PROVIDER_OUT_OF_SCOPE"));
    expect(attempt({ renameTo: "anthropic:y" })).toThrow(code("ERR_PROVIDER_OUT_OF_SCOPE"));
  });

  it("is one of the provider of the store", () => {
    const entry = { ...ada, provider: "openai" };
    const main = { ...filesOf("main", store({ "openai:a": entry })), provider: "openai" as const };
    const named = { ...filesOf("ops", store({}, { order: { openai: ["openai:a"] } })), provider: "openai" as const };
    const change = rename({ profileId: "openai:a", renameTo: "openai:b", provider: "openai" });
    expect(planRename(change, planInput(main, [named])).plan.files.map(({ role }) => role)).toEqual(["owner", "order"]);
    expect(() => planRename({ ...change, renameTo: HOME }, planInput(main))).toThrow(code("ERR_PROVIDER_OUT_OF_SCOPE"));
  });
});

describe("failures that are to be forgotten", () => {
  const ada = login("ada");
  const stats = { lastUsed: 1, cooldownUntil: 9 };
  const noted = { usageStats: { [WORK]: stats } };
  const main = filesOf("main", store({ [WORK]: ada }, noted));

  it("are those of main and of the agent's own store, which it sees together", () => {
    const others = [filesOf("ops", store({}, noted)), filesOf("zoe", store({}, noted))];
    const { plan } = planNotes(clear(), planInput(main, others, "ops"));
    expect(plan.files.map(({ agentId, role, notes }) => [agentId, role, notes])).toEqual([
      ["main", "notes", { before: { cooldownUntil: 9 }, after: {} }],
      ["ops", "notes", { before: { cooldownUntil: 9 }, after: {} }],
    ]);
    expect(plan.files.map(({ before, after }) => before === after)).toEqual([true, true]);
    expect(plan.keptElsewhere).toEqual([]);
    expect(planNotes(clear(), planInput(main, others)).plan.files.map(({ agentId }) => agentId)).toEqual(["main"]);
  });

  it("are nothing to do where there are none", () => {
    const clean = filesOf("main", store({ [WORK]: ada }, { usageStats: { [WORK]: { lastUsed: 1, errorCount: 0 } } }));
    expect(planNotes(clear(), planInput(clean)).plan.files).toEqual([]);
  });

  it("become what is put in their place, in the stores that are named and in no other", () => {
    const others = [filesOf("ops", store({}, noted))];
    const failures = { [pathOf("ops")]: { disabledUntil: 5 } };
    const { plan } = planNotes(clear({ failures }), planInput(main, others, "ops"));
    expect(plan.files).toMatchObject([
      { agentId: "ops", notes: { before: { cooldownUntil: 9 }, after: { disabledUntil: 5 } } },
    ]);
    expect(plan.files).toHaveLength(1);
    const same = { [pathOf("ops")]: { cooldownUntil: 9 } };
    expect(planNotes(clear({ failures: same }), planInput(main, others, "ops")).plan.files).toEqual([]);
  });

  it("are those of a profile that only the agent has, too", () => {
    const others = [filesOf("ops", store({ [BOB]: login("bob") }, { usageStats: { [BOB]: stats } }))];
    const { plan } = planNotes(clear({ profileId: BOB }), planInput(main, others, "ops"));
    expect(plan.files.map(({ agentId }) => agentId)).toEqual(["ops"]);
  });

  it("are refused for a profile that there is not, and for another provider's", () => {
    const claude = { type: "oauth", provider: "anthropic", access: "a" };
    const foreign = filesOf("main", store({ "anthropic:x": claude }, { usageStats: { "anthropic:x": stats } }));
    expect(() => planNotes(clear({ profileId: BOB }), planInput(main))).toThrow(code("ERR_PROFILE_UNKNOWN"));
    expect(() => planNotes(clear({ profileId: "anthropic:x" }), planInput(foreign))).toThrow(
      code("ERR_PROVIDER_OUT_OF_SCOPE"),
    );
    const own = {
      ...filesOf("main", store({ "openai:a": { ...ada, provider: "openai" } })),
      provider: "openai" as const,
    };
    expect(planNotes(clear({ profileId: "openai:a" }), planInput(own)).plan.files).toEqual([]);
  });
});
