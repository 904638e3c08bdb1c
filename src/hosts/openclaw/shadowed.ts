// Commands and presses of ours that come as plain messages: a skill of the same name stands before them, or OpenClaw had lost them for a moment.

import { isAction } from "../../chat/button.ts";
import type { CommandName, Incoming } from "../../chat/conversation.ts";

const NAMES: readonly CommandName[] = ["codex_auth", "lease", "codex_usage"];
/** Without a bot's name behind the command: OpenClaw takes its own away first (seen in the code of all three), so what is left is another's. */
const COMMAND = /^\s*\/(\w{1,32})(?:\s+([\s\S]*))?$/;

/** The command that a plain message is; undefined where it is none of ours. */
export function commandIn(content: string): Extract<Incoming, { kind: "command" }> | undefined {
  const [, word = "", args = ""] = COMMAND.exec(content) ?? [];
  const name = NAMES.find((one) => one === word);
  return name === undefined ? undefined : { kind: "command", name, args };
}

/** As OpenClaw hands the data of a button to the model that no plugin claims: bare, and since 2026.9 with a word before it. */
const PRESS = /^(?:callback_data: )?([a-z_]{1,40}):\S{1,64}$/;

/** Whether a plain message is the data of one of our buttons. */
export function isPress(content: string): boolean {
  const [, action = ""] = PRESS.exec(content.trim()) ?? [];
  return isAction(action);
}
