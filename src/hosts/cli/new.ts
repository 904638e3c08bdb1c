// `new`: how a new profile is made.

import type { CommandRun } from "./call.ts";
import { openSession } from "./open.ts";

/** Says how a new profile gets its name. */
export const newProfile: CommandRun = async (call) => {
  const { session, result } = await openSession(call, { readOnly: true });
  await session.take({ kind: "command", name: "codex_auth", args: "new" });
  return result();
};
