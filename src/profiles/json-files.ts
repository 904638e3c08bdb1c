// Reads the store files of one agent, in either of the two JSON shapes of OpenClaw.

import { CodexAuthError, isCodexAuthError } from "../errors.ts";
import { parseJson, readTextFile } from "../storage/json-file.ts";
import type { AgentPlace } from "./agents.ts";
import { keepCorruptCopy } from "./corrupt-copy.ts";
import { CODEX_PROVIDER, type CodexProvider } from "./profile-id.ts";
import { failureNotes, type FailureNotes } from "./usage-stats.ts";

/** Which store OpenClaw uses: one file, two files, or one that this program does not write as files. */
export type StoreGeneration = "json-single" | "json-split" | "sqlite" | "unknown";

/** A JSON object with its fields in their order. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** The parsed files of one agent. */
export interface AgentFiles {
  readonly place: AgentPlace;
  /** How this store names the provider. Default `openai-codex`. */
  readonly provider?: CodexProvider;
  /** `auth-profiles.json`; undefined = no such file. */
  readonly profiles: JsonObject | undefined;
  /** `auth-state.json`; undefined = no such file, or one that this generation does not read. */
  readonly state: JsonObject | undefined;
}

/** How {@link readAgentFiles} reads. */
export interface ReadOptions {
  /** Where known: 2026.4.5 does not look at an `auth-state.json` that a newer version left. Default: used where it exists. */
  readonly generation?: StoreGeneration | undefined;
  /** Keep a copy of a store that cannot be read in this folder. Default: none is kept. */
  readonly corruptFolder?: string | undefined;
  readonly now?: number;
}

/**
 * The store files of one agent.
 *
 * @throws CodexAuthError `ERR_STORE_CORRUPT` (never replaced, a copy kept where asked), `ERR_GENERATION_UNKNOWN`, and what reading throws.
 */
export async function readAgentFiles(place: AgentPlace, options: ReadOptions = {}): Promise<AgentFiles> {
  const profiles = await readStoreFile(place, place.storePath, options);
  const state = options.generation === "json-single" ? undefined : await readStoreFile(place, place.statePath, options);
  return { place, profiles, state };
}

/** All entries of the store, of all providers. */
export function entriesOf(files: AgentFiles): JsonObject {
  return asObject(files.profiles?.["profiles"]) ?? {};
}

/** One entry of the store, undefined where there is none. */
export function entryOf(files: AgentFiles, profileId: string): unknown {
  const entries = entriesOf(files);
  return Object.hasOwn(entries, profileId) ? entries[profileId] : undefined;
}

/** The provider's order: that of `auth-state.json` first, else that in `auth-profiles.json` (2026.5.28 reads both so). */
export function orderOf(files: AgentFiles): readonly string[] | undefined {
  return orderIn(files.state, files.provider) ?? orderIn(files.profiles, files.provider);
}

/** `usageStats` of both files, that of `auth-state.json` first. */
export function usageOf(files: AgentFiles): JsonObject {
  return { ...asObject(files.profiles?.["usageStats"]), ...asObject(files.state?.["usageStats"]) };
}

/** OpenClaw's notes of failures about a profile, in this store alone. */
export function notesOf(files: AgentFiles, profileId: string): FailureNotes {
  const usage = usageOf(files);
  return failureNotes(Object.hasOwn(usage, profileId) ? asObject(usage[profileId]) : undefined);
}

/** The files there are. */
export function pathsOf(files: AgentFiles): readonly string[] {
  const { place, profiles, state } = files;
  return [...(profiles === undefined ? [] : [place.storePath]), ...(state === undefined ? [] : [place.statePath])];
}

/** `value` where it is a JSON object. */
export function asObject(value: unknown): JsonObject | undefined {
  // Not zod: what is read here is written back, and a checked copy could lose a key such as `__proto__`.
  return isObject(value) ? value : undefined;
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function orderIn(
  document: JsonObject | undefined,
  provider: CodexProvider = CODEX_PROVIDER,
): readonly string[] | undefined {
  const list = asObject(document?.["order"])?.[provider];
  // An empty list is no list to OpenClaw.
  return Array.isArray(list) && list.length > 0 ? list.map(String) : undefined;
}

async function readStoreFile(place: AgentPlace, path: string, options: ReadOptions): Promise<JsonObject | undefined> {
  try {
    const text = await readTextFile(path);
    if (text === undefined) return undefined;
    return checkShape(parseJson(text, path), path, path === place.storePath);
  } catch (error) {
    if (!isCodexAuthError(error, "ERR_FILE_NOT_JSON", "ERR_STORE_CORRUPT")) throw error;
    const kept = await keepCorruptCopy(path, place.agentId, options.corruptFolder, options.now ?? Date.now());
    throw new CodexAuthError("ERR_STORE_CORRUPT", {
      message: `OpenClaw's auth store ${path} cannot be read: it is not what OpenClaw writes there.`,
      next: `It was left as it is${kept ? ", and a copy of it was kept" : ""}. Restore it from a backup or let \`openclaw doctor\` look at it.`,
      cause: error,
    });
  }
}

function checkShape(value: unknown, path: string, isStore: boolean): JsonObject {
  const document = asObject(value);
  const order = document?.["order"];
  const isSound =
    document !== undefined &&
    (!isStore || asObject(document["profiles"]) !== undefined) &&
    (order === undefined || asObject(order) !== undefined) &&
    isOrderList(asObject(order)?.[CODEX_PROVIDER]);
  if (!isSound) {
    throw new CodexAuthError("ERR_STORE_CORRUPT", {
      message: `${path} has another shape.`,
      next: "It was left as it is.",
    });
  }
  if (document["version"] !== undefined && document["version"] !== 1) {
    throw new CodexAuthError("ERR_GENERATION_UNKNOWN", {
      message: `${path} was written by a version of OpenClaw that this program does not know.`,
      next: "Nothing was changed. Update codex-auth-skill, or use OpenClaw's own commands.",
    });
  }
  return document;
}

function isOrderList(list: unknown): boolean {
  return list === undefined || (Array.isArray(list) && list.every((id) => typeof id === "string"));
}
