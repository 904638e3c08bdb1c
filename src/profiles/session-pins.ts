// Which chats of an agent are bound to one profile whatever the order says (facts/openclaw-json-generation.md §1, stickiness); only read.

import { isAbsolute, join, resolve } from "node:path";
import { z } from "zod";
import { readJsonFile } from "../storage/json-file.ts";
import { readJson5File } from "../storage/json5-file.ts";
import { normalizeAgentId } from "./openclaw-config.ts";
import { CODEX_PROVIDER, profileIdFor, type CodexProvider } from "./profile-id.ts";

/** One chat's bond. */
export interface SessionPin {
  readonly profileId: string;
  /** True where a person chose it (`/model …@profile`); else OpenClaw stays with what it used last. */
  readonly byPerson: boolean;
}

/** Whether a chat is bound to a profile of this provider; for another one no order of ours decides. An id of before 2026.6 counts as today's. */
export function isOfProvider(provider: CodexProvider, profileId: string): boolean {
  return profileIdFor(provider, profileId).startsWith(`${provider}:`);
}

/** What decides where OpenClaw keeps its chats. */
export interface SessionPlaces {
  readonly stateDir: string;
  readonly configPath: string;
  /** The home that `~` means to OpenClaw. */
  readonly home: string;
}

const entrySchema = z.object({
  authProfileOverride: z.string().optional().catch(undefined),
  authProfileOverrideSource: z.string().optional().catch(undefined),
});
const configSchema = z
  .object({
    $include: z.unknown(),
    session: z.object({ $include: z.unknown(), store: z.unknown() }).partial().catch({}),
  })
  .partial()
  .catch({});
const sessionsSchema = z.record(z.string(), entrySchema.catch({}));

/** The bonds of an agent's chats; undefined where its list of chats cannot be found or read, which is nothing to stop at. */
export async function readSessionPins(
  places: SessionPlaces,
  agentId: string,
): Promise<readonly SessionPin[] | undefined> {
  try {
    const id = normalizeAgentId(agentId);
    const place = placeOf(await readJson5File(places.configPath), places, id);
    if (place === undefined) return undefined;
    const sessions = Object.entries((await readJsonFile(place.path, sessionsSchema)) ?? {});
    return sessions.flatMap(([key, { authProfileOverride, authProfileOverrideSource }]) =>
      authProfileOverride === undefined ||
      !isOfProvider(CODEX_PROVIDER, authProfileOverride) ||
      (place.isShared && !mayBeOf(key, id))
        ? []
        : [{ profileId: authProfileOverride, byPerson: authProfileOverrideSource === "user" }],
    );
  } catch {
    return undefined;
  }
}

interface Place {
  readonly path: string;
  /** True where every agent's chats are in this one file. */
  readonly isShared: boolean;
}

/** `resolveStorePath` of 2026.4.5 and 2026.5.28, as far as it can be followed from outside of the gateway. */
function placeOf(config: unknown, { stateDir, home }: SessionPlaces, agentId: string): Place | undefined {
  const { $include, session = {} } = configSchema.parse(config);
  // Parts that OpenClaw takes from another file may say it all.
  if ($include !== undefined || session.$include !== undefined) return undefined;
  const store = session.store ?? "";
  if (store === "") return { path: join(stateDir, "agents", agentId, "sessions", "sessions.json"), isShared: false };
  // `${NAME}` is filled in by OpenClaw from an environment that is not ours.
  if (typeof store !== "string" || store.includes("${")) return undefined;
  const path = store.replaceAll("{agentId}", agentId).replace(/^~(?=$|[\\/])/, () => home);
  // What is left is relative to the folder that the gateway was started in.
  if (!isAbsolute(path)) return undefined;
  return { path: resolve(path), isShared: !store.includes("{agentId}") };
}

/** A chat that names no agent may be any agent's: its bond is told rather than left out. */
function mayBeOf(key: string, agentId: string): boolean {
  const owner = /^agent:([^:]+):/i.exec(key.trim())?.[1];
  return owner === undefined || normalizeAgentId(owner) === agentId;
}
