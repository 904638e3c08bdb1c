// What a sign-in attempt is on disk, alive (with its secrets) and ended (without any).

import { z } from "zod";

/** Why an attempt has ended. */
const END_REASONS = ["used", "denied", "replaced", "cancelled", "leaked", "expired"] as const;
/** One of {@link END_REASONS}. */
export type EndReason = (typeof END_REASONS)[number];

const shared = {
  schemaVersion: z.literal(1),
  id: z.string().regex(/^[a-f0-9]{12}$/),
  person: z.string(),
  chat: z.string(),
  host: z.string(),
  profileId: z.string(),
  agentId: z.string(),
  createdAtMs: z.number(),
  expiresAtMs: z.number(),
  /** Tells a replayed address from an unknown one, after the state itself is gone. */
  stateFingerprint: z.string(),
} as const;

export const attemptSchema = z.object({
  ...shared,
  issuerOrigin: z.string(),
  redirectUri: z.string(),
  verifier: z.string(),
  state: z.string(),
  forceSignIn: z.boolean().optional(),
  loginHint: z.string().optional(),
  workspaceId: z.string().optional(),
});

/** A live attempt as it is stored, 0600: it holds the verifier and the state. */
export type Attempt = z.infer<typeof attemptSchema>;

export const endedSchema = z.object({ ...shared, reason: z.enum(END_REASONS), endedAtMs: z.number() });

/** What remains of an attempt that has ended: no secret. */
export type EndedAttempt = z.infer<typeof endedSchema>;

/** What is left of `attempt` when it ends. */
export function tombstone(attempt: Attempt, reason: EndReason, nowMs: number): EndedAttempt {
  const { id, person, chat, host, profileId, agentId, createdAtMs, expiresAtMs, stateFingerprint } = attempt;
  const kept = { id, person, chat, host, profileId, agentId, createdAtMs, expiresAtMs, stateFingerprint };
  return { schemaVersion: 1, ...kept, reason, endedAtMs: nowMs };
}
