// Works out which store files a new name, or forgetting failures, touches. Pure, like json-plan.ts beside it.

import { CodexAuthError } from "../errors.ts";
import { canonicalJson } from "../secrets/fingerprint.ts";
import { entryOf, notesOf, type AgentFiles } from "./json-files.ts";
import { isNamedIn } from "./json-patch.ts";
import {
  agentFiles,
  assemble,
  ownerOf,
  refuseForeign,
  unknownProfile,
  type Draft,
  type PlanInput,
} from "./json-plan.ts";
import { isSameLogin } from "./same-login.ts";
import type { PlannedChange, StoreChange } from "./store.ts";

/**
 * Plans a new name: the entry where it lies, copies of the same login in other stores, and every order and note that names an
 * inherited one. Another person's login of the same id keeps its name.
 *
 * @throws CodexAuthError `ERR_PROFILE_UNKNOWN`, `ERR_PROFILE_EXISTS`, `ERR_PROVIDER_OUT_OF_SCOPE`.
 */
export function planRename(change: StoreChange, input: PlanInput): PlannedChange {
  const { profileId, renameTo = profileId } = change;
  const owner = ownerOf(profileId, undefined, input);
  const entry = entryOf(owner, profileId);
  if (entry === undefined) throw unknownProfile();
  refuseForeign(profileId, entry, undefined, input.main.provider);
  refuseForeign(renameTo, undefined, undefined, input.main.provider);
  const all = [input.main, ...input.others];
  if (all.some((files) => entryOf(files, renameTo) !== undefined)) throw taken();
  const more = { renameTo };
  const drafts: Draft[] = [{ files: owner, role: "owner", more }];
  const kept: string[] = [];
  for (const files of owner === input.main ? input.others : []) {
    const theirs = entryOf(files, profileId);
    if (theirs !== undefined && !isSameLogin(theirs, entry)) kept.push(files.place.agentId);
    else if (theirs !== undefined) drafts.push({ files, role: "copy", more });
    else if (names(files, profileId)) drafts.push({ files, role: "order", more });
  }
  return assemble(change, input, drafts, kept);
}

/**
 * Plans what becomes of OpenClaw's notes of failures: in the agent's own store and in main's, which it sees together.
 *
 * @throws CodexAuthError `ERR_PROFILE_UNKNOWN`, `ERR_PROVIDER_OUT_OF_SCOPE`.
 */
export function planNotes(change: StoreChange, input: PlanInput): PlannedChange {
  const { profileId, failures } = change;
  const own = agentFiles(input);
  const seen = own === input.main ? [own] : [own, input.main];
  const entry = seen.map((files) => entryOf(files, profileId)).find((one) => one !== undefined);
  if (entry === undefined) throw unknownProfile();
  refuseForeign(profileId, entry, undefined, input.main.provider);
  const drafts = seen.flatMap((files): Draft[] => {
    const before = notesOf(files, profileId);
    const wanted = typeof failures === "object" ? failures[files.place.storePath] : {};
    if (wanted === undefined || canonicalJson(wanted) === canonicalJson(before)) return [];
    return [{ files, role: "notes", more: { notes: { before, after: wanted } } }];
  });
  return assemble(change, input, drafts, []);
}

function names(files: AgentFiles, profileId: string): boolean {
  return isNamedIn(files.profiles, profileId, files.provider) || isNamedIn(files.state, profileId, files.provider);
}

function taken(): CodexAuthError {
  return new CodexAuthError("ERR_PROFILE_EXISTS", {
    message: "There is a profile of that name already.",
    next: "Choose another name; nothing was changed.",
  });
}
