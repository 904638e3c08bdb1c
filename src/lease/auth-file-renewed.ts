// Judges whether the login file holds tokens that the Codex CLI renewed within one lease and that the broker should hear of. Pure.

import { codexLoginDocument, type CodexLogin } from "../profiles/codex-home.ts";
import { Secret } from "../secrets/secret.ts";
import { isRenewal, type Ownership, type WrittenLogin } from "./auth-file-note.ts";

/** Why nothing is pushed. */
export type NothingToPush = "not-ours" | "other-lease" | "not-renewed" | "pushed-before" | "incomplete";

/** Tokens that the Codex CLI renewed in a lease, or why there are none to push. */
export type RenewedTokens =
  | { readonly kind: "renewed"; readonly refreshFingerprint: string; readonly authJson: Secret }
  /** `materializeAgain`: the manager said that it has newer ones, and they were not fetched since. */
  | { readonly kind: "none"; readonly because: NothingToPush; readonly materializeAgain: boolean };

/** The tokens of `login`, if their lineage began in `leaseId` and the broker does not know them yet. */
export function renewedIn(leaseId: string, login: CodexLogin | undefined, ours: Ownership | undefined): RenewedTokens {
  if (login?.tokens === undefined || ours === undefined) return none("not-ours");
  const { written } = ours;
  const { tokens, whose } = login;
  if (written.leaseId !== leaseId) return none("other-lease");
  const { refreshFingerprint } = whose;
  if (refreshFingerprint === undefined || refreshFingerprint === written.refreshFingerprint) return none("not-renewed");
  if (wasPushed(written, refreshFingerprint)) {
    const { decision, answered } = written.pushed ?? {};
    return none("pushed-before", decision === "manager_updated_client" && answered === false);
  }
  // The broker takes anybody's tokens for the leased credential's (facts/lease-broker.md §3.6): asked here once more.
  if (!isRenewal(whose, written)) return none("not-ours");
  if (tokens.idToken === undefined || tokens.lastRefresh === undefined) return none("incomplete");
  const authJson = Secret.of(JSON.stringify(codexLoginDocument(tokens)));
  return { kind: "renewed", refreshFingerprint, authJson };
}

/** Whether the broker has said its word on these tokens. */
export function wasPushed({ pushed }: WrittenLogin, refreshFingerprint: string | undefined): boolean {
  return pushed !== undefined && pushed.refreshFingerprint === refreshFingerprint;
}

function none(because: NothingToPush, materializeAgain = false): RenewedTokens {
  return { kind: "none", because, materializeAgain };
}
