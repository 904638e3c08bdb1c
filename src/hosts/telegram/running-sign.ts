// The sign that a bot of ours runs on this state folder: the set-up must not listen then, for a second conflict ends a bot.

import { stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { OwnPaths } from "../../config/paths.ts";
import { removeDurably, writeFileAtomic } from "../../storage/atomic-write.ts";

const BEAT_MS = 5_000;
/** A few beats: a busy machine may leave one out. */
const SILENT_MS = 20_000;

/** Keeps the sign of the bot fresh until `signal` aborts, then takes it away; never rejects. */
export async function signBot(
  paths: Pick<OwnPaths, "chat">,
  botId: string,
  { now, signal }: { readonly now: () => number; readonly signal: AbortSignal },
): Promise<void> {
  const path = signOf(paths, botId);
  while (!signal.aborted) {
    const at = new Date(now());
    // Not written anew at each beat: that would wait for the disk every few seconds, for as long as the bot runs.
    await utimes(path, at, at)
      .catch(() => writeFileAtomic(path, ""))
      .catch(() => undefined);
    await delay(BEAT_MS, undefined, { signal, ref: false }).catch(() => undefined);
  }
  await removeDurably(path).catch(() => undefined);
}

/** Whether the bot with this id runs here, or did until a moment ago. By time alone: its pid may be of another container. */
export async function isBotRunning(paths: Pick<OwnPaths, "chat">, botId: string, now: () => number): Promise<boolean> {
  const found = await stat(signOf(paths, botId)).catch(() => undefined);
  // A clock that was set back must not make a dead bot look alive for days.
  return found !== undefined && Math.abs(now() - found.mtimeMs) <= SILENT_MS;
}

function signOf({ chat }: Pick<OwnPaths, "chat">, botId: string): string {
  return join(chat, `bot-${botId}.running`);
}
