// Keeps a login that lies in the Codex CLI's file as a waiting one, before another takes its place there.

import { createHash } from "node:crypto";
import type { Address } from "../apply/job.ts";
import type { CodexLogin } from "../profiles/codex-home.ts";
import type { Parts } from "./services.ts";

/** Where a login of the Codex CLI would go by default; a person chooses. What asks them names it as today's store does. */
export const CODEX_CLI_PROFILE = "openai-codex:codex-cli";

/**
 * Parks `login` for `requestedBy`; durable when it resolves. The same login is the same parked one. False where the file holds
 * more than a login, or none: a waiting login is its tokens, so the rest would be lost, and nothing is parked.
 */
export async function putAside(
  { config, engine }: Pick<Parts, "config" | "engine">,
  login: CodexLogin,
  requestedBy: Address,
): Promise<boolean> {
  const { tokens, whose } = login;
  if (tokens === undefined || whose.hasMore) return false;
  // Killed between parking and replacing, this runs again.
  const id = `p-${createHash("sha256")
    .update(`put-aside\0${whose.refreshFingerprint ?? ""}`)
    .digest("hex")
    .slice(0, 16)}`;
  await engine.parked.put(
    {
      agentId: config.agentId,
      profileId: CODEX_CLI_PROFILE,
      reason: "put-aside",
      expiresAtMs: whose.expiresAtMs ?? 0,
      requestedBy,
      ...(whose.email === undefined ? {} : { email: whose.email }),
      ...(whose.planType === undefined ? {} : { planType: whose.planType }),
      ...(whose.identity === undefined ? {} : { identity: whose.identity }),
    },
    {
      access: tokens.accessToken,
      refresh: tokens.refreshToken,
      id: tokens.idToken,
      expiresAtMs: whose.expiresAtMs ?? 0,
    },
    id,
  );
  return true;
}
