// A device code as a terminal leaves it that was killed while it waited.

import type { DeviceSignIn } from "../../../src/chat/device-sign-ins.ts";
import { buildChatServices, type Parts } from "../../../src/hosts/services.ts";

/** No system gives this number to a process. */
export const GONE = "999999999.1.dead-3";

/** Leaves a waiting code for `profileId`, shown by the message `shownIn` (null: not shown yet); with `endedBy` its attempt has ended since. */
export async function leaveCode(
  parts: Parts,
  profileId: string,
  { shownIn = GONE, endedBy }: { readonly shownIn?: string | null; readonly endedBy?: "denied" | "cancelled" } = {},
): Promise<DeviceSignIn> {
  const { devices } = await buildChatServices(parts);
  if (devices === undefined) throw new Error("no codes are offered");
  const personId = String(parts.environment.uid ?? "user");
  const asker = {
    host: "terminal",
    botId: "terminal",
    chatId: "terminal",
    personId,
    private: true,
    hasButtons: true,
  } as const;
  const signIn = await devices.start(asker, { agentId: "main", profileId, forceSignIn: false }, shownIn ?? undefined);
  if (endedBy !== undefined) await devices.end(signIn, endedBy);
  return signIn;
}
