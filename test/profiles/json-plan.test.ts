// Which stores a change touches and what it makes of each: roles, fingerprints, orders, the values it takes along.

import { describe, expect, it } from "vitest";
import { planChange, refuseForeign } from "../../src/profiles/json-plan.ts";
import { openCredential, sealCredential, unsealEntry } from "../../src/profiles/profile.ts";
import type { StoreChange } from "../../src/profiles/store.ts";
import { fingerprintJson } from "../../src/secrets/fingerprint.ts";
import { login, sealedLogin } from "../support/openclaw-state.ts";
import { filesOf, pathOf, planInput, store } from "./plan-lab.ts";

const P = "openai-codex";
const [WORK, BOB] = [`${P}:work`, `${P}:bob`];
const change = (more: Partial<StoreChange> = {}): StoreChange => ({ profileId: WORK, provider: P, ...more });

describe("a plan of one store", () => {
  it("says of a new profile what there will be, and takes its value along", () => {
    const credential = sealedLogin("ada");
    const { plan, values } = planChange(change({ credential }), planInput(filesOf("main", store({}))));
    const entry = openCredential(credential);
    expect(plan).toStrictEqual({
      profileId: WORK,
      provider: P,
      agentId: "main",
      files: [
        {
          path: pathOf("main"),
          agentId: "main",
          profileId: WORK,
          role: "owner",
          before: null,
          after: fingerprintJson(entry),
          orderBefore: null,
          orderAfter: null,
          clearCooldown: false,
          creates: false,
        },
      ],
      keptElsewhere: [],
      unreadable: [],
    });
    const { next, previous } = values.get(pathOf("main")) ?? {};
    expect(next == null ? null : unsealEntry(next)).toEqual(entry);
    expect(previous).toBeNull();
  });

  it("says of a removal what there was, and takes that along for an undo", () => {
    const ada = login("ada");
    const input = planInput(filesOf("main", store({ [WORK]: ada }, { order: { [P]: [WORK] } })));
    const { plan, values } = planChange(change({ credential: null, order: null, clearCooldown: true }), input);
    expect(plan.files).toMatchObject([
      { before: fingerprintJson(ada), after: null, orderBefore: [WORK], orderAfter: null, clearCooldown: true },
    ]);
    const { next, previous } = values.get(pathOf("main")) ?? {};
    expect(next).toBeNull();
    expect(previous == null ? null : unsealEntry(previous)).toEqual(ada);
  });

  it("of an order alone leaves the entry as it is, and an empty order is none", () => {
    const ada = login("ada");
    const input = planInput(filesOf("main", store({ [WORK]: ada }, { order: { [P]: [WORK] } })));
    const { plan } = planChange(change({ order: [BOB, WORK], clearCooldown: true }), input);
    const print = fingerprintJson(ada);
    expect(plan.files).toMatchObject([
      { role: "order", before: print, after: print, orderBefore: [WORK], orderAfter: [BOB, WORK], clearCooldown: true },
    ]);
    expect(planChange(change({ order: [] }), input).plan.files).toMatchObject([{ orderAfter: null }]);
    expect(planChange(change({ order: [] }), input).plan.files).toMatchObject([{ clearCooldown: false }]);
  });

  it("of an entry and an order is one step, which keeps that failures are forgotten", () => {
    const input = planInput(filesOf("main", store({})));
    const { plan } = planChange(change({ credential: sealedLogin("ada"), order: [WORK], clearCooldown: true }), input);
    expect(plan.files).toMatchObject([{ role: "owner", before: null, orderAfter: [WORK], clearCooldown: true }]);
  });

  it("begins a store for a login, and none for an order alone", () => {
    const input = planInput(filesOf("main", undefined));
    const credential = sealedLogin("ada");
    expect(planChange(change({ credential, order: [WORK] }), input).plan.files).toMatchObject([{ creates: true }]);
    expect(() => planChange(change({ order: [WORK] }), input)).toThrow(
      expect.objectContaining({ code: "ERR_STORE_MISSING" }),
    );
  });

  it("of nothing touches nothing", () => {
    const { plan, values } = planChange(change(), planInput(filesOf("main", store({ [WORK]: login("ada") }))));
    expect(plan.files).toEqual([]);
    expect(values.size).toBe(0);
  });
});

describe("copies of main's login in other stores", () => {
  const ada = login("ada");
  const main = filesOf("main", store({ [WORK]: ada }));

  it("go with a renewal and with a removal, and forget their failures where main's does", () => {
    const input = planInput(main, [
      filesOf("ops", store({ [WORK]: login("ada"), [BOB]: login("bob") })),
      filesOf("none", store({ [BOB]: login("bob") })),
      filesOf("eve", store({ [WORK]: login("eve") })),
    ]);
    for (const credential of [sealedLogin("ada"), null]) {
      for (const clearCooldown of [true, false]) {
        const { plan, values } = planChange(change({ credential, clearCooldown }), input);
        expect(plan.files.map(({ agentId, role, after }) => [agentId, role, after === null])).toEqual([
          ["main", "owner", credential === null],
          ["ops", "copy", true],
        ]);
        expect(plan.files.map((file) => file.clearCooldown)).toEqual([clearCooldown, clearCooldown]);
        expect(plan.keptElsewhere).toEqual(["eve"]);
        expect(values.get(pathOf("ops"))).toMatchObject({ next: null, previous: expect.anything() as unknown });
      }
    }
    expect(planChange(change({ credential: null }), input).plan.files.map((file) => file.clearCooldown)).toEqual([
      false,
      false,
    ]);
  });

  it("are copies also where only the new login is the same person's", () => {
    const input = planInput(main, [filesOf("ops", store({ [WORK]: login("bob") }))]);
    const { plan } = planChange(change({ credential: sealedLogin("bob") }), input);
    expect(plan.files.map(({ agentId, role }) => [agentId, role])).toEqual([
      ["main", "owner"],
      ["ops", "copy"],
    ]);
    expect(plan.keptElsewhere).toEqual([]);
  });

  it("are not looked for where an agent's own profile changes", () => {
    const others = [filesOf("ops", store({ [WORK]: login("bob") })), filesOf("zoe", store({ [WORK]: login("bob") }))];
    for (const credential of [sealedLogin("bob"), null]) {
      const { plan } = planChange(change({ credential }), planInput(main, others, "zoe"));
      expect(plan.files.map(({ agentId, role }) => [agentId, role])).toEqual([["zoe", "owner"]]);
      expect(plan.keptElsewhere).toEqual([]);
    }
  });

  it("are taken in the order of their locks, not of their names", () => {
    const input = planInput(main, [filesOf("ops", store({ [WORK]: login("ada") }))]);
    const turned = { ...input, lockPathOf: ({ place }: typeof main) => (place.isMain ? "z" : "a") };
    expect(planChange(change({ credential: null }), turned).plan.files.map(({ agentId }) => agentId)).toEqual([
      "ops",
      "main",
    ]);
    expect(planChange(change({ credential: null }), input).plan.files.map(({ agentId }) => agentId)).toEqual([
      "main",
      "ops",
    ]);
  });
});

describe("an order that an agent asks to change", () => {
  const main = filesOf("main", store({ [WORK]: login("ada") }, { order: { [P]: [WORK] } }));

  it("is main's where the agent has none of its own, store or not", () => {
    const others = [filesOf("ops", store({ [BOB]: login("bob") }))];
    for (const agentId of ["ops", "storeless"]) {
      const { plan } = planChange(change({ order: [WORK, BOB] }), planInput(main, others, agentId));
      expect(plan.files).toMatchObject([{ agentId: "main", role: "order", orderAfter: [WORK, BOB] }]);
      expect(plan.files).toHaveLength(1);
      expect(plan.agentId).toBe(agentId);
    }
  });

  it("is its own where it has one, and main's stays", () => {
    const others = [filesOf("ops", store({}, { order: { [P]: [BOB] } }))];
    const { plan } = planChange(change({ order: [WORK] }), planInput(main, others, "ops"));
    expect(plan.files).toMatchObject([{ agentId: "ops", orderBefore: [BOB], orderAfter: [WORK] }]);
    expect(plan.files).toHaveLength(1);
  });

  it("is its own where the profile is its own", () => {
    const own = `${P}:own`;
    const others = [filesOf("ops", store({ [own]: login("olga") }))];
    const { plan } = planChange(change({ profileId: own, order: [own] }), planInput(main, others, "ops"));
    expect(plan.files).toMatchObject([{ agentId: "ops", orderBefore: null, orderAfter: [own] }]);
  });
});

describe("whose profile is meant", () => {
  it("is the one of that id in main, and none where there is none", () => {
    const input = planInput(filesOf("main", store({})), [filesOf("ops", store({ [WORK]: login("ada") }))]);
    expect(() => planChange(change({ credential: null }), input)).toThrow(
      expect.objectContaining({ code: "ERR_PROFILE_UNKNOWN" }),
    );
  });

  it("is main's where an agent's copy is the same login, or where the new login is main's", () => {
    const main = filesOf("main", store({ [WORK]: login("ada") }));
    const copy = planInput(main, [filesOf("ops", store({ [WORK]: login("ada") }))], "ops");
    expect(planChange(change({ credential: null }), copy).plan.files[0]).toMatchObject({ agentId: "main" });
    const shadow = planInput(main, [filesOf("ops", store({ [WORK]: login("bob") }))], "ops");
    const { plan } = planChange(change({ credential: sealedLogin("ada") }), shadow);
    expect(plan.files.map(({ agentId, role }) => [agentId, role])).toEqual([["main", "owner"]]);
    expect(plan.keptElsewhere).toEqual(["ops"]);
  });
});

/** The code with which it is refused, undefined where it is not. */
function refused(...given: Parameters<typeof refuseForeign>): unknown {
  try {
    refuseForeign(...given);
    return undefined;
  } catch (error) {
    return (error as { readonly code?: unknown }).code;
  }
}

describe("profiles of other providers", () => {
  const claude = { type: "oauth", provider: "anthropic", access: "a" };
  it("are refused by what lies there, by the id of what does not, and by what would be written", () => {
    const next = openCredential(sealCredential(login("ada")));
    const foreign = { ...next, provider: "anthropic" };
    expect(refused(WORK, undefined, next)).toBeUndefined();
    expect(refused(WORK, login("ada"), undefined)).toBeUndefined();
    expect(refused(WORK, { ...login("ada"), provider: "OpenAI-Codex" }, next)).toBeUndefined();
    expect(refused("odd id", login("ada"), next)).toBeUndefined();
    expect(refused("odd id", { broken: 1 }, next)).toBeUndefined();
    const foreigners: readonly Parameters<typeof refuseForeign>[] = [
      [WORK, claude, next],
      ["anthropic:x", undefined, next],
      ["openai-codexwork", undefined, next],
      [WORK, undefined, foreign],
      [WORK, login("ada"), foreign],
      ["openai:x", undefined, next],
    ];
    for (const given of foreigners) {
      expect(refused(...given), given[0]).toBe("ERR_PROVIDER_OUT_OF_SCOPE");
    }
    expect(refused("openai:x", undefined, { ...next, provider: "openai" }, "openai")).toBeUndefined();
    expect(refused(WORK, undefined, { ...next, provider: "openai" }, "openai")).toBe("ERR_PROVIDER_OUT_OF_SCOPE");
  });
});
