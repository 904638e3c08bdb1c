// What we remember of the login file that we wrote, and the judgement whether what lies there now is still ours. No secret; pure.

import { z } from "zod";
import { sameIdentity } from "../profiles/claims.ts";
import type { CodexLoginSummary } from "../profiles/codex-home.ts";

const pushedSchema = z.object({
  refreshFingerprint: z.string(),
  decision: z.enum(["in_sync", "client_updated_manager", "manager_updated_client"]),
  at: z.number(),
  /** Whether the manager's newer tokens have been fetched since. */
  answered: z.boolean(),
});

const writtenSchema = z.object({
  leaseId: z.string(),
  accountId: z.string(),
  userId: z.string().optional(),
  signedInAtMs: z.number().optional(),
  refreshFingerprint: z.string(),
  accessFingerprint: z.string(),
  writtenAt: z.number(),
  /** The last push of tokens that the Codex CLI renewed. */
  pushed: pushedSchema.optional(),
});

/** A login that we wrote, by fingerprints. */
export type WrittenLogin = z.infer<typeof writtenSchema>;

/** The note file: always on disk before the change of the login file that it speaks of. */
export const noteSchema = z.object({
  schemaVersion: z.literal(1),
  ...writtenSchema.shape,
  /** The file that it was written to; absent in notes of the version before: the file of the settings. */
  path: z.string().optional(),
  /** A change that was begun and is not known to have ended; only a killed process leaves one behind. */
  change: z
    .discriminatedUnion("kind", [
      z.object({ kind: z.literal("write"), from: writtenSchema.nullable() }),
      z.object({ kind: z.literal("remove"), seen: z.string() }),
    ])
    .optional(),
  /** Another login was seen there since: from then on only the exact tokens that we wrote are ours. */
  broken: z.boolean().optional(),
});
/** See {@link noteSchema}. */
export type AuthFileNote = z.infer<typeof noteSchema>;

/** Which login of ours lies there, and whether the Codex CLI has renewed it since. */
export interface Ownership {
  readonly written: WrittenLogin;
  readonly renewed: boolean;
}

/** Our login in the file, or undefined where it is anybody else's. */
export function judge(whose: CodexLoginSummary, note: AuthFileNote | undefined): Ownership | undefined {
  if (note === undefined) return undefined;
  const { change } = note;
  // A write that was begun may never have reached the file, so a login of the same person there may be that person's own.
  if (isExact(whose, note)) return ours(whose, note);
  if (change === undefined) return !note.broken && isRenewal(whose, note) ? ours(whose, note) : undefined;
  // The removal may have happened: what is there now with other tokens than we saw may be a new sign-in.
  if (change.kind === "remove") return whose.refreshFingerprint === change.seen ? ours(whose, note) : undefined;
  const { from } = change;
  if (from === null) return undefined;
  return isExact(whose, from) || (!note.broken && isRenewal(whose, from)) ? ours(whose, from) : undefined;
}

/**
 * Our login in another file than the note speaks of, where the person has put it there by moving or copying the file: only exactly as
 * written, for a login of the same person there may be that person's own.
 */
export function judgeElsewhere(whose: CodexLoginSummary, note: AuthFileNote | undefined): Ownership | undefined {
  return note !== undefined && isExact(whose, note) ? ours(whose, note) : undefined;
}

/**
 * The note that is true now that `whose` was seen in the file (undefined: no file); undefined where nothing is left to remember.
 * Only for the holder of the note's lock: nobody is in the middle of a change then.
 */
export function settle(note: AuthFileNote | undefined, whose: CodexLoginSummary | undefined): AuthFileNote | undefined {
  if (note === undefined || whose === undefined) return undefined;
  const found = judge(whose, note);
  if (found === undefined) return { ...note, broken: true };
  return { schemaVersion: 1, ...found.written, ...(note.path === undefined ? {} : { path: note.path }) };
}

/** True where `whose` is `written` with other tokens: same person, same workspace, same sign-in as far as the tokens say. */
export function isRenewal(whose: CodexLoginSummary, written: WrittenLogin): boolean {
  const { identity, accountId, signedInAtMs } = whose;
  if (written.userId === undefined || accountId !== written.accountId) return false;
  if (!sameIdentity(identity, { userId: written.userId, accountId: written.accountId })) return false;
  // A renewed id token keeps `auth_time`; another one is a new sign-in of the same person, which is theirs.
  return signedInAtMs === undefined || written.signedInAtMs === undefined || signedInAtMs === written.signedInAtMs;
}

/** Whether the file holds exactly these tokens. */
export function isSameTokens(here: CodexLoginSummary, next: WrittenLogin): boolean {
  return here.refreshFingerprint === next.refreshFingerprint && here.accessFingerprint === next.accessFingerprint;
}

/** True where the broker still gives what we wrote once and the CLI has renewed since: a spent token never replaces its successor. */
export function isSpent(next: WrittenLogin, written: WrittenLogin, here: CodexLoginSummary): boolean {
  if (next.refreshFingerprint !== written.refreshFingerprint) return false;
  return here.refreshFingerprint !== next.refreshFingerprint || next.accessFingerprint === written.accessFingerprint;
}

function isExact(whose: CodexLoginSummary, written: WrittenLogin): boolean {
  return whose.refreshFingerprint === written.refreshFingerprint;
}

function ours(whose: CodexLoginSummary, login: WrittenLogin): Ownership {
  const written = writtenSchema.parse(login);
  return {
    written,
    renewed: !isExact(whose, written) || whose.accessFingerprint !== written.accessFingerprint,
  };
}
