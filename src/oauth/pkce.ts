// The random parts of one sign-in attempt: PKCE verifier with its challenge, and state (facts/codex-oauth.md §1.2).

import { createHash } from "node:crypto";
import { Secret } from "../secrets/secret.ts";

/** A source of random bytes; `randomBytes` of node:crypto outside tests. */
export type RandomBytes = (size: number) => Uint8Array;

/** A new verifier: 64 random bytes as base64url (86 characters), as Codex's pkce.rs makes it. */
export function createVerifier(randomBytes: RandomBytes): Secret {
  return Secret.of(base64url(randomBytes(64)));
}

/** A new state: 32 random bytes as base64url, as Codex's server.rs makes it. */
export function createState(randomBytes: RandomBytes): Secret {
  return Secret.of(base64url(randomBytes(32)));
}

/** The S256 challenge of `verifier`: what may be shown, since it does not lead back. */
export function challengeOf(verifier: Secret): string {
  return createHash("sha256").update(verifier.expose()).digest("base64url");
}

function base64url(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64url");
}
