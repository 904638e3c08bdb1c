// Builds the entry that OpenClaw keeps for a login, or for a leased credential, from its tokens.

import { decodeAccessToken } from "../../profiles/claims.ts";
import { sealCredential, unsealEntry } from "../../profiles/profile.ts";
import { CODEX_PROVIDER, type CodexProvider } from "../../profiles/profile-id.ts";
import type { SealedCredential } from "../../profiles/profile.ts";
import { fingerprintJson } from "../../secrets/fingerprint.ts";
import type { Secret } from "../../secrets/secret.ts";
import type { SaveLeaseJob } from "../job.ts";
import type { LoginTokens } from "../parked.ts";

/**
 * The entry for a login, as OpenClaw's own login writes it (facts/openclaw-json-generation.md §1), with `accountId`, which it
 * adds at its first refresh; `provider` as its store names it. One that came out of the store goes back as it was. What survives of an entry that is replaced is the store's to decide.
 */
export function credentialFor(tokens: LoginTokens, provider: CodexProvider = CODEX_PROVIDER): SealedCredential {
  if (tokens.entry !== undefined) return tokens.entry;
  const claims = decodeAccessToken(tokens.access);
  return sealCredential({
    type: "oauth",
    provider,
    access: tokens.access.expose(),
    refresh: tokens.refresh.expose(),
    expires: tokens.expiresAtMs,
    ...(claims?.email === undefined ? {} : { email: claims.email }),
    ...(claims?.accountId === undefined ? {} : { accountId: claims.accountId }),
  });
}

/**
 * The entry for a leased credential: without a refresh token, since the broker renews it and a second owner would end it for both
 * (design, decision 9). No marker of ours is in it: 2026.5.28 drops `managedBy` and `accountId` of a token when it saves.
 */
export function leasedCredentialFor(
  lease: Pick<SaveLeaseJob["lease"], "expiresAtMs" | "email">,
  access: string,
  provider: CodexProvider = CODEX_PROVIDER,
): SealedCredential {
  return sealCredential({
    type: "token",
    provider,
    token: access,
    expires: lease.expiresAtMs,
    ...(lease.email === undefined || lease.email.trim() === "" ? {} : { email: lease.email }),
  });
}

/** The fingerprint that a leased credential has in the store, as receipts and plans name it. */
export function leasedFingerprint(
  credential: {
    readonly access: Secret;
    readonly expiresAtMs: number;
    readonly email?: string | undefined;
  },
  provider: CodexProvider = CODEX_PROVIDER,
): string {
  return fingerprintJson(unsealEntry(leasedCredentialFor(credential, credential.access.expose(), provider)));
}
