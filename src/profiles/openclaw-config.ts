// The few things of openclaw.json that decide where profiles lie and which is tried first; the file is never edited by us.

import { z } from "zod";
import { readJson5File } from "../storage/json5-file.ts";
import type { DeclaredProfile } from "./order.ts";
import { CODEX_PROVIDER, type CodexProvider } from "./profile-id.ts";

/** What we take from openclaw.json. */
export interface OpenClawConfig {
  /** The agents in their order, ids as OpenClaw normalises them. */
  readonly agents: readonly { readonly id: string; readonly agentDir?: string }[];
  readonly configOrder: readonly string[] | undefined;
  readonly declared: ReadonlyMap<string, DeclaredProfile>;
}

const text = z.string().optional().catch(undefined);
const agentSchema = z.object({ id: text, agentDir: text });
const declaredSchema = z.object({ provider: text, mode: text });
const configSchema = z.object({
  agents: z
    .object({ list: z.array(agentSchema.catch({ id: undefined, agentDir: undefined })).catch([]) })
    .partial()
    .catch({}),
  auth: z
    .object({
      order: z.record(z.string(), z.array(z.string()).catch([])).catch({}),
      profiles: z.record(z.string(), declaredSchema.catch({ provider: undefined, mode: undefined })).catch({}),
    })
    .partial()
    .catch({}),
});

/**
 * Reads openclaw.json (JSON5, as OpenClaw does). A missing file is an empty configuration.
 *
 * @throws CodexAuthError `ERR_FILE_NOT_JSON`, `ERR_FILE_UNREADABLE`, `ERR_FILE_TOO_LARGE`.
 */
export async function readOpenClawConfig(
  configPath: string,
  provider: CodexProvider = CODEX_PROVIDER,
): Promise<OpenClawConfig> {
  // What is not there is laid out first: zod takes longer to find that than to judge what is there.
  const value = await readJson5File(configPath);
  const config = configSchema.safeParse({ agents: {}, auth: {}, ...(typeof value === "object" ? value : {}) });
  // Anything but an object is a configuration that OpenClaw would not start with; it says nothing of agents.
  const { agents = {}, auth = {} } = config.data ?? {};
  const order = (auth.order?.[provider] ?? []).filter((id) => id.trim() !== "");
  return {
    agents: (agents.list ?? []).flatMap(({ id, agentDir }) => {
      if (id === undefined) return [];
      const dir = agentDir?.trim() ?? "";
      return [{ id: normalizeAgentId(id), ...(dir === "" ? {} : { agentDir: dir }) }];
    }),
    configOrder: order.length === 0 ? undefined : order,
    declared: new Map(Object.entries(auth.profiles ?? {})),
  };
}

/** The paths of the settings that name a profile: by its id alone, or behind a model's name (`model@profile`). At most ten. */
export async function namedIn(configPath: string, profileId: string): Promise<readonly string[]> {
  const found: string[] = [];
  const look = (value: unknown, path: readonly string[]): void => {
    if (found.length >= 10 || path.length > 12) return;
    if (typeof value === "string" && (value === profileId || value.endsWith(`@${profileId}`)))
      found.push(path.join("."));
    if (typeof value !== "object" || value === null) return;
    for (const [key, inner] of Object.entries(value)) {
      // The place of an entry in a list says nothing to a person.
      const next = Array.isArray(value) ? path : [...path, key];
      if (key === profileId && found.length < 10) found.push(next.join("."));
      look(inner, next);
    }
  };
  look(await readJson5File(configPath), []);
  return [...new Set(found)];
}

/** An agent id as OpenClaw writes it: small letters, everything unusual a dash, at most 64 characters. */
export function normalizeAgentId(id: string): string {
  const safe = id
    .trim()
    .toLowerCase()
    .replaceAll(/[^a-z0-9_-]+/g, "-")
    .replaceAll(/^-+|-+$/g, "")
    .slice(0, 64);
  return safe === "" ? "main" : safe;
}
