// `status` where something runs or waits: as the chat tells it.

import type { CommandRun } from "./call.ts";
import { openSession, profileWord } from "./open.ts";
import { parkedData } from "./parked.ts";

/** Everything, by the chat's handlers; with `--json` as data. */
export const fullStatus: CommandRun = async (call) => {
  const { session, parts, result } = await openSession(call, { readOnly: true });
  if (!call.output.isJson) {
    await session.take({ kind: "command", name: "codex_auth", args: `status ${profileWord(call) ?? ""}`.trim() });
    return result();
  }
  const { engine, invitations } = parts;
  const [{ jobs, receipts }, parked, asked] = await Promise.all([
    engine.overview(10),
    engine.parked.list(),
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
