// The outline of OpenClaw's stores, secret-free: enough to work a change out for showing where the stores themselves cannot be read.

import { z } from "zod";
import { fingerprint } from "../secrets/fingerprint.ts";
import type { AgentPlace } from "./agents.ts";
import { asObject, entriesOf, notesOf, orderOf, usageOf, type AgentFiles, type JsonObject } from "./json-files.ts";
import { fingerprintEntry, planChange } from "./json-plan.ts";
import { planNotes, planRename } from "./json-plan-manage.ts";
import { isCodexEntry } from "./json-snapshot.ts";
import type { PrintedHolder } from "./owners.ts";
import { parseCredential, refreshTokenOf } from "./profile.ts";
import { CODEX_PROVIDER, profileIdFor, type CodexProvider } from "./profile-id.ts";
import { isSameLogin } from "./same-login.ts";
import type { FileChange, PlannedChange, StoreChange } from "./store.ts";
import { failureNotesSchema } from "./usage-stats.ts";

const storeSchema = z.object({
  /** How plans name the store. */
  path: z.string(),
  agentId: z.string(),
  /** Every agent that has its logins there. */
  agentIds: z.array(z.string()),
  /** True for the store that the others inherit. */
  isMain: z.boolean(),
  isReadable: z.boolean(),
  /** True where there is such a store at all. */
  isBegun: z.boolean(),
  /** Its own Codex profiles. */
  entries: z.record(
    z.string(),
    z.object({
      /** Fingerprint of the entry as plans and receipts name it. */
      print: z.string(),
      /** True where it is the login that the inherited store has under that id. */
      isMains: z.boolean(),
      /** Fingerprint of its refresh token. */
      refresh: z.string().exactOptional(),
    }),
  ),
  order: z.array(z.string()).exactOptional(),
  lastGood: z.string().exactOptional(),
  /** OpenClaw's notes of failures, by each profile that it has notes of at all. */
  notes: z.record(z.string(), failureNotesSchema),
});

/** The form of an outline in a file: the inherited store first. */
export const outlineSchema = z.array(storeSchema);
/** Every store's outline, the inherited one first. */
export type StoresOutline = z.infer<typeof outlineSchema>;
type StoreOutline = StoresOutline[number];

/** The outline of one store; `files` undefined where it cannot be read, `main` is the store that is inherited. */
export function outlineOf(place: AgentPlace, files: AgentFiles | undefined, main: AgentFiles): StoreOutline {
  const provider = main.provider ?? CODEX_PROVIDER;
  const { storePath: path, agentId, agentIds, isMain } = place;
  const base = { path, agentId, agentIds: [...agentIds], isMain, isReadable: files !== undefined };
  if (files === undefined) return { ...base, isBegun: false, entries: {}, notes: {} };
  const mains = entriesOf(main);
  const ours = Object.entries(entriesOf(files)).filter(([id, entry]) => isCodexEntry(id, entry, provider));
  const entries = ours.map(([id, entry]) => {
    const credential = parseCredential(entry);
    const refresh = credential === undefined ? undefined : refreshTokenOf(credential);
    const isMains = isMain || (Object.hasOwn(mains, id) && isSameLogin(entry, mains[id]));
    const print = fingerprintEntry(entry) ?? "";
    return [id, { print, isMains, ...(refresh === undefined ? {} : { refresh: fingerprint(refresh) }) }] as const;
  });
  const noted = Object.keys(usageOf(files)).filter((id) => id.startsWith(`${provider}:`));
  const order = orderOf(files);
  const lastGood = lastGoodOf(files.profiles, provider) ?? lastGoodOf(files.state, provider);
  return {
    ...base,
    isBegun: files.profiles !== undefined,
    entries: Object.fromEntries(entries),
    ...(order === undefined ? {} : { order: [...order] }),
    ...(lastGood === undefined ? {} : { lastGood }),
    notes: Object.fromEntries(noted.map((id) => [id, notesOf(files, id)])),
  };
}

/**
 * The plan of `change` as whoever can read the stores would make it, without the values: for showing, never for carrying out.
 *
 * @throws CodexAuthError what planning throws.
 */
export function planFromOutline(
  outline: StoresOutline,
  wanted: StoreChange,
  { agentId, provider }: { readonly agentId: string; readonly provider: CodexProvider },
): PlannedChange {
  const change = translated(wanted, provider);
  const [main, ...others] = outline.map((store) => filesOf(store, provider));
  if (main === undefined) throw new TypeError("An outline has the inherited store at least.");
  const own = outline.find((store) => !store.isMain && store.agentIds.includes(agentId));
  const path = own?.path ?? main.place.storePath;
  const planAny = change.renameTo !== undefined ? planRename : change.failures !== undefined ? planNotes : planChange;
  const { plan } = planAny(change, {
    main,
    others: others.filter(({ profiles }) => profiles !== undefined),
    unreadable: outline.filter(({ isReadable }) => !isReadable).map((store) => store.agentId),
    agent: { ...main.place, agentId, storePath: path },
    lockPathOf: ({ place }) => place.storePath,
  });
  return { plan: { ...plan, files: plan.files.map((file) => withPrints(file, outline)) }, values: new Map() };
}

/** Where refresh tokens lie, as far as an outline tells. */
export function holdersIn(outline: StoresOutline): readonly PrintedHolder[] {
  return outline.flatMap(({ agentId: owner, entries }) =>
    Object.entries(entries).flatMap(([profileId, { refresh }]) =>
      refresh === undefined ? [] : [{ owner, profileId, print: refresh }],
    ),
  );
}

function lastGoodOf(document: JsonObject | undefined, provider: CodexProvider): string | undefined {
  const id = asObject(document?.["lastGood"])?.[provider];
  return typeof id === "string" ? id : undefined;
}

/** Ids of the JSON generation mean the same profiles in a database. */
function translated(change: StoreChange, provider: CodexProvider): StoreChange {
  const idOf = (id: string): string => profileIdFor(provider, id);
  const { order, renameTo } = change;
  return {
    ...change,
    provider,
    profileId: idOf(change.profileId),
    ...(order == null ? {} : { order: order.map(idOf) }),
    ...(renameTo === undefined ? {} : { renameTo: idOf(renameTo) }),
  };
}

/** A store with stand-ins for its logins: planning only asks whether two entries of one id are the same login. */
function filesOf(store: StoreOutline, provider: CodexProvider): AgentFiles {
  const { path, agentId, agentIds, isMain, isBegun, entries, order, lastGood, notes } = store;
  const place = { agentId, agentIds, agentDir: "", storePath: path, statePath: path, isMain };
  if (!isBegun) return { place, provider, profiles: undefined, state: undefined };
  const logins = Object.entries(entries).map(([id, { isMains }]) => {
    const whose = isMains ? "as inherited" : path;
    return [id, { type: "oauth", provider, refresh: whose }] as const;
  });
  const profiles = {
    profiles: Object.fromEntries(logins),
    order: order === undefined ? {} : { [provider]: order },
    lastGood: lastGood === undefined ? {} : { [provider]: lastGood },
    usageStats: notes,
  };
  return { place, provider, profiles, state: undefined };
}

/** The fingerprints of the logins themselves in place of the stand-ins'; no entry gets another value here but none. */
function withPrints(file: FileChange, outline: StoresOutline): FileChange {
  const entries = outline.find(({ path }) => path === file.path)?.entries ?? {};
  const before = Object.hasOwn(entries, file.profileId) ? (entries[file.profileId]?.print ?? null) : null;
  return { ...file, before, after: file.after === null ? null : before };
}
