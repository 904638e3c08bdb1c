// Which chats of an agent are bound to one profile whatever the order says (facts/openclaw-json-generation.md §1, stickiness); only read.

import { join } from "node:path";
import { z } from "zod";
import { readJsonFile } from "../storage/json-file.ts";
import { normalizeAgentId } from "./openclaw-config.ts";

/** One chat's bond. */
export interface SessionPin {
  readonly profileId: string;
  /** True where a person chose it (`/model …@profile`); else OpenClaw stays with what it used last. */
  readonly byPerson: boolean;
}

const entrySchema = z.object({
  authProfileOverride: z.string().optional().catch(undefined),
  authProfileOverrideSource: z.string().optional().catch(undefined),
});
const sessionsSchema = z.record(z.string(), entrySchema.catch({}));

/** The bonds of an agent's chats; none where its list of chats cannot be read, which is nothing to stop at. */
export async function readSessionPins(stateDir: string, agentId: string): Promise<readonly SessionPin[]> {
  const path = join(stateDir, "agents", normalizeAgentId(agentId), "sessions", "sessions.json");
  const sessions = await readJsonFile(path, sessionsSchema).catch(() => undefined);
  return Object.values(sessions ?? {}).flatMap(({ authProfileOverride, authProfileOverrideSource }) =>
    authProfileOverride === undefined
      ? []
      : [{ profileId: authProfileOverride, byPerson: authProfileOverrideSource === "user" }],
  );
}
