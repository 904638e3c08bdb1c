// `bot`: the Telegram bot in the foreground, until a signal or an error that it cannot go on from.

import { startTelegramBot } from "../telegram/compose.ts";
import { fileLog } from "../file-log.ts";
import type { Call, CommandRun } from "./call.ts";
import { findingText } from "./finding.ts";
import { openParts } from "./open.ts";
import { exposedFiles } from "./settings-checks.ts";

/** Runs the bot; SIGINT and SIGTERM end it in order. */
export const bot: CommandRun = async (call) => {
  // Says what is missing before anything connects.
  const parts = await openParts(call);
  for (const finding of await exposedFiles(parts)) call.output.progress(findingText(finding));
  const stopping = new AbortController();
  const stop = (): void => stopping.abort();
  const { signals, environment } = call.host;
  signals.once("SIGINT", stop);
  signals.once("SIGTERM", stop);
  const { log, close } = await fileLog(parts.own.log, "bot");
  try {
    const running = await startTelegramBot({
      environment,
      log,
      print: (line) => call.output.progress(line),
      signal: stopping.signal,
    });
    call.output.progress(`@${running.username} listens; Ctrl-C ends it. Write /codex_auth to it in a private chat.`);
    await running.finished;
    return { text: "The bot has stopped.", data: { username: running.username } };
  } finally {
    signals.off("SIGINT", stop);
    signals.off("SIGTERM", stop);
    await close();
  }
};

/** Whether the settings are enough for a bot. */
export async function hasBot(call: Call): Promise<boolean> {
  const { telegram } = (await openParts(call)).config;
  return telegram.botToken !== undefined && telegram.allowFrom.length > 0;
}

/** Whether there is a token and an empty allow-list: the newcomer's state, in which the bot tells them their id. */
export async function hasTokenOnly(call: Call): Promise<boolean> {
  const { telegram } = (await openParts(call)).config;
  return telegram.botToken !== undefined && telegram.allowFrom.length === 0;
}
