// The proof before a write: what a patch may change is let through, anything beside it is refused.

import { describe, expect, it } from "vitest";
import { assertOnlyTargetChanged, type StoreDocuments, type StorePatch } from "../../src/profiles/json-patch.ts";

const P = "openai-codex";
const [WORK, HOME, BOB] = [`${P}:work`, `${P}:home`, `${P}:bob`];
const ada = { type: "oauth", refresh: "a" };
const base = {
  version: 1,
  profiles: { [WORK]: ada, [BOB]: { b: 1 } },
  order: { [P]: [WORK], other: ["x"] },
  lastGood: { [P]: WORK, other: "x" },
  usageStats: { [WORK]: { cooldownUntil: 9 }, [BOB]: { lastUsed: 1 } },
  news: 1,
};
const one = (profiles: Record<string, unknown> | undefined): StoreDocuments => ({ profiles, state: undefined });
const keep: StorePatch = { profileId: WORK, clearCooldown: false };
const PATCHES = {
  entry: { ...keep, entry: {} },
  order: { ...keep, order: [BOB] },
  clear: { ...keep, clearCooldown: true },
  notes: { ...keep, notes: {} },
  rename: { ...keep, renameTo: HOME },
} as const satisfies Record<string, StorePatch>;

function isDrift(before: StoreDocuments, after: StoreDocuments, patch: StorePatch): boolean {
  try {
    assertOnlyTargetChanged(before, after, patch);
    return false;
  } catch (error) {
    expect(error).toMatchObject({ code: "ERR_STORE_DRIFT" });
    return true;
  }
}

/** What each part of a document may become, and which patches are about that part. */
const CHANGES: readonly (readonly [string, object, readonly (keyof typeof PATCHES)[]])[] = [
  ["the entry", { profiles: { ...base.profiles, [WORK]: { other: 1 } } }, ["entry"]],
  ["the entry, which is gone", { profiles: { [BOB]: { b: 1 } } }, ["entry"]],
  ["another entry", { profiles: { ...base.profiles, [BOB]: { b: 2 } } }, []],
  ["the order", { order: { ...base.order, [P]: [BOB] } }, ["order", "rename"]],
  ["another provider's order", { order: { ...base.order, other: ["y"] } }, []],
  ["the last good one", { lastGood: { ...base.lastGood, [P]: BOB } }, ["rename"]],
  ["another provider's last good one", { lastGood: { ...base.lastGood, other: "y" } }, []],
  ["its notes", { usageStats: { ...base.usageStats, [WORK]: {} } }, ["clear", "notes", "rename"]],
  ["another's notes", { usageStats: { ...base.usageStats, [BOB]: { lastUsed: 2 } } }, []],
  ["an unknown field", { news: 2 }, []],
];

describe("a change of one part of a store", () => {
  it.each(CHANGES)("(%s) is let through for a patch about it alone, in either file", (_what, change, allowed) => {
    for (const [name, patch] of Object.entries(PATCHES)) {
      const isMeant = allowed.some((meant) => meant === name);
      // Renamed, the entry has to be found under its new id whatever else is changed.
      const profiles = { ...base, ...change } as Record<string, unknown>;
      const moved = (document: Record<string, unknown>): Record<string, unknown> => {
        const { [WORK]: entry, ...rest } = document["profiles"] as Record<string, unknown>;
        return { ...document, profiles: { ...rest, [HOME]: entry } };
      };
      const after = name === "rename" ? moved(profiles) : profiles;
      expect(isDrift(one(base), one(after), patch), name).toBe(!isMeant);
      const first = name === "rename" ? moved(base) : base;
      if ("profiles" in change) continue;
      expect(isDrift({ profiles: base, state: base }, { profiles: first, state: profiles }, patch), name).toBe(
        !isMeant,
      );
    }
  });

  it("is let through where nothing changes at all, whatever the patch is about but a new id", () => {
    const before = { profiles: base, state: { version: 1 } };
    for (const name of ["entry", "order", "clear", "notes"] as const) {
      expect(isDrift(before, before, PATCHES[name])).toBe(false);
    }
    expect(isDrift(before, before, PATCHES.rename)).toBe(true);
  });
});

describe("a store that is begun", () => {
  it("may hold the entry and nothing besides", () => {
    const begun = { version: 1, profiles: { [WORK]: ada } };
    expect(isDrift(one(undefined), one(begun), PATCHES.entry)).toBe(false);
    expect(isDrift(one(undefined), one({ ...begun, news: 1 }), PATCHES.entry)).toBe(true);
    expect(isDrift(one(undefined), one({ version: 2, profiles: {} }), PATCHES.entry)).toBe(true);
    expect(isDrift(one(undefined), one({ version: 1, profiles: { [BOB]: {} } }), PATCHES.entry)).toBe(true);
  });

  it("never gets a second file, and never loses one", () => {
    expect(isDrift({ profiles: base, state: undefined }, { profiles: base, state: {} }, PATCHES.order)).toBe(true);
    expect(isDrift({ profiles: base, state: {} }, { profiles: base, state: undefined }, PATCHES.order)).toBe(true);
    expect(isDrift(one(base), one(undefined), PATCHES.entry)).toBe(true);
  });
});

describe("a part that appears or goes with the target", () => {
  it("is the order's, where the target's was the only one", () => {
    const { order: _order, ...without } = base;
    const alone = { ...without, order: { [P]: [WORK] } };
    expect(isDrift(one(without), one(alone), PATCHES.order)).toBe(false);
    expect(isDrift(one(alone), one(without), PATCHES.order)).toBe(false);
    expect(isDrift(one(without), one(base), PATCHES.order)).toBe(true);
  });

  it("is that of the notes, where the target's were the only ones", () => {
    const { usageStats: _stats, ...without } = base;
    const alone = { ...without, usageStats: { [WORK]: {} } };
    for (const patch of [PATCHES.clear, PATCHES.notes]) {
      expect(isDrift(one(without), one(alone), patch)).toBe(false);
      expect(isDrift(one(alone), one(without), patch)).toBe(false);
      expect(isDrift(one(without), one(base), patch)).toBe(true);
    }
    expect(isDrift(one(without), one(alone), PATCHES.entry)).toBe(true);
  });
});

const renamed = (entry: unknown, rest: object = {}): StoreDocuments =>
  one({ ...base, profiles: { [HOME]: entry, [BOB]: { b: 1 } }, ...rest });

describe("a new id", () => {
  it("takes the entry with it as it is", () => {
    expect(isDrift(one(base), renamed(ada), PATCHES.rename)).toBe(false);
    expect(isDrift(one(base), renamed({ ...ada, refresh: "b" }), PATCHES.rename)).toBe(true);
    expect(isDrift(one(base), one({ ...base, profiles: { [BOB]: { b: 1 } } }), PATCHES.rename)).toBe(true);
  });

  it("may move the notes to itself, and not to a third one", () => {
    const stats = { cooldownUntil: 9 };
    const moved = { usageStats: { [HOME]: stats, [BOB]: { lastUsed: 1 } } };
    expect(isDrift(one(base), renamed(ada, moved), PATCHES.rename)).toBe(false);
    const strayed = { usageStats: { [`${P}:third`]: stats, [BOB]: { lastUsed: 1 } } };
    expect(isDrift(one(base), renamed(ada, strayed), PATCHES.rename)).toBe(true);
  });

  it("in a store that has no such entry needs none in the place of it", () => {
    const noted = { version: 1, profiles: {}, order: { [P]: [WORK] } };
    const after = { ...noted, order: { [P]: [HOME] } };
    expect(isDrift(one(noted), one(after), PATCHES.rename)).toBe(false);
    expect(isDrift(one(noted), one({ ...after, profiles: { [HOME]: ada } }), PATCHES.rename)).toBe(true);
    expect(isDrift(one(undefined), one({ version: 1, profiles: {} }), PATCHES.rename)).toBe(false);
    expect(isDrift(one(noted), one({ version: 1 }), PATCHES.rename)).toBe(true);
  });

  it("is that of the provider of the store", () => {
    const patch: StorePatch = { ...PATCHES.rename, provider: "openai" };
    const before = { version: 1, profiles: {}, order: { openai: [WORK] }, lastGood: { openai: WORK } };
    const after = { ...before, order: { openai: [HOME] }, lastGood: { openai: HOME } };
    expect(isDrift(one(before), one(after), patch)).toBe(false);
    expect(isDrift(one(before), one(after), PATCHES.rename)).toBe(true);
    const ordered: StorePatch = { ...PATCHES.order, provider: "openai" };
    expect(isDrift(one(before), one({ ...before, order: { openai: [HOME] } }), ordered)).toBe(false);
    expect(isDrift(one(before), one({ ...before, order: { openai: [HOME] } }), PATCHES.order)).toBe(true);
  });
});
