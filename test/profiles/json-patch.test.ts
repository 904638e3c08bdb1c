import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  assertOnlyTargetChanged,
  patchStore,
  type StoreDocuments,
  type StorePatch,
} from "../../src/profiles/json-patch.ts";
import { asObject, type JsonObject } from "../../src/profiles/json-files.ts";
import { canonicalJson } from "../../src/secrets/fingerprint.ts";

const ID = "openai-codex:work";
const PROVIDER = "openai-codex";

const json = fc.jsonValue({ maxDepth: 3 });
const anyKey = fc.oneof(
  fc.string(),
  fc.constantFrom("__proto__", "constructor", "order", "usageStats", "1", "lastGood"),
);
const object = fc.dictionary(anyKey, json, { maxKeys: 5 });
const order = fc.dictionary(fc.oneof(fc.string(), fc.constant(PROVIDER)), fc.array(fc.string(), { maxLength: 3 }), {
  maxKeys: 3,
});
const profileIds = fc.oneof(fc.string(), fc.constantFrom(ID, "openai-codex:other", "anthropic:x", "__proto__"));
const document = fc
  .tuple(
    object,
    fc.dictionary(profileIds, json, { maxKeys: 4 }),
    fc.option(order),
    fc.option(fc.dictionary(profileIds, object, { maxKeys: 3 })),
  )
  .map(([rest, profiles, orders, usageStats]): JsonObject => {
    const { order: _order, usageStats: _stats, ...others } = rest;
    return {
      ...others,
      version: 1,
      profiles,
      ...(orders === null ? {} : { order: orders }),
      ...(usageStats === null ? {} : { usageStats }),
    };
  });
const patches = fc.record(
  {
    profileId: fc.constant(ID),
    entry: fc.oneof(object, fc.constant(null)),
    order: fc.oneof(fc.array(fc.string(), { minLength: 1, maxLength: 3 }), fc.constant(null)),
    clearCooldown: fc.boolean(),
  },
  { requiredKeys: ["profileId", "clearCooldown"] },
) as fc.Arbitrary<StorePatch>;

/** Written apart from the code under test: everything of a document but what a patch is about. */
function untouched(doc: JsonObject | undefined): string {
  const copy = structuredClone(doc ?? {}) as Record<string, unknown>;
  for (const [part, key] of [
    ["profiles", ID],
    ["order", PROVIDER],
    ["usageStats", ID],
  ] as const) {
    const inner = asObject(copy[part]);
    if (inner === undefined) continue;
    const kept = Object.entries(inner).filter(([name]) => name !== key);
    // An order of no provider at all is dropped, as OpenClaw drops it.
    if (part === "order" && kept.length === 0) delete copy[part];
    else copy[part] = Object.fromEntries(kept);
  }
  return canonicalJson(copy);
}

describe("patching a store", () => {
  it("keeps everything but the target, whatever fields there are, in both shapes", () => {
    fc.assert(
      fc.property(document, fc.option(document), patches, (profiles, state, patch) => {
        const before: StoreDocuments = { profiles, state: state ?? undefined };
        const text = canonicalJson(before);
        const after = patchStore(before, patch);
        // As it will be read again.
        const read = JSON.parse(JSON.stringify(after)) as StoreDocuments;
        expect(untouched(read.profiles)).toBe(untouched(profiles));
        expect(untouched(read.state)).toBe(untouched(state ?? undefined));
        expect(canonicalJson(before)).toBe(text);
        assertOnlyTargetChanged(before, after, patch);
        const entries = asObject(read.profiles?.["profiles"]) ?? {};
        if (patch.entry === null) expect(Object.hasOwn(entries, ID)).toBe(false);
        else if (patch.entry !== undefined) expect(canonicalJson(entries[ID])).toBe(canonicalJson(patch.entry));
      }),
    );
  });

  it("keeps the order of the keys and the place of the profile among the others", () => {
    const before = {
      profiles: { extra: 1, profiles: { a: {}, [ID]: { old: 1 }, z: {} }, version: 1 },
      state: undefined,
    };
    const { profiles } = patchStore(before, { profileId: ID, entry: { fresh: 1 }, clearCooldown: false });
    expect(JSON.stringify(profiles)).toBe(`{"extra":1,"profiles":{"a":{},"${ID}":{"fresh":1},"z":{}},"version":1}`);
  });

  it("writes the order where it is read: in auth-state.json where there is one, else in auth-profiles.json", () => {
    const patch: StorePatch = { profileId: ID, order: [ID], clearCooldown: false };
    const single = patchStore({ profiles: { version: 1, profiles: {} }, state: undefined }, patch);
    expect(single).toEqual({ profiles: { version: 1, profiles: {}, order: { [PROVIDER]: [ID] } }, state: undefined });
    const split = patchStore(
      { profiles: { version: 1, profiles: {} }, state: { version: 1, order: { x: ["y"] } } },
      patch,
    );
    expect(split).toEqual({
      profiles: { version: 1, profiles: {} },
      state: { version: 1, order: { x: ["y"], [PROVIDER]: [ID] } },
    });
  });

  it("clears an order from both files, for 2026.5.28 reads both", () => {
    const before = {
      profiles: { version: 1, profiles: {}, order: { [PROVIDER]: ["a"] } },
      state: { version: 1, order: { [PROVIDER]: ["b"], other: ["c"] } },
    };
    expect(patchStore(before, { profileId: ID, order: null, clearCooldown: false })).toEqual({
      profiles: { version: 1, profiles: {} },
      state: { version: 1, order: { other: ["c"] } },
    });
  });

  it.each([
    ["another profile", { version: 1, profiles: { other: { changed: true } } }],
    ["an unknown field", { version: 1, profiles: { other: {} }, news: 1 }],
    ["the version", { version: 2, profiles: { other: {} } }],
    ["another provider's order", { version: 1, profiles: { other: {} }, order: { x: ["y"] } }],
    ["the target's usage", { version: 1, profiles: { other: {} }, usageStats: { [ID]: {} } }],
  ])("is refused where it would change %s", (_what, profiles) => {
    const before = { profiles: { version: 1, profiles: { other: {} } }, state: undefined };
    const patch: StorePatch = { profileId: ID, entry: {}, clearCooldown: false };
    expect(() => assertOnlyTargetChanged(before, { profiles, state: undefined }, patch)).toThrow(
      expect.objectContaining({ code: "ERR_STORE_DRIFT" }),
    );
  });
});
