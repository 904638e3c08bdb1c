// Changes one profile in the parsed files of a store, and proves that nothing else changed. Pure.

import { CodexAuthError } from "../errors.ts";
import { isSameJson } from "../storage/same-json.ts";
import { asObject, type JsonObject } from "./json-files.ts";
import { CODEX_PROVIDER, type CodexProvider } from "./profile-id.ts";
import { withoutCooldown, type FailureNotes } from "./usage-stats.ts";

/** The two documents of a store; undefined = no such file. */
export interface StoreDocuments {
  readonly profiles: JsonObject | undefined;
  readonly state: JsonObject | undefined;
}

/** What to change; undefined = leave. */
export interface StorePatch {
  /** How this store names the provider. Default `openai-codex`. */
  readonly provider?: CodexProvider;
  readonly profileId: string;
  /** The new entry; null removes it. */
  readonly entry?: unknown;
  /** The provider's new order; null removes it. */
  readonly order?: readonly string[] | null;
  readonly clearCooldown: boolean;
  /** The id that the profile gets; its entry goes with it as it is. */
  readonly renameTo?: string;
  /** The notes of failures that are to stand there. */
  readonly notes?: FailureNotes;
}

/** The documents with the patch applied. A store that does not exist is begun. */
export function patchStore(before: StoreDocuments, patch: StorePatch): StoreDocuments {
  const { profileId, entry, order, renameTo, notes, provider = CODEX_PROVIDER } = patch;
  let profiles: JsonObject = before.profiles ?? { version: 1, profiles: {} };
  let state = before.state;
  if (entry !== undefined) {
    profiles = { ...profiles, profiles: withKey(asObject(profiles["profiles"]) ?? {}, profileId, entry ?? undefined) };
  }
  if (order !== undefined) {
    // Where there are two files the order belongs in the second; a cleared one must go from both, as 2026.5.28 reads both.
    if (state !== undefined) state = withOrder(state, order, provider);
    if (state === undefined || order === null) profiles = withOrder(profiles, order, provider);
  }
  if (patch.clearCooldown) {
    state = state === undefined ? undefined : clearCooldown(state, profileId);
    profiles = clearCooldown(profiles, profileId);
  }
  if (renameTo !== undefined) {
    profiles = renameIn(profiles, profileId, renameTo, provider);
    state = state === undefined ? undefined : renameIn(state, profileId, renameTo, provider);
  }
  if (notes !== undefined) {
    const isInState = state !== undefined;
    state = state === undefined ? undefined : withNotes(state, profileId, notes);
    // The second file's notes win over the first's, which are those of before it was split.
    profiles = withNotes(profiles, profileId, isInState ? {} : notes);
  }
  return { profiles, state };
}

/** @throws CodexAuthError `ERR_STORE_DRIFT` where anything but the target differs between the two. */
export function assertOnlyTargetChanged(before: StoreDocuments, after: StoreDocuments, patch: StorePatch): void {
  const { profileId, renameTo } = patch;
  const isMoved =
    renameTo === undefined ||
    isSameJson(
      asObject(before.profiles?.["profiles"])?.[profileId],
      asObject(after.profiles?.["profiles"])?.[renameTo],
    );
  const isSame =
    isMoved &&
    isSameJson(blank(before.profiles ?? { version: 1, profiles: {} }, patch), blank(after.profiles, patch)) &&
    isSameJson(blank(before.state, patch), blank(after.state, patch));
  if (isSame) return;
  throw new CodexAuthError("ERR_STORE_DRIFT", {
    message: "The change would have touched something besides the profile, so it was not written.",
    next: "Nothing was changed. Run `codex-auth-skill doctor` and report this.",
  });
}

/** The document without the parts that the patch may change. */
function blank(document: JsonObject | undefined, patch: StorePatch): JsonObject | undefined {
  if (document === undefined) return undefined;
  const { provider = CODEX_PROVIDER } = patch;
  let rest = document;
  const profiles = asObject(rest["profiles"]);
  if (patch.entry !== undefined && profiles !== undefined) {
    rest = { ...rest, profiles: withKey(profiles, patch.profileId, undefined) };
  }
  if (patch.order !== undefined) rest = withOrder(rest, null, provider);
  const usage = asObject(rest["usageStats"]);
  if ((patch.clearCooldown || patch.notes !== undefined) && usage !== undefined) {
    const others = withKey(usage, patch.profileId, undefined);
    rest = withKey(rest, "usageStats", Object.keys(others).length === 0 ? undefined : others);
  }
  return patch.renameTo === undefined ? rest : blankNames(rest, patch.profileId, patch.renameTo, provider);
}

/** Everything that names a profile, under one id or the other, is not compared where it is renamed. */
function blankNames(document: JsonObject, from: string, to: string, provider: CodexProvider): JsonObject {
  const lastGood = asObject(document["lastGood"]);
  let rest = withOrder(document, null, provider);
  for (const part of ["profiles", "usageStats"]) {
    const named = asObject(rest[part]);
    if (named !== undefined) rest = { ...rest, [part]: withKey(withKey(named, from, undefined), to, undefined) };
  }
  return lastGood === undefined ? rest : { ...rest, lastGood: withKey(lastGood, provider, undefined) };
}

/** True where the document names the profile outside of its entry: in the order, among the last good ones, or in the notes. */
export function isNamedIn(
  document: JsonObject | undefined,
  profileId: string,
  provider: CodexProvider = CODEX_PROVIDER,
): boolean {
  const order = asObject(document?.["order"])?.[provider];
  return (
    (Array.isArray(order) && order.includes(profileId)) ||
    asObject(document?.["lastGood"])?.[provider] === profileId ||
    Object.hasOwn(asObject(document?.["usageStats"]) ?? {}, profileId)
  );
}

function renameIn(document: JsonObject, from: string, to: string, provider: CodexProvider): JsonObject {
  let next = document;
  for (const part of ["profiles", "usageStats"]) {
    const named = asObject(next[part]);
    if (named === undefined || !Object.hasOwn(named, from)) continue;
    // What OpenClaw still noted about an earlier profile of that name was about another login.
    const moved = Object.entries(named).filter(([id]) => id !== to);
    next = { ...next, [part]: Object.fromEntries(moved.map(([id, value]) => [id === from ? to : id, value])) };
  }
  const orders = asObject(next["order"]);
  const order = orders?.[provider];
  if (orders !== undefined && Array.isArray(order) && order.includes(from)) {
    const renamed = order.filter((id) => id !== to).map((id: unknown) => (id === from ? to : id));
    next = { ...next, order: { ...orders, [provider]: renamed } };
  }
  const lastGood = asObject(next["lastGood"]);
  return lastGood?.[provider] === from ? { ...next, lastGood: { ...lastGood, [provider]: to } } : next;
}

function withNotes(document: JsonObject, profileId: string, notes: FailureNotes): JsonObject {
  const usage = asObject(document["usageStats"]);
  const stats = asObject(usage?.[profileId]);
  if (stats === undefined && Object.keys(notes).length === 0) return document;
  const next = { ...(stats === undefined ? {} : withoutCooldown(stats)), ...notes };
  return { ...document, usageStats: withKey(usage ?? {}, profileId, next) };
}

function withOrder(document: JsonObject, order: readonly string[] | null, provider: CodexProvider): JsonObject {
  const orders = withKey(asObject(document["order"]) ?? {}, provider, order ?? undefined);
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
  if (value !== undefined) return { ...object, [key]: value };
  const { [key]: _gone, ...rest } = object;
  return rest;
}
