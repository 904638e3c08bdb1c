import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isCodexAuthError } from "../../src/errors.ts";
import type { SdkShape } from "../../src/profiles/openclaw-sdk.ts";
import { isChange, type StoreChange } from "../../src/profiles/store.ts";
import { canonicalJson } from "../../src/secrets/fingerprint.ts";
import { applyAll, openClawInside, type Inside } from "../support/openclaw-inside.ts";
import { login, NOW, sealedLogin, valueFor } from "../support/openclaw-state.ts";

const NAMES = ["work", "home", "bob", "lease"];
const PEOPLE = ["ada", "bob", "carl"];
const AGENTS = ["shared", "ops", "main"];

const name = fc.constantFrom(...NAMES);
const order = fc.option(fc.uniqueArray(name, { minLength: 1 }), { nil: null });
const stored = fc.record({
  who: fc.dictionary(name, fc.constantFrom(...PEOPLE)),
  order: fc.option(fc.uniqueArray(name, { minLength: 1 }), { nil: undefined }),
  used: fc.uniqueArray(name),
});
const wanted = fc.oneof(
  fc.record({
    kind: fc.constant("save" as const),
    name,
    who: fc.constantFrom(...PEOPLE),
    order: fc.option(order, { nil: undefined }),
  }),
  fc.record({ kind: fc.constant("remove" as const), name }),
  fc.record({ kind: fc.constant("order" as const), name, order }),
  fc.record({ kind: fc.constant("rename" as const), name, to: name }),
  fc.record({ kind: fc.constant("reset" as const), name }),
);
type Wanted = typeof wanted extends fc.Arbitrary<infer T> ? T : never;

describe.each(["one-file", "two-files", "sqlite"] as const)(
  "any change inside an OpenClaw of the shape %s",
  (shape: SdkShape) => {
    it("touches its target alone, in every store, and its undo brings the target back", async () => {
      const stores = fc.record({ shared: stored, ops: fc.option(stored), main: fc.option(stored) });
      await fc.assert(
        fc.asyncProperty(stores, wanted, fc.constantFrom("main", "ops"), async (seeds, want, agentId) => {
          const inside = await openClawInside(shape);
          const owners = AGENTS.filter((one) => shape === "sqlite" || one !== "main");
          for (const owner of owners) {
            const seed = seeds[owner as keyof typeof seeds];
            if (seed !== null) await inside.put(owner, storeOf(inside, seed));
          }
          const before = await contents(inside, owners);
          const change = changeOf(inside, want);
          const planned = await inside.store.plan(change, agentId).catch((error: unknown) => {
            // Nothing to remove, a name that is taken: refused before anything was written.
            if (isCodexAuthError(error)) return undefined;
            throw error;
          });
          if (planned === undefined) {
            expect(await contents(inside, owners)).toEqual(before);
            return;
          }
          await applyAll(inside.store, planned);
          const ids = [planned.plan.profileId, change.renameTo ?? planned.plan.profileId];
          const rest = (all: Record<string, unknown>): string => canonicalJson(blank(all, ids, inside.provider));
          const after = await contents(inside, owners);
          expect(rest(after)).toBe(rest(before));
          for (const file of planned.plan.files) expect(await inside.store.check(file)).toBe("after");
          for (const file of planned.plan.files.toReversed()) {
            await inside.store.undo(file, valueFor(planned.values, file));
            if (isChange(file)) expect(await inside.store.check(file)).toBe("before");
          }
          const restored = await contents(inside, owners);
          for (const owner of owners) expect(profilesIn(restored[owner])).toEqual(profilesIn(before[owner]));
        }),
        { numRuns: 60 },
      );
    });
  },
);

function storeOf(
  { provider }: Inside,
  seed: { who: Record<string, string>; order: string[] | undefined; used: string[] },
) {
  const ids = (names: readonly string[]): string[] => names.map((one) => `${provider}:${one}`);
  const profiles = Object.fromEntries(
    Object.entries(seed.who).map(([id, who]) => [`${provider}:${id}`, { ...login(who), provider }]),
  );
  const foreign = { type: "api_key", provider: "anthropic", key: "k" };
  // What 2026.5.28 drops at each of its own writes is not there to begin with.
  const known = (names: readonly string[]): string[] => names.filter((id) => Object.hasOwn(profiles, id));
  const listed = known(ids(seed.order ?? []));
  return {
    profiles: { ...profiles, "anthropic:x": foreign },
    order: { anthropic: ["anthropic:x"], ...(listed.length === 0 ? {} : { [provider]: listed }) },
    lastGood: { anthropic: "anthropic:x" },
    usageStats: Object.fromEntries(
      known(ids(seed.used)).map((id) => [id, { lastUsed: 1, cooldownUntil: NOW + 1, errorCount: 2 }]),
    ),
  };
}

function changeOf({ provider }: Inside, want: Wanted): StoreChange {
  // Typed in the older words half of the time, by the name of the profile.
  const typed = want.name.length % 2 === 0 ? "openai-codex" : provider;
  const id = (one: string): string => `${typed}:${one}`;
  const base = { profileId: `${provider}:${want.name}`, provider } as const;
  if (want.kind === "save") {
    const listed = want.order === undefined ? {} : { order: want.order === null ? null : want.order.map(id) };
    return { ...base, profileId: id(want.name), credential: sealedLogin(want.who), clearCooldown: true, ...listed };
  }
  if (want.kind === "remove") return { ...base, credential: null };
  if (want.kind === "order") return { ...base, order: want.order === null ? null : want.order.map(id) };
  return want.kind === "rename" ? { ...base, renameTo: `${provider}:${want.to}` } : { ...base, failures: "clear" };
}

async function contents(inside: Inside, owners: readonly string[]): Promise<Record<string, Record<string, unknown>>> {
  const all: Record<string, Record<string, unknown>> = {};
  for (const owner of owners) all[owner] = await inside.get(owner).catch(() => ({}));
  return all;
}

/** Every store without what the change may touch: the profile under both its ids, and the provider's order. */
function blank(all: Record<string, unknown>, ids: readonly string[], provider: string): unknown {
  return JSON.parse(
    JSON.stringify(all, (key, value: unknown) => {
      if (ids.includes(key)) return undefined;
      return key === provider && (Array.isArray(value) || typeof value === "string") ? undefined : value;
    }),
    (key, value: unknown) =>
      ["usageStats", "order", "lastGood"].includes(key) && Object.keys(value as object).length === 0
        ? undefined
        : value,
  );
}

function profilesIn(store: Record<string, unknown> | undefined): unknown {
  const profiles = store?.["profiles"];
  return typeof profiles === "object" ? profiles : {};
}
