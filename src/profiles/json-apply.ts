// Carries out one file's part of a change under OpenClaw's lock: compare, patch, prove, write, compare again.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { CodexAuthError } from "../errors.ts";
import { canonicalJson } from "../secrets/fingerprint.ts";
import { ensurePrivateFolder, removeLeftovers } from "../storage/atomic-write.ts";
import { writeJsonFile } from "../storage/json-file.ts";
import { isSameJson } from "../storage/same-json.ts";
import { withOpenClawLock, type OpenClawLockHold } from "../storage/openclaw-lock.ts";
import type { AgentPlace } from "./agents.ts";
import {
  entriesOf,
  entryOf,
  notesOf,
  orderOf,
  readAgentFiles,
  type AgentFiles,
  type ReadOptions,
} from "./json-files.ts";
import { assertOnlyTargetChanged, isNamedIn, patchStore, type StoreDocuments, type StorePatch } from "./json-patch.ts";
import { fingerprintEntry } from "./json-plan.ts";
import { unsealEntry } from "./profile.ts";
import type { AppliedChange, ApplyOptions, EntryValues, FileChange, Holding } from "./store.ts";
import type { Secret } from "../secrets/secret.ts";

/** What {@link applyFileChange} works on. */
export interface FileTarget {
  readonly place: AgentPlace;
  /** Where a legacy `oauth.json` would be. */
  readonly oauthDir: string;
  readonly read: ReadOptions;
  /** The lock of this store where the caller holds it already. */
  readonly hold?: OpenClawLockHold | undefined;
}

/**
 * Brings one store from `before` to `after`.
 *
 * @param next The entry to write, null to remove it; not looked at where the entry does not change.
 * @throws CodexAuthError `ERR_STORE_CONFLICT`, `ERR_STORE_DRIFT`, `ERR_STORE_CORRUPT`, `ERR_STORE_LEGACY`, and what lock and disk throw.
 */
export async function applyFileChange(
  target: FileTarget,
  change: FileChange,
  next: Secret | null,
  options: ApplyOptions,
): Promise<AppliedChange> {
  const { place } = target;
  if (change.creates && place.isMain) await ensurePrivateFolder(place.agentDir);
  else if (!existsSync(place.agentDir)) throw conflict();
  const work = async (hold: OpenClawLockHold): Promise<AppliedChange> => {
    const applied = await applyUnderLock(target, change, next, hold, options);
    await options.whileLocked?.(hold);
    return applied;
  };
  return target.hold === undefined ? withOpenClawLock(place.storePath, work, options) : work(target.hold);
}

/** How much of `change` the files hold. */
export function holdingOf(files: AgentFiles, change: FileChange): Holding {
  if (change.renameTo !== undefined) return holdingOfName(files, change.profileId, change.renameTo);
  const entry = holdingOfEntry(fingerprintEntry(entryOf(files, change.profileId)), change);
  const order = holdingOfOrder(files, change);
  // Our entry is in: whoever changed the order since then did it with the profile in it, so theirs stands.
  if (entry === "after" && order === "other" && orderOf(files)?.includes(change.profileId) === true) return "after";
  const parts = [entry, order, holdingOfNotes(files, change)].filter((part) => part !== undefined);
  if (parts.every((part) => part === "after")) return "after";
  // Killed between its two files, the state is the newer one: the whole step is done again.
  return parts.includes("other") ? "other" : "before";
}

/** What takes `change` back: the change, and the entries that it writes. */
export function takingBack(
  change: FileChange,
  { next, previous }: EntryValues,
): { readonly change: FileChange; readonly values: EntryValues } {
  const back = reverse(change);
  const values = { next: previous, previous: next };
  if (change.before === change.after) return { change: back, values };
  // What is put back may be poorer than what was there: a spent refresh token is not restored (design, decision 8).
  const after = previous === null ? null : fingerprintEntry(unsealEntry(previous));
  return { change: { ...back, after }, values };
}

function reverse(change: FileChange): FileChange {
  return {
    ...change,
    before: change.after,
    after: change.before,
    orderBefore: change.orderAfter,
    orderAfter: change.orderBefore,
    clearCooldown: false,
    creates: false,
    ...(change.renameTo === undefined ? {} : { profileId: change.renameTo, renameTo: change.profileId }),
    ...(change.notes === undefined ? {} : { notes: { before: change.notes.after, after: change.notes.before } }),
  };
}

/** Refuses to begin a store while OpenClaw still has logins of its older form to import. @throws CodexAuthError `ERR_STORE_LEGACY`. */
export function assertMayBegin(target: Pick<FileTarget, "place" | "oauthDir">): void {
  // OpenClaw imports these only while auth-profiles.json is missing: a store begun by us would lose those logins.
  const legacy = [join(target.place.agentDir, "auth.json"), join(target.oauthDir, "oauth.json")];
  if (!legacy.some((path) => existsSync(path))) return;
  throw new CodexAuthError("ERR_STORE_LEGACY", {
    message: "OpenClaw has logins of an older form that it has not imported yet.",
    next: "Start OpenClaw once (`openclaw models status` is enough) so that it imports them, then try again.",
  });
}

async function applyUnderLock(
  target: FileTarget,
  change: FileChange,
  next: Secret | null,
  hold: OpenClawLockHold,
  options: ApplyOptions,
): Promise<AppliedChange> {
  const { place } = target;
  await Promise.all([removeLeftovers(place.storePath), removeLeftovers(place.statePath)]);
  const files = await readAgentFiles(place, target.read);
  if (files.profiles === undefined) {
    if (!change.creates || !place.isMain) throw conflict();
    assertMayBegin(target);
  }
  const holding = holdingOf(files, change);
  if (holding === "other") throw conflict();
  if (holding === "after") return { outcome: "already", written: [] };
  await options.beforeWrite?.();
  const patch = patchOf(change, next);
  const after = patchStore(files, patch);
  assertOnlyTargetChanged(files, after, patch);
  return { outcome: "written", written: await writeDocuments(place, files, after, hold) };
}

/** The state first: the entry is what tells that a step is done, so it is written last. */
async function writeDocuments(
  place: AgentPlace,
  before: StoreDocuments,
  after: StoreDocuments,
  hold: OpenClawLockHold,
): Promise<readonly string[]> {
  const written: string[] = [];
  const beforeRename = async (): Promise<void> => {
    hold.assertStillOurs();
    if (hold.remainingMs() <= 0) throw tooSlow();
  };
  const documents: readonly (readonly [string, unknown, unknown])[] = [
    [place.statePath, before.state, after.state],
    [place.storePath, before.profiles, after.profiles],
  ];
  for (const [path, old, fresh] of documents) {
    if (fresh === undefined || (old !== undefined && isSameJson(old, fresh))) continue;
    await writeJsonFile(path, fresh, { beforeRename });
    written.push(path);
  }
  return written;
}

/** What `change` makes of its store. @throws CodexAuthError `ERR_INTERNAL` where `next` is not what was planned. */
export function patchOf(change: FileChange, next: Secret | null): StorePatch {
  const entry = next === null ? null : unsealEntry(next);
  const isEntryKept = change.before === change.after;
  if (!isEntryKept && fingerprintEntry(entry ?? undefined) !== change.after) throw mismatch();
  return {
    profileId: change.profileId,
    clearCooldown: change.clearCooldown,
    ...(change.renameTo === undefined ? {} : { renameTo: change.renameTo }),
    ...(change.notes === undefined ? {} : { notes: change.notes.after }),
    ...(isEntryKept ? {} : { entry }),
    ...(isSameOrder(change.orderBefore, change.orderAfter) ? {} : { order: change.orderAfter }),
  };
}

/** A renamed profile is told by its ids alone: whoever renews its tokens meanwhile or later changes nothing about its name. */
function holdingOfName(files: AgentFiles, from: string, to: string): Holding {
  const [hasOld, hasNew] = [entryOf(files, from) !== undefined, entryOf(files, to) !== undefined];
  if (hasOld !== hasNew) return hasOld ? "before" : "after";
  if (hasOld) return "other";
  // An agent that inherits the profile has only its order and notes about it.
  const isNamed = [files.profiles, files.state].some((part) => isNamedIn(part, from, files.provider));
  return isNamed ? "before" : "after";
}

function holdingOfNotes(files: AgentFiles, { notes, profileId }: FileChange): Holding | undefined {
  if (notes === undefined) return undefined;
  const now = canonicalJson(notesOf(files, profileId));
  if (now === canonicalJson(notes.after)) return "after";
  return now === canonicalJson(notes.before) ? "before" : "other";
}

function holdingOfEntry(now: string | null, { before, after }: FileChange): Holding | undefined {
  // Where only the order changes, a refresh by the gateway in between is none of our business.
  if (before === after) return undefined;
  return now === after ? "after" : now === before ? "before" : "other";
}

function holdingOfOrder(files: AgentFiles, change: FileChange): Holding | undefined {
  const { orderBefore, orderAfter } = change;
  if (isSameOrder(orderBefore, orderAfter)) return undefined;
  // 2026.5.28 drops ids without a profile whenever it saves, so they say nothing about who wrote the order.
  const ids = new Set([...Object.keys(entriesOf(files)), change.profileId]);
  const plain = (order: readonly string[] | null): readonly string[] | null => {
    const rest = order?.filter((id) => ids.has(id)) ?? [];
    return rest.length === 0 ? null : rest;
  };
  const now = orderOf(files) ?? null;
  if (isSameOrder(now, orderAfter) || isSameOrder(now, orderBefore))
    return isSameOrder(now, orderAfter) ? "after" : "before";
  if (isSameOrder(plain(now), plain(orderAfter))) return "after";
  return isSameOrder(plain(now), plain(orderBefore)) ? "before" : "other";
}

function isSameOrder(a: readonly string[] | null, b: readonly string[] | null): boolean {
  return canonicalJson(a) === canonicalJson(b);
}

/** The error of a store that holds neither what was planned from nor what was planned. */
export function conflict(): CodexAuthError {
  return new CodexAuthError("ERR_STORE_CONFLICT", {
    message: "OpenClaw's auth store was changed by somebody else in the meantime.",
    next: "Nothing was written; the change is worked out again against the new store.",
    retryable: true,
  });
}

function mismatch(): CodexAuthError {
  return new CodexAuthError("ERR_INTERNAL", {
    message: "The saved credential of this change is not the one that was planned.",
    next: "Nothing was written; start the change again.",
  });
}

function tooSlow(): CodexAuthError {
  return new CodexAuthError("ERR_LOCK_LOST", {
    message: "Writing took longer than the lock of OpenClaw's auth store may be held.",
    next: "Nothing was written; check how busy the disk is and try again.",
    retryable: true,
  });
}
