// `status`: what is running, waiting and done; read-only.

import type { CommandRun } from "./call.ts";
import { openSession, profileWord } from "./open.ts";
import { parkedData } from "./parked.ts";

/** Shows jobs, parked logins and receipts; with `--json` as data. */
export const status: CommandRun = async (call) => {
  const { session, parts, result } = await openSession(call, { readOnly: true });
  if (!call.output.isJson) {
    await session.take({ kind: "command", name: "codex_auth", args: `status ${profileWord(call) ?? ""}`.trim() });
    return result();
  }
  const { engine, invitations } = parts;
  const [jobs, parked, receipts, asked] = await Promise.all([
    engine.queue.open(),
    engine.parked.list(),
    engine.receipts.list(10),
    invitations.open(),
  ]);
  return {
    data: {
      jobs: jobs.map(({ id, state, profileId, agentId, createdAt, progress }) => ({
        id,
        state,
        profileId,
        agentId,
        createdAt,
        progress,
      })),
      invitations: asked.map(({ profileId, agentId, createdAt }) => ({ profileId, agentId, createdAt })),
      parked: parked.map(parkedData),
      receipts,
    },
  };
};
