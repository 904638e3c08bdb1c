// The bot's commands: what the menu offers, and what a typed command means to the chat.

import type { Api } from "grammy";
import type { CommandName } from "../../chat/conversation.ts";

/** A command as the chat gets it. */
export interface MeantCommand {
  readonly name: CommandName;
  readonly args: string;
}

/** Names that the bot listens to; Telegram's own two lead to the help and the picker. */
export const COMMANDS = ["codex_auth", "lease", "codex_usage", "start", "help"] as const;

/** What a typed command means. */
export function meaningOf(command: (typeof COMMANDS)[number], args: string): MeantCommand {
  // What stands behind /start comes from a link somebody made (t.me/bot?start=…), not from the person.
  if (command === "start") return { name: "codex_auth", args: "" };
  if (command === "help") return { name: "codex_auth", args: "help" };
  return { name: command, args };
}

/** Offers the commands in private chats only: a group's menu would lead people to log in before others. */
export async function registerCommands(api: Api): Promise<void> {
  await api.setMyCommands(
    [
      { command: "codex_auth", description: "See, renew and switch Codex logins" },
      { command: "codex_usage", description: "How much of their limits is used" },
    ],
    { scope: { type: "all_private_chats" } },
  );
}
