// A received login that waits for a decision, as a sign-in that nobody has confirmed leaves it.

import { signedIn, type Account, type ChatLab } from "./chat-lab.ts";

/** Parks the login of `account`, meant for the profile `name`; gives its id. */
export async function park(lab: Pick<ChatLab, "clock" | "parked">, name: string, account: Account): Promise<string> {
  const { tokens, ...login } = signedIn(account);
  const requestedBy = { host: "telegram", chatId: "1", personId: "1" };
  const record = {
    ...login,
    agentId: "main",
    profileId: `openai-codex:${name}`,
    reason: "first-login" as const,
    expiresAtMs: tokens.expiresAtMs,
    requestedBy,
  };
  lab.clock.now += 1;
  return (await lab.parked.put(record, tokens)).id;
}
