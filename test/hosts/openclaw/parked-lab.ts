// A received login that waits for its decision in the owner's private chat.

import { receivedTokens } from "../../support/apply-world.ts";
import { OWNER, type PluginLab } from "./plugin-lab.ts";

/** Parks one for the profile `name`; gives its id. */
export async function parkedFor({ world }: Pick<PluginLab, "world">, name: string): Promise<string> {
  const tokens = receivedTokens(name);
  const { id } = await world.parked.put(
    {
      agentId: "main",
      profileId: `openai-codex:${name}`,
      reason: "first-login",
      expiresAtMs: tokens.expiresAtMs,
      identity: { userId: `user-${name}`, accountId: `account-${name}` },
      requestedBy: { host: "openclaw", chatId: `telegram/default/${OWNER}`, personId: `telegram:${OWNER}` },
    },
    tokens,
  );
  return id;
}
