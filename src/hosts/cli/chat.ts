// `chat`: the chat in this terminal, on the real store.

import { CodexAuthError } from "../../errors.ts";
import { startTerminalChat } from "../terminal/compose.ts";
import { fileLog } from "../file-log.ts";
import type { CommandRun } from "./call.ts";
import { openParts } from "./open.ts";

/** Talks until the person quits. */
export const chat: CommandRun = async (call) => {
  const { stdin, stdout } = call.host;
  if (!stdin.isTTY || !stdout.isTTY) throw needsTerminal();
  const { own } = await openParts(call);
  const { log, close } = await fileLog(own.log, "chat");
  try {
    await startTerminalChat({ parts: await openParts(call, log), stdout });
  } finally {
    await close();
  }
  return {};
};

function needsTerminal(): CodexAuthError {
  return new CodexAuthError("ERR_USAGE", {
    message: "The chat needs a terminal, and this is none.",
    next: "Use the commands of `codex-auth-skill --help`, or set up the bot with `codex-auth-skill setup`.",
  });
}
