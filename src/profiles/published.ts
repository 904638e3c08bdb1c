// What the plugin tells other programs of the profiles that only it can read: one secret-free file.

import { z } from "zod";
import { toCodexAuthError } from "../errors.ts";
import { readJsonFile, writeJsonFile } from "../storage/json-file.ts";
import { credentialFactsSchema, factsOf, type CredentialFacts } from "./credential-facts.ts";
import type { SdkShape } from "./openclaw-sdk.ts";
import { outlineSchema } from "./outline.ts";
import type { TokenHolder } from "./owners.ts";
import { CODEX_PROVIDER, OPENAI_PROVIDER } from "./profile-id.ts";
import type { SessionPin } from "./session-pins.ts";
import type { AgentSummary, ProfileStore } from "./store.ts";

const summarySchema = z.object({
  id: z.string(),
  provider: z.string(),
  type: z.enum(["oauth", "token", "api_key", "unknown"]),
  state: z.enum(["ok", "expiring", "expired", "cooldown", "disabled", "unreadable"]),
  email: z.string().exactOptional(),
  planType: z.string().exactOptional(),
  identity: z.object({ userId: z.string(), accountId: z.string() }).exactOptional(),
  expiresAtMs: z.number().exactOptional(),
  renewal: z.enum(["under-way", "failed"]).exactOptional(),
  renewsItself: z.boolean(),
  cooldownUntilMs: z.number().exactOptional(),
  cooldownReason: z.string().exactOptional(),
  position: z.number().exactOptional(),
  managedBy: z.string().exactOptional(),
  inherited: z.boolean(),
});
const snapshotSchema = z.object({
  agentId: z.string(),
  summaries: z.array(summarySchema),
  effectiveOrder: z.array(z.string()),
  lastingOrder: z.array(z.string()),
  storeOrder: z.array(z.string()).exactOptional(),
  hasExplicitOrder: z.boolean(),
  files: z.array(z.string()),
});
const agentSchema = z.object({
  agentId: z.string(),
  isMain: z.boolean(),
  hasStore: z.boolean(),
  /** Absent where its store could not be read; `problem` says why. */
  snapshot: snapshotSchema.exactOptional(),
  problem: z.string().exactOptional(),
  /** Absent where it cannot be told which chats are bound. */
  pins: z.array(z.object({ profileId: z.string(), byPerson: z.boolean() })).exactOptional(),
  credentials: z.record(z.string(), credentialFactsSchema),
});
const publishedSchema = z.object({
  schemaVersion: z.literal(1),
  /** Milliseconds since 1970. */
  writtenAt: z.number(),
  /** The gateway's process. */
  pid: z.number(),
  version: z.string().exactOptional(),
  generation: z.enum(["one-file", "two-files", "sqlite"]),
  provider: z.enum([CODEX_PROVIDER, OPENAI_PROVIDER]),
  agents: z.array(agentSchema),
  /** Absent where other programs can read the stores themselves, or nobody can. */
  outline: outlineSchema.exactOptional(),
  sharedTokens: z.array(
    z.object({
      fingerprint: z.string(),
      holders: z.array(z.object({ owner: z.string(), profileId: z.string() })),
    }),
  ),
});

/** The content of `published.json`. */
export type Published = z.infer<typeof publishedSchema>;

/** What {@link publishSnapshot} tells, and where. */
export interface PublishOptions {
  readonly store: ProfileStore;
  /** The file, in our own folder (0700). */
  readonly path: string;
  readonly generation: SdkShape;
  readonly version?: string | undefined;
  readonly pid: number;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** The chats of an agent that are bound to a profile; undefined where that cannot be told. Default: nothing is told of them. */
  readonly pins?: (agentId: string) => Promise<readonly SessionPin[] | undefined>;
  /** Other programs' logins, to tell tokens that lie in two places. */
  readonly elsewhere?: readonly TokenHolder[];
}

/** Writes down what is there now, without any token (0600, atomic). */
export async function publishSnapshot(options: PublishOptions): Promise<Published> {
  const { store, path, generation, version, pid, now } = options;
  const agents: Published["agents"] = [];
  for (const agent of await store.agents()) agents.push(await agentOf(agent, options));
  // Without it there is still something to show.
  const outline = generation === "sqlite" ? await store.outline?.().catch(() => undefined) : undefined;
  // The schema cuts away whatever is not in it, so nothing comes into the file by accident.
  const published = publishedSchema.parse({
    schemaVersion: 1,
    writtenAt: now(),
    pid,
    ...(version === undefined ? {} : { version }),
    generation,
    provider: store.provider ?? CODEX_PROVIDER,
    agents,
    ...(outline === undefined ? {} : { outline }),
    sharedTokens: await store.sharedTokens(options.elsewhere),
  });
  await writeJsonFile(path, published);
  return published;
}

/** What was published, or undefined where nothing was. @throws CodexAuthError `ERR_FILE_NOT_JSON`, `ERR_FILE_SHAPE`, `ERR_FILE_UNREADABLE`. */
export async function readPublished(path: string): Promise<Published | undefined> {
  return await readJsonFile(path, publishedSchema);
}

async function agentOf(agent: AgentSummary, { store, pins }: PublishOptions): Promise<Published["agents"][number]> {
  const { agentId } = agent;
  const bound = await pins?.(agentId);
  const known = bound === undefined ? {} : { pins: [...bound] };
  try {
    const snapshot = await store.read(agentId);
    const credentials: Record<string, CredentialFacts> = {};
    for (const { id } of snapshot.summaries) {
      const stored = await store.readCredential(id, agentId);
      if (stored !== undefined) credentials[id] = factsOf(stored);
    }
    const { storeOrder, ...rest } = snapshot;
    const kept = snapshotSchema.parse({ ...rest, ...(storeOrder === undefined ? {} : { storeOrder }) });
    return { ...agent, snapshot: kept, ...known, credentials };
  } catch (error) {
    // One agent's broken store must not hide the others.
    return { ...agent, problem: toCodexAuthError(error).code, ...known, credentials: {} };
  }
}
