// The sign that OpenClaw's plugin is at work here: other hosts then leave their jobs to it, for it writes without a restart.

import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import { PLUGIN } from "../config/defaults.ts";
import type { OwnPaths } from "../config/paths.ts";
import { ensurePrivateFolder, removeDurably } from "../storage/atomic-write.ts";
import { readJsonFile, writeJsonFile } from "../storage/json-file.ts";
import { isHolderAlive, thisHolder } from "../storage/openclaw-lock-holder.ts";

const presenceSchema = z.object({
  schemaVersion: z.literal(1),
  pid: z.number().int().positive(),
  /** Field 22 of `/proc/<pid>/stat`; absent where there is no `/proc`. */
  startTime: z.number().optional(),
  /** Of the plugin. */
  version: z.string(),
  /** Of the OpenClaw that it runs in, in its own words; absent where it names none. */
  openClawVersion: z.string().optional(),
  generation: z.enum(["json-single", "json-split", "sqlite", "unknown"]),
  heartbeat: z.number(),
});

/** The plugin that is at work, or was last: `plugin.json`. */
export type PluginPresence = z.infer<typeof presenceSchema>;

/** What the plugin says of itself. */
export type Announcement = Pick<PluginPresence, "version" | "openClawVersion" | "generation">;

/** Keeps the sign fresh every `PLUGIN.beatMs` until `signal` aborts, then takes it away where it is still ours. */
export async function announcePlugin(
  paths: Pick<OwnPaths, "root">,
  announcement: Announcement,
  { now, signal }: { readonly now: () => number; readonly signal: AbortSignal },
): Promise<void> {
  await ensurePrivateFolder(paths.root);
  while (!signal.aborted) {
    const record: PluginPresence = {
      schemaVersion: 1,
      ...thisHolder(),
      ...announcement,
      heartbeat: now(),
    };
    // A beat that cannot be written is left out: a full disk must not end the executor that the sign speaks of.
    await writeJsonFile(presenceFile(paths), record).catch(() => undefined);
    await delay(PLUGIN.beatMs, undefined, { signal, ref: false }).catch(() => undefined);
  }
  const last = await readPresence(paths);
  if (last?.pid === process.pid) await removeDurably(presenceFile(paths)).catch(() => undefined);
}

/** The last sign of a plugin, fresh or not; undefined where there is none that can be read. */
export async function readPresence(paths: Pick<OwnPaths, "root">): Promise<PluginPresence | undefined> {
  return readJsonFile(presenceFile(paths), presenceSchema).catch(() => undefined);
}

/** The plugin that is at work now: its process lives, and it has beaten within `PLUGIN.silentMs`. */
export async function pluginAtWork(
  paths: Pick<OwnPaths, "root">,
  now: () => number,
): Promise<PluginPresence | undefined> {
  const presence = await readPresence(paths);
  if (presence === undefined) return undefined;
  const { pid, startTime, heartbeat } = presence;
  // A clock that was set back must not make a dead plugin look alive for days.
  const isFresh = Math.abs(now() - heartbeat) <= PLUGIN.silentMs;
  return isFresh && isHolderAlive({ pid, ...(startTime === undefined ? {} : { startTime }) }) ? presence : undefined;
}

function presenceFile({ root }: Pick<OwnPaths, "root">): string {
  return join(root, "plugin.json");
}
