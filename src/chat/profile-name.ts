// A profile's name as a chat may show it.

import { CHAT } from "../config/defaults.ts";
import { cleanText } from "../clean-text.ts";
import { shortName } from "../profiles/profile-id.ts";
import type { Asker } from "./conversation.ts";

/** The name as this chat may show it: a group never sees an e-mail address, and a profile's name may be one. */
export function nameFor(asker: Pick<Asker, "private">, profileId: string): string {
  const name = cleanText(shortName(profileId), CHAT.maxLabelChars);
  return asker.private || !name.includes("@") ? name : `${name.slice(0, 1)}…`;
}
