// `demo`: the main job on a sandbox in a temporary folder.

import type { CommandRun } from "./call.ts";

/** Plays the demo; interactive at a terminal. */
export const demo: CommandRun = async ({ host }) => {
  const { runDemo } = await import("../demo/run.ts");
  return runDemo(host);
};
