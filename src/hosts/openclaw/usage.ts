// What a model call used, as OpenClaw tells it: counted for the lease only where the call cannot have been anybody else's.

import { z } from "zod";
import { profileIdFor } from "../../profiles/profile-id.ts";
import type { LeaseHost } from "../lease.ts";
import type { Parts } from "../parts.ts";
import type { PluginRuntime } from "./api.ts";

/** What counting needs. */
export interface UsageParts {
  readonly parts: Parts;
  readonly lease: Pick<LeaseHost, "observe">;
  readonly runtime: () => PluginRuntime | undefined;
}

const CODEX = ["openai-codex", "openai"];
const text = z.string().min(1).optional().catch(undefined);
const eventSchema = z.object({ provider: z.string(), model: text, usage: z.record(z.string(), z.unknown()) });
const contextSchema = z.object({ agentId: text, sessionKey: text }).catch({});
const sessionSchema = z.object({ authProfileOverride: text, authProfileOverrideSource: text });

/**
 * Counts one `llm_output`; true where it was counted at all. No version says whose login a call has used (docs, g), so it is the
 * lease's only where nothing else was allowed: the order names it alone, or a person bound the chat to it. Everything else is kept
 * apart, for a wrong count would be charged to a credential that others share.
 */
export async function countUsage(parts: UsageParts, event: unknown, context: unknown): Promise<boolean> {
  const parsed = eventSchema.safeParse(event);
  if (!parsed.success || !CODEX.includes(parsed.data.provider)) return false;
  const { model, usage } = parsed.data;
  // Numbers and a name only: what was said is not looked at.
  const counted = { usage, source: "openclaw", status: "ok", ...(model === undefined ? {} : { model }) };
  const isLeased = await isForced(parts, contextSchema.parse(context));
  return parts.lease.observe(counted, { isLeased });
}

async function isForced(
  { parts, runtime }: UsageParts,
  { agentId, sessionKey }: z.infer<typeof contextSchema>,
): Promise<boolean> {
  const { store, config } = parts;
  const agent = agentId ?? config.agentId;
  try {
    const leased = profileIdFor(store.provider ?? "openai-codex", config.lease.leaseProfileId);
    const session = sessionOf(runtime(), agent, sessionKey);
    if (session?.authProfileOverride !== undefined) {
      const isHere = session.authProfileOverride === leased;
      if (isHere && session.authProfileOverrideSource === "user") return true;
      // Bound to another one, as the database generation leaves it when the order changes.
      if (!isHere) return false;
    }
    const { storeOrder } = await store.read(agent);
    if (storeOrder?.length !== 1 || storeOrder[0] !== leased) return false;
    // On files an order of one drops every bond of a chat (facts/openclaw-json-generation.md §1); a database keeps it, so there the chat
    // itself must be known.
    return session !== undefined || (await parts.generation()) !== "sqlite";
  } catch {
    return false;
  }
}

/** The chat's own entry, from 2026.9 on. */
function sessionOf(
  runtime: PluginRuntime | undefined,
  agentId: string,
  sessionKey: string | undefined,
): z.infer<typeof sessionSchema> | undefined {
  const read = runtime?.agent?.session?.getSessionEntry;
  if (read === undefined || sessionKey === undefined) return undefined;
  const parsed = sessionSchema.safeParse(read({ sessionKey, agentId }) ?? {});
  return parsed.success ? parsed.data : undefined;
}
