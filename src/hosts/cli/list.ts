// `list`: the Codex profiles of the agent; read-only.

import type { CommandRun } from "./call.ts";
import { openSession } from "./open.ts";

/** Shows the profiles; with `--json` as data. */
export const list: CommandRun = async (call) => {
  const { session, parts, result } = await openSession(call, { readOnly: true });
  const { agentId } = parts.config;
  const snapshot = await parts.store.read(agentId);
  if (!call.output.isJson) {
    await session.take({ kind: "command", name: "codex_auth", args: agentId === "main" ? "" : `--agent ${agentId}` });
    return result();
  }
  const profiles = snapshot.summaries.map(
    ({ id, type, state, email, planType, expiresAtMs, renewsItself, cooldownUntilMs }) => ({
      id,
      type,
      state,
      email,
      planType,
      expiresAtMs,
      renewsItself,
      cooldownUntilMs,
      position: snapshot.effectiveOrder.includes(id) ? snapshot.effectiveOrder.indexOf(id) : null,
    }),
  );
  return { data: { agentId, profiles } };
};
