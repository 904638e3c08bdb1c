// What each version of OpenClaw offers a plugin, as it was measured (docs/openclaw-generations.md); an unknown one offers the least.

import { PLUGIN } from "../../config/defaults.ts";

/** What the host makes use of where it is there. */
export interface Abilities {
  /** The gateway's own version; undefined where it names none. */
  readonly version: string | undefined;
  /** Whether a command tells a group from a private chat; where not, nothing is signed in. */
  readonly tellsGroups: boolean;
  /** Channels of which OpenClaw's documents say how the session of a private chat is called; Telegram tells it otherwise. */
  readonly directSessions: readonly string[];
  /** Whether replies may carry `presentation`. */
  readonly presentation: boolean;
  /** Whether a command may ask for scopes. */
  readonly scopes: boolean;
  /** Whether it loses what a plugin has registered, at a turn of the model. */
  readonly losesCommands: boolean;
  /** Whether `llm_output` is only heard where the operator allows it (`hooks.allowConversationAccess`). */
  readonly asksForHooks: boolean;
  /** How long after its start a service must not write into the store, in milliseconds: it would break its own activation. */
  readonly settlesMs: number;
  /** Whether a pasted address can be taken from the model for good, and removed from the chat. */
  readonly claimsPastes: boolean;
}

/** The abilities of the OpenClaw that calls itself `version`. */
export function abilitiesOf(version: string | undefined): Abilities {
  const [year = 0, month = 0] = (version ?? "").replace(/^v/, "").split(".").map(Number);
  const since = (y: number, m: number): boolean => year > y || (year === y && month >= m);
  return {
    version,
    tellsGroups: since(2026, 4),
    // Its documents name `whatsapp:direct:<number>` from 2026.4.5 on, `slack:direct:<user>` in 2026.9.6, and no other channel's.
    directSessions: since(2026, 9) ? ["whatsapp", "slack"] : since(2026, 4) ? ["whatsapp"] : [],
    presentation: since(2026, 9),
    scopes: since(2026, 9),
    losesCommands: since(2026, 5) && !since(2026, 6),
    asksForHooks: since(2026, 5),
    settlesMs: since(2026, 6) ? PLUGIN.settlesMs : 0,
    // With the bot's account beside it; compose looks for that. 2026.5.28 shows the model the chat's last messages, deleted ones too.
    claimsPastes: since(2026, 9) || (since(2026, 4) && !since(2026, 5)),
  };
}
