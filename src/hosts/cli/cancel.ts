// `cancel`: gives up what this person started here and what is not yet being written.

import type { CommandRun } from "./call.ts";
import { openSession } from "./open.ts";

/** Cancels this person's waiting sign-ins and unwritten jobs. */
export const cancel: CommandRun = async (call) => {
  const { session, result } = await openSession(call);
  await session.take({ kind: "command", name: "codex_auth", args: "cancel" });
  return result();
};
