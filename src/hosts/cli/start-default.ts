// No command: the bot where one is set up, else the chat in this terminal.

import { bot, hasBot, hasTokenOnly } from "./bot.ts";
import { chat } from "./chat.ts";
import type { CommandRun } from "./call.ts";

/** What `npm start` does. */
export const startDefault: CommandRun = async (call) => {
  if (await hasBot(call)) return bot(call);
  if (await hasTokenOnly(call)) {
    call.output.progress(
      "A bot token is set, but nobody may use the bot. Run `codex-auth-skill bot` and write to it: it prints your id here.",
    );
  } else
    call.output.progress(
      "No bot is set up (`codex-auth-skill setup` does that), so this is the chat in your terminal.",
    );
  return chat(call);
};
