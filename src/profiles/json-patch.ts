// Changes one profile in the parsed files of a store, and proves that nothing else changed. Pure.

import { CodexAuthError } from "../errors.ts";
import { canonicalJson } from "../secrets/fingerprint.ts";
import { asObject, type JsonObject } from "./json-files.ts";
import { CODEX_PROVIDER } from "./profile.ts";
import { withoutCooldown } from "./usage-stats.ts";

/** The two documents of a store; undefined = no such file. */
export interface StoreDocuments {
  readonly profiles: JsonObject | undefined;
  readonly state: JsonObject | undefined;
}

/** What to change; undefined = leave. */
export interface StorePatch {
  readonly profileId: string;
  /** The new entry; null removes it. */
  readonly entry?: unknown;
  /** The provider's new order; null removes it. */
  readonly order?: readonly string[] | null;
  readonly clearCooldown: boolean;
}

/** The documents with the patch applied. A store that does not exist is begun. */
export function patchStore(before: StoreDocuments, patch: StorePatch): StoreDocuments {
  const { profileId, entry, order } = patch;
  let profiles: JsonObject = before.profiles ?? { version: 1, profiles: {} };
  let state = before.state;
  if (entry !== undefined) {
    profiles = { ...profiles, profiles: withKey(asObject(profiles["profiles"]) ?? {}, profileId, entry ?? undefined) };
  }
  if (order !== undefined) {
    // Where there are two files the order belongs in the second; a cleared one must go from both, as 2026.5.28 reads both.
    if (state !== undefined) state = withOrder(state, order);
    if (state === undefined || order === null) profiles = withOrder(profiles, order);
  }
  if (patch.clearCooldown) {
    state = state === undefined ? undefined : clearCooldown(state, profileId);
    profiles = clearCooldown(profiles, profileId);
  }
  return { profiles, state };
}

/** @throws CodexAuthError `ERR_STORE_DRIFT` where anything but the target differs between the two. */
export function assertOnlyTargetChanged(before: StoreDocuments, after: StoreDocuments, patch: StorePatch): void {
  const isSame =
    canonicalJson(blank(before.profiles ?? { version: 1, profiles: {} }, patch)) ===
      canonicalJson(blank(after.profiles, patch)) &&
    canonicalJson(blank(before.state, patch)) === canonicalJson(blank(after.state, patch));
  if (isSame) return;
  throw new CodexAuthError("ERR_STORE_DRIFT", {
    message: "The change would have touched something besides the profile, so it was not written.",
    next: "Nothing was changed. Run `codex-auth-skill doctor` and report this.",
  });
}

/** The document without the parts that the patch may change. */
function blank(document: JsonObject | undefined, patch: StorePatch): JsonObject | undefined {
  if (document === undefined) return undefined;
  let rest = document;
  const profiles = asObject(rest["profiles"]);
  if (patch.entry !== undefined && profiles !== undefined) {
    rest = { ...rest, profiles: withKey(profiles, patch.profileId, undefined) };
  }
  if (patch.order !== undefined) rest = withOrder(rest, null);
  const usage = asObject(rest["usageStats"]);
  if (patch.clearCooldown && usage !== undefined) {
    rest = { ...rest, usageStats: withKey(usage, patch.profileId, undefined) };
  }
  return rest;
}

function withOrder(document: JsonObject, order: readonly string[] | null): JsonObject {
  const orders = withKey(asObject(document["order"]) ?? {}, CODEX_PROVIDER, order ?? undefined);
  // OpenClaw drops an empty `order` too.
  return withKey(document, "order", Object.keys(orders).length === 0 ? undefined : orders);
}

function clearCooldown(document: JsonObject, profileId: string): JsonObject {
  const usage = asObject(document["usageStats"]);
  const stats = asObject(usage?.[profileId]);
  if (usage === undefined || stats === undefined) return document;
  return { ...document, usageStats: withKey(usage, profileId, withoutCooldown(stats)) };
}

/** `object` with `key` set, or gone where `value` is undefined; the other keys keep their places. */
function withKey(object: JsonObject, key: string, value: unknown): JsonObject {
  if (value === undefined) return Object.fromEntries(Object.entries(object).filter(([name]) => name !== key));
  return { ...object, [key]: value };
}
