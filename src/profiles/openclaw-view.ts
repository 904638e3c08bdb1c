// One store as OpenClaw has it in its memory, and the proof that what it kept is what was to be written. Pure.

import { CodexAuthError } from "../errors.ts";
import { canonicalJson } from "../secrets/fingerprint.ts";
import { asObject, type JsonObject } from "./json-files.ts";
import type { StoreDocuments } from "./json-patch.ts";
import type { StoreView } from "./openclaw-backend.ts";
import { entryForMemory } from "./openclaw-entry.ts";
import type { SdkShape } from "./openclaw-sdk.ts";
import { isSameLogin } from "./same-login.ts";

/** All that OpenClaw keeps of a store. */
const PARTS = ["version", "profiles", "order", "lastGood", "usageStats"];

/** Both documents as one, the second's values before the first's, as OpenClaw merges them. */
export function viewOf({ profiles, state }: StoreDocuments): StoreView {
  const part = (name: string): JsonObject => ({ ...asObject(profiles?.[name]), ...asObject(state?.[name]) });
  return {
    profiles: withValues(asObject(profiles?.["profiles"]) ?? {}, entryForMemory),
    order: withValues(part("order"), (list) => (Array.isArray(list) && list.length > 0 ? list : undefined)),
    lastGood: part("lastGood"),
    usageStats: part("usageStats"),
  };
}

/** True where the files hold something that OpenClaw's own code drops whenever it writes them. */
export function dropsFrom({ profiles, state }: StoreDocuments): boolean {
  const entries = Object.values(asObject(profiles?.["profiles"]) ?? {});
  const names = [profiles, state].flatMap((document) => Object.keys(document ?? {}));
  return entries.some((entry) => entryForMemory(entry) === undefined) || names.some((name) => !PARTS.includes(name));
}

/** The store in the form in which OpenClaw's code is handed one. */
export function storeFrom(view: StoreView): JsonObject {
  return { version: 1, ...view };
}

/** The parts of a store that OpenClaw keeps; what it only notes for itself while it runs is left out. */
export function documentFrom(store: JsonObject): JsonObject {
  const kept = PARTS.map((name) => [name, store[name]] as const).filter(([, value]) => value !== undefined);
  return structuredClone(Object.fromEntries(kept));
}

/**
 * Compares what was to be written with what is there. Where OpenClaw itself drops something at each of its own writes, that is no
 * drift: in two files names of profiles that this store does not have (2026.5.28), and fields of notes that it does not know.
 *
 * In a database we look a moment after our write: by then the gateway may have noted a use, or renewed another profile's tokens.
 *
 * @param profileIds The profile of the change, and the id that it gets.
 * @throws CodexAuthError `ERR_STORE_DRIFT`.
 */
export function proveWritten(
  wanted: StoreView,
  found: StoreView,
  shape: SdkShape,
  profileIds: readonly string[],
): void {
  const kept = shape === "two-files" ? pruned(wanted) : wanted;
  const isSame =
    areEntriesKept(kept, found, shape, profileIds) &&
    canonicalJson(kept.order) === canonicalJson(found.order) &&
    (shape === "sqlite" || areNotesKept(kept, found, shape, profileIds));
  if (isSame) return;
  throw new CodexAuthError("ERR_STORE_DRIFT", {
    message: "OpenClaw's auth store does not hold what was written to it, or something else in it has changed.",
    next: "Look at the profiles with `/codex_auth`. If it repeats, run `codex-auth-skill doctor` and report this.",
    retryable: true,
  });
}

function areEntriesKept(wanted: StoreView, found: StoreView, shape: SdkShape, profileIds: readonly string[]): boolean {
  if (canonicalJson(wanted.profiles) === canonicalJson(found.profiles)) return true;
  const ids = Object.keys(wanted.profiles);
  if (shape !== "sqlite" || ids.length !== Object.keys(found.profiles).length) return false;
  return ids.every((id) => {
    const [mine, theirs] = [wanted.profiles[id], found.profiles[id]];
    return canonicalJson(mine) === canonicalJson(theirs) || (!profileIds.includes(id) && isSameLogin(mine, theirs));
  });
}

function areNotesKept(wanted: StoreView, found: StoreView, shape: SdkShape, profileIds: readonly string[]): boolean {
  if (canonicalJson(wanted.lastGood) !== canonicalJson(found.lastGood)) return false;
  if (shape === "one-file") return canonicalJson(wanted.usageStats) === canonicalJson(found.usageStats);
  return Object.entries(wanted.usageStats).every(([id, stats]) => {
    const [before, after] = [asObject(stats) ?? {}, asObject(found.usageStats[id]) ?? {}];
    const isSubset = Object.entries(after).every(
      ([name, value]) => canonicalJson(value) === canonicalJson(before[name]),
    );
    return isSubset || profileIds.includes(id);
  });
}

function pruned({ profiles, order, lastGood, usageStats }: StoreView): StoreView {
  const isKnown = (id: unknown): boolean => typeof id === "string" && Object.hasOwn(profiles, id);
  return {
    profiles,
    order: withValues(order, (list) => {
      const rest: readonly unknown[] = Array.isArray(list) ? list.filter(isKnown) : [];
      return rest.length === 0 ? undefined : rest;
    }),
    lastGood: withValues(lastGood, (id) => (isKnown(id) ? id : undefined)),
    usageStats: Object.fromEntries(Object.entries(usageStats).filter(([id]) => isKnown(id))),
  };
}

function withValues(object: JsonObject, keep: (value: unknown) => unknown): JsonObject {
  return Object.fromEntries(
    Object.entries(object)
      .map(([name, value]) => [name, keep(value)] as const)
      .filter(([, value]) => value !== undefined),
  );
}
