// What a patch does to everything that names a profile: a new id, notes of failures, the order, in one file and in two.

import { describe, expect, it } from "vitest";
import { isNamedIn, patchStore, type StorePatch } from "../../src/profiles/json-patch.ts";

const P = "openai-codex";
const [WORK, HOME, BOB] = [`${P}:work`, `${P}:home`, `${P}:bob`];
const rename: StorePatch = { profileId: WORK, renameTo: HOME, clearCooldown: false };
const forget: StorePatch = { profileId: WORK, clearCooldown: true };

describe("whether a document names a profile", () => {
  it("is told by the order, the last good one and the notes of this provider", () => {
    expect(isNamedIn({ order: { [P]: [BOB, WORK] } }, WORK)).toBe(true);
    expect(isNamedIn({ lastGood: { [P]: WORK } }, WORK)).toBe(true);
    expect(isNamedIn({ usageStats: { [WORK]: {} } }, WORK)).toBe(true);
    expect(isNamedIn({ order: { openai: ["openai:a"] } }, "openai:a", "openai")).toBe(true);
  });

  it("is not by its entry, by another provider's part, or by what every object has", () => {
    for (const document of [
      undefined,
      {},
      { profiles: { [WORK]: {} } },
      { order: { [P]: [BOB], openai: [WORK] }, lastGood: { [P]: BOB, openai: WORK }, usageStats: { [BOB]: {} } },
      { order: { [P]: WORK }, lastGood: [WORK], usageStats: "text" },
      { order: "text" },
    ]) {
      expect(isNamedIn(document, WORK), JSON.stringify(document)).toBe(false);
    }
    expect(isNamedIn({ usageStats: {} }, "constructor")).toBe(false);
  });
});

describe("a profile that gets a new id", () => {
  it("keeps its place among the entries, in the order and in the notes, and what is others' stays", () => {
    const profiles = {
      version: 1,
      profiles: { [BOB]: { b: 1 }, [WORK]: { w: 1 }, z: {} },
      order: { [P]: [BOB, WORK, "x"], other: [WORK] },
      lastGood: { [P]: WORK, other: WORK },
      usageStats: { [WORK]: { lastUsed: 1 }, [BOB]: { lastUsed: 2 } },
    };
    const { profiles: after, state } = patchStore({ profiles, state: undefined }, rename);
    expect(JSON.stringify(after)).toBe(
      JSON.stringify({
        version: 1,
        profiles: { [BOB]: { b: 1 }, [HOME]: { w: 1 }, z: {} },
        order: { [P]: [BOB, HOME, "x"], other: [WORK] },
        lastGood: { [P]: HOME, other: WORK },
        usageStats: { [HOME]: { lastUsed: 1 }, [BOB]: { lastUsed: 2 } },
      }),
    );
    expect(state).toBeUndefined();
  });

  it("gets it in both files where there are two", () => {
    const before = {
      profiles: { version: 1, profiles: { [WORK]: { w: 1 } } },
      state: {
        version: 1,
        order: { [P]: [WORK] },
        lastGood: { [P]: WORK },
        usageStats: { [WORK]: { lastUsed: 1 } },
      },
    };
    expect(patchStore(before, rename)).toStrictEqual({
      profiles: { version: 1, profiles: { [HOME]: { w: 1 } } },
      state: {
        version: 1,
        order: { [P]: [HOME] },
        lastGood: { [P]: HOME },
        usageStats: { [HOME]: { lastUsed: 1 } },
      },
    });
  });

  it("takes the place of what was still noted about an earlier profile of that name", () => {
    const profiles = {
      version: 1,
      profiles: { [WORK]: {} },
      order: { [P]: [HOME, WORK] },
      usageStats: { [HOME]: { cooldownUntil: 9 }, [WORK]: { lastUsed: 1 } },
    };
    expect(patchStore({ profiles, state: undefined }, rename).profiles).toStrictEqual({
      version: 1,
      profiles: { [HOME]: {} },
      order: { [P]: [HOME] },
      usageStats: { [HOME]: { lastUsed: 1 } },
    });
    const later = { ...profiles, usageStats: { [WORK]: { lastUsed: 1 }, [HOME]: { cooldownUntil: 9 } } };
    expect(patchStore({ profiles: later, state: undefined }, rename).profiles).toMatchObject({
      usageStats: { [HOME]: { lastUsed: 1 } },
    });
  });

  it("changes nothing in a document that does not name it, and adds no part to it", () => {
    const named = {
      version: 1,
      profiles: { [BOB]: {} },
      order: { [P]: [HOME, BOB], openai: [WORK] },
      lastGood: { [P]: BOB },
      usageStats: { [HOME]: { lastUsed: 1 } },
    };
    for (const profiles of [named, { version: 1, profiles: {} }, { version: 1, order: { [P]: WORK } }]) {
      expect(patchStore({ profiles, state: { version: 1 } }, rename)).toStrictEqual({
        profiles,
        state: { version: 1 },
      });
    }
  });

  it("is that of the provider of the store", () => {
    const profiles = { profiles: { "openai:a": {} }, order: { openai: ["openai:a"], [P]: ["openai:a"] } };
    const patch: StorePatch = { provider: "openai", profileId: "openai:a", renameTo: "openai:b", clearCooldown: false };
    expect(patchStore({ profiles, state: undefined }, patch).profiles).toStrictEqual({
      profiles: { "openai:b": {} },
      order: { openai: ["openai:b"], [P]: ["openai:a"] },
    });
  });
});

describe("failures that are forgotten", () => {
  const stats = { lastUsed: 3, cooldownUntil: 9, errorCount: 2 };
  const clean = { lastUsed: 3, errorCount: 0 };

  it("go from both files, and those of other profiles stay", () => {
    const usageStats = { [BOB]: stats, [WORK]: stats };
    const after = { [BOB]: stats, [WORK]: clean };
    expect(
      patchStore({ profiles: { version: 1, usageStats }, state: { version: 1, usageStats } }, forget),
    ).toStrictEqual({ profiles: { version: 1, usageStats: after }, state: { version: 1, usageStats: after } });
  });

  it("leave a document alone that has none, whatever is in their place", () => {
    for (const document of [{ version: 1 }, { usageStats: { [BOB]: stats } }, { usageStats: { [WORK]: "text" } }]) {
      const before = { profiles: document, state: document };
      expect(patchStore(before, forget)).toStrictEqual(before);
    }
  });
});

describe("notes of failures that are put in place of others", () => {
  const notes = { cooldownUntil: 7 };
  const patch: StorePatch = { profileId: WORK, clearCooldown: false, notes };
  const old = { lastUsed: 3, disabledUntil: 9 };

  it("stand in the one file, beside what is no failure", () => {
    const before = { profiles: { version: 1, usageStats: { [BOB]: old, [WORK]: old } }, state: undefined };
    expect(patchStore(before, patch)).toStrictEqual({
      profiles: { version: 1, usageStats: { [BOB]: old, [WORK]: { lastUsed: 3, ...notes } } },
      state: undefined,
    });
  });

  it("stand in the second of two, and none in the first, whose notes would be older", () => {
    const before = { profiles: { usageStats: { [WORK]: old } }, state: { usageStats: { [WORK]: old } } };
    expect(patchStore(before, patch)).toStrictEqual({
      profiles: { usageStats: { [WORK]: { lastUsed: 3 } } },
      state: { usageStats: { [WORK]: { lastUsed: 3, ...notes } } },
    });
  });

  it("are begun where there were none, and add nothing where there are none to put", () => {
    const before = { profiles: { version: 1 }, state: { version: 1 } };
    expect(patchStore(before, patch)).toStrictEqual({
      profiles: { version: 1 },
      state: { version: 1, usageStats: { [WORK]: notes } },
    });
    expect(patchStore(before, { ...patch, notes: {} })).toStrictEqual(before);
  });
});

const order = (value: readonly string[] | null, provider?: "openai"): StorePatch => ({
  profileId: WORK,
  clearCooldown: false,
  order: value,
  ...(provider === undefined ? {} : { provider }),
});

describe("an order", () => {
  it("of other providers stays, and the part goes where it was the last one", () => {
    const two = { order: { [P]: [WORK], other: ["x"] } };
    expect(patchStore({ profiles: two, state: undefined }, order(null)).profiles).toStrictEqual({
      order: { other: ["x"] },
    });
    expect(patchStore({ profiles: { order: { [P]: [WORK] } }, state: undefined }, order(null)).profiles).toStrictEqual(
      {},
    );
    expect(patchStore({ profiles: two, state: undefined }, order(["a"], "openai")).profiles).toStrictEqual({
      order: { [P]: [WORK], other: ["x"], openai: ["a"] },
    });
  });

  it("of the first file is left where the second gets the new one", () => {
    const profiles = { version: 1, order: { [P]: ["old"] } };
    expect(patchStore({ profiles, state: { version: 1 } }, order(["a"]))).toStrictEqual({
      profiles,
      state: { version: 1, order: { [P]: ["a"] } },
    });
  });
});

describe("an entry", () => {
  it("begins a store that there is not, and the part where it is missing", () => {
    const patch: StorePatch = { profileId: WORK, clearCooldown: false, entry: { a: 1 } };
    expect(patchStore({ profiles: undefined, state: undefined }, patch)).toStrictEqual({
      profiles: { version: 1, profiles: { [WORK]: { a: 1 } } },
      state: undefined,
    });
    expect(patchStore({ profiles: { news: 1 }, state: undefined }, patch).profiles).toStrictEqual({
      news: 1,
      profiles: { [WORK]: { a: 1 } },
    });
  });

  it("that is removed leaves no key behind, and an untouched one stays as it is", () => {
    const profiles = { profiles: { [WORK]: { a: 1 }, [BOB]: {} } };
    const remove: StorePatch = { profileId: WORK, clearCooldown: false, entry: null };
    expect(patchStore({ profiles, state: undefined }, remove).profiles).toStrictEqual({ profiles: { [BOB]: {} } });
    expect(
      patchStore({ profiles, state: undefined }, { profileId: WORK, clearCooldown: false }).profiles,
    ).toStrictEqual(profiles);
  });
});
