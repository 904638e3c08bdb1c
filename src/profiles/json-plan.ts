// Works out which store files one change touches, and how. Pure: it is given the files and changes nothing.

import { CodexAuthError } from "../errors.ts";
import { fingerprintJson } from "../secrets/fingerprint.ts";
import { Secret } from "../secrets/secret.ts";
import { entryOf, orderOf, type AgentFiles } from "./json-files.ts";
import { openCredential, parseCredential, type Credential } from "./profile.ts";
import { CODEX_PROVIDER, type CodexProvider } from "./profile-id.ts";
import { isSameLogin, mergeCredential } from "./same-login.ts";
import type { EntryValues, FileChange, PlannedChange, StoreChange } from "./store.ts";

/** The store files of every agent, and whose profile is to change. */
export interface PlanInput {
  readonly main: AgentFiles;
  /** Every other agent that has a store. */
  readonly others: readonly AgentFiles[];
  /** Agents whose store cannot be read; they are left alone and named in the plan. */
  readonly unreadable: readonly string[];
  /** The place of the agent that was asked for, main where none was. */
  readonly agent: AgentFiles["place"];
  /** Where the lock of a store lies; the files are taken in the order of these. */
  readonly lockPathOf: (files: AgentFiles) => string;
}

/**
 * Plans `change`:
 * - a profile that the agent inherits changes in main; so does a new one. An agent without a store never gets one;
 * - a profile that only the agent has, or that is another person's login than main's of that id, changes where it is;
 * - where main's login is replaced or removed, copies of it in other stores go, so that main's is inherited: one owner;
 * - the order changes where the agent's own order is, else in main; other agents' orders stay as they are.
 *
 * @throws CodexAuthError `ERR_PROFILE_UNKNOWN`, `ERR_PROVIDER_OUT_OF_SCOPE`, `ERR_STORE_MISSING`.
 */
export function planChange(change: StoreChange, input: PlanInput): PlannedChange {
  const { profileId } = change;
  const next = change.credential == null ? undefined : openCredential(change.credential);
  const owner = ownerOf(profileId, next, input);
  refuseForeign(profileId, entryOf(owner, profileId), next, input.main.provider);
  const orderOwner = owner !== input.main || hasOwnOrder(input) ? agentFiles(input) : input.main;
  const drafts: Draft[] = [];
  if (change.credential !== undefined) drafts.push(draftOwner(change, owner, next));
  const kept: string[] = [];
  if (change.credential !== undefined && owner === input.main) {
    for (const files of input.others) {
      const entry = entryOf(files, profileId);
      if (entry === undefined) continue;
      const isCopy = isSameLogin(entry, entryOf(owner, profileId)) || isSameLogin(entry, next);
      if (isCopy) drafts.push({ files, role: "copy", next: null, clearCooldown: change.clearCooldown ?? false });
      else kept.push(files.place.agentId);
    }
  }
  if (change.order !== undefined) drafts.push(draftOrder(change, orderOwner));
  return assemble(change, input, drafts, kept);
}

/** One store's part of a change before it is worked out. */
export interface Draft {
  readonly files: AgentFiles;
  readonly role: FileChange["role"];
  /** Undefined = the entry stays. */
  readonly next?: Credential | null;
  readonly order?: readonly string[] | null;
  readonly clearCooldown?: boolean;
  readonly more?: Pick<FileChange, "renameTo" | "notes">;
}

/** The files in whose store the profile of this agent lies, or will lie. */
export function ownerOf(profileId: string, next: Credential | undefined, input: PlanInput): AgentFiles {
  const own = agentFiles(input);
  const [ownEntry, mainEntry] = [entryOf(own, profileId), entryOf(input.main, profileId)];
  if (own === input.main || ownEntry === undefined) return input.main;
  if (mainEntry === undefined) return own;
  return isSameLogin(ownEntry, mainEntry) || isSameLogin(mainEntry, next) ? input.main : own;
}

/** The agent's own files, or main's where it has none. */
export function agentFiles({ main, others, agent }: PlanInput): AgentFiles {
  return others.find(({ place }) => place.storePath === agent.storePath) ?? main;
}

function hasOwnOrder(input: PlanInput): boolean {
  const own = agentFiles(input);
  return own !== input.main && orderOf(own) !== undefined;
}

function draftOwner(change: StoreChange, owner: AgentFiles, next: Credential | undefined): Draft {
  const existing = entryOf(owner, change.profileId);
  if (next === undefined && existing === undefined) throw unknownProfile();
  return {
    files: owner,
    role: "owner",
    next: next === undefined ? null : mergeCredential(existing, next),
    clearCooldown: change.clearCooldown ?? false,
  };
}

function draftOrder(change: StoreChange, files: AgentFiles): Draft {
  if (files.profiles === undefined && change.credential == null) {
    throw new CodexAuthError("ERR_STORE_MISSING", {
      message: "OpenClaw has no auth store yet, so there is no order to change.",
      next: "Sign a profile in first.",
    });
  }
  return { files, role: "order", order: change.order ?? null, clearCooldown: change.clearCooldown ?? false };
}

/** The plan of `drafts`, in the order in which their stores are locked. */
export function assemble(
  change: StoreChange,
  input: PlanInput,
  drafts: readonly Draft[],
  kept: readonly string[],
): PlannedChange {
  const byPath = new Map<string, Draft>();
  for (const draft of drafts) {
    const path = draft.files.place.storePath;
    const earlier = byPath.get(path);
    // The order's draft is the last; where the same file also gains or loses the entry, that gives the role.
    byPath.set(path, earlier === undefined ? draft : { ...draft, ...earlier, ...orderOnly(draft) });
  }
  const sorted = [...byPath.values()].toSorted((a, b) =>
    input.lockPathOf(a.files) < input.lockPathOf(b.files) ? -1 : 1,
  );
  const values = new Map<string, EntryValues>();
  const files = sorted.map((draft): FileChange => {
    const previous = entryOf(draft.files, change.profileId);
    const next = draft.next === undefined ? previous : (draft.next ?? undefined);
    const orderBefore = orderOf(draft.files) ?? null;
    const order = draft.order === undefined ? orderBefore : draft.order;
    values.set(draft.files.place.storePath, { next: seal(next), previous: seal(previous) });
    return {
      path: draft.files.place.storePath,
      agentId: draft.files.place.agentId,
      profileId: change.profileId,
      role: draft.role,
      before: fingerprintEntry(previous),
      after: fingerprintEntry(next),
      orderBefore: orderBefore === null ? null : [...orderBefore],
      orderAfter: order === null || order.length === 0 ? null : [...order],
      clearCooldown: draft.clearCooldown ?? false,
      creates: draft.files.profiles === undefined,
      ...draft.more,
    };
  });
  const { profileId, provider } = change;
  const elsewhere = { keptElsewhere: [...kept], unreadable: [...input.unreadable] };
  return { plan: { profileId, provider, agentId: input.agent.agentId, files, ...elsewhere }, values };
}

function orderOnly({ order }: Draft): Pick<Draft, "order"> {
  return order === undefined ? {} : { order };
}

/** The fingerprint of an entry, null where there is none. */
export function fingerprintEntry(entry: unknown): string | null {
  return entry === undefined ? null : fingerprintJson(entry);
}

function seal(entry: unknown): Secret | null {
  return entry === undefined ? null : Secret.of(JSON.stringify(entry));
}

/** @throws CodexAuthError `ERR_PROVIDER_OUT_OF_SCOPE` where the profile is, or would be, another provider's. */
export function refuseForeign(
  profileId: string,
  existing: unknown,
  next: Credential | undefined,
  ours: CodexProvider = CODEX_PROVIDER,
): void {
  const provider = parseCredential(existing)?.provider.toLowerCase() ?? ours;
  const isCodexId = profileId.startsWith(`${ours}:`) || existing !== undefined;
  if (provider === ours && isCodexId && (next === undefined || next.provider === ours)) return;
  throw new CodexAuthError("ERR_PROVIDER_OUT_OF_SCOPE", {
    message: "That profile is not a Codex profile, so it is left alone.",
    next: "Use OpenClaw's own `openclaw models auth` for other providers.",
  });
}

/** The error of a profile that there is not. */
export function unknownProfile(): CodexAuthError {
  return new CodexAuthError("ERR_PROFILE_UNKNOWN", {
    message: "There is no such profile in OpenClaw's auth store.",
    next: "Ask for the list of profiles and choose one of them.",
  });
}
