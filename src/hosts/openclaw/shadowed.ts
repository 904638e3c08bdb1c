// Commands of ours that come as plain messages: on Telegram a skill of the same name stands before them, and the model would get them.

import type { CommandName, Incoming } from "../../chat/conversation.ts";

const NAMES: readonly CommandName[] = ["codex_auth", "lease", "codex_usage"];
const COMMAND = /^\s*\/(\w{1,32})(?:@\w{1,64})?(?:\s+([\s\S]*))?$/;

/** The command that a plain message is; undefined where it is none of ours. */
export function commandIn(content: string): Extract<Incoming, { kind: "command" }> | undefined {
  const [, word = "", args = ""] = COMMAND.exec(content) ?? [];
  const name = NAMES.find((one) => one === word);
  return name === undefined ? undefined : { kind: "command", name, args };
}
