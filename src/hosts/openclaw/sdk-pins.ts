// Chats that are bound to one profile whatever the order says: listed and freed through OpenClaw's own session store of either generation.

import { asObject, type JsonObject } from "../../profiles/json-files.ts";
import type { SessionPin } from "../../profiles/session-pins.ts";

type SdkFunction = (...args: readonly unknown[]) => unknown;
type IsMeant = (profileId: string) => boolean;

/** The two modules that know sessions, imported at the first use. */
export interface SessionModules {
  readonly sessions: () => Promise<JsonObject>;
  readonly config: () => Promise<JsonObject>;
}

const PIN_FIELDS = ["authProfileOverride", "authProfileOverrideSource", "authProfileOverrideCompactionCount"] as const;
const UNPINNED = Object.fromEntries(PIN_FIELDS.map((name) => [name, undefined]));

/** Lists the pins of an agent's chats; undefined where OpenClaw has no list to give (2026.4.5). */
export function pinLister(
  modules: Pick<SessionModules, "sessions">,
): (agentId: string) => Promise<readonly SessionPin[] | undefined> {
  return async (agentId) => {
    const list = (await modules.sessions())["listSessionEntries"];
    if (!isFunction(list)) return undefined;
    return entriesOf(list, agentId).flatMap(({ entry }) => {
      const profileId = entry?.["authProfileOverride"];
      return typeof profileId === "string"
        ? [{ profileId, byPerson: entry?.["authProfileOverrideSource"] === "user" }]
        : [];
    });
  };
}

/** Clears the pins of an agent's chats; gives how many chats were freed. */
export function pinCleaner(modules: SessionModules): (agentId: string, isMeant: IsMeant) => Promise<number> {
  return async (agentId, isMeant) => {
    const sessions = await modules.sessions();
    const [list, patch] = [sessions["listSessionEntries"], sessions["patchSessionEntry"]];
    if (isFunction(list) && isFunction(patch)) return await clearEntries({ list, patch }, agentId, isMeant);
    // 2026.4.5 has one file for all chats of an agent.
    const config = await modules.config();
    const [resolve, update, load] = [sessions["resolveStorePath"], config["updateSessionStore"], config["loadConfig"]];
    if (!isFunction(resolve) || !isFunction(update) || !isFunction(load)) return 0;
    const path = resolve(asObject(asObject(load())?.["session"])?.["store"], { agentId });
    return await clearFile(update, path, isMeant);
  };
}

async function clearEntries(
  { list, patch }: { readonly list: SdkFunction; readonly patch: SdkFunction },
  agentId: string,
  isMeant: IsMeant,
): Promise<number> {
  let freed = 0;
  for (const { sessionKey, entry } of entriesOf(list, agentId)) {
    if (!isPinned(entry, isMeant)) continue;
    const update = (now: unknown): JsonObject | null => {
      // It may have been bound anew since the list was read.
      if (!isPinned(asObject(now), isMeant)) return null;
      freed += 1;
      return UNPINNED;
    };
    await patch({ sessionKey, agentId, update, preserveActivity: true });
  }
  return freed;
}

async function clearFile(update: SdkFunction, path: unknown, isMeant: IsMeant): Promise<number> {
  let freed = 0;
  await update(path, (store: unknown) => {
    for (const entry of Object.values(asObject(store) ?? {})) {
      const session = asObject(entry);
      if (session === undefined || !isPinned(session, isMeant)) continue;
      freed += 1;
      for (const name of PIN_FIELDS) Reflect.deleteProperty(session, name);
    }
  });
  return freed;
}

function entriesOf(
  list: SdkFunction,
  agentId: string,
): readonly { readonly sessionKey: unknown; readonly entry: JsonObject | undefined }[] {
  const entries: unknown = list({ agentId });
  return (Array.isArray(entries) ? entries : []).map((found: unknown) => {
    const { sessionKey, entry } = asObject(found) ?? {};
    return { sessionKey, entry: asObject(entry) };
  });
}

function isPinned(entry: JsonObject | undefined, isMeant: IsMeant): boolean {
  const pinned = entry?.["authProfileOverride"];
  return typeof pinned === "string" && isMeant(pinned);
}

function isFunction(value: unknown): value is SdkFunction {
  return typeof value === "function";
}
