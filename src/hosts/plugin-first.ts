// Whether jobs are left to OpenClaw's plugin: it makes a change count without a restart, and on SQLite nobody else may write.

import { pluginAtWork } from "../apply/presence.ts";
import type { Parts } from "./parts.ts";

/**
 * Why hosts outside the gateway leave the queue alone: the plugin is at work, or only it could write (then the jobs wait for it);
 * undefined where they need not. Where the plugin is gone, the JSON generations are written from outside again.
 */
export async function leftToPlugin({
  own,
  now,
  generation,
}: Pick<Parts, "own" | "now" | "generation">): Promise<"at-work" | "awaited" | undefined> {
  if ((await pluginAtWork(own, now)) !== undefined) return "at-work";
  return (await generation()) === "sqlite" ? "awaited" : undefined;
}
