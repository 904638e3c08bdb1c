// Builds the entry that OpenClaw keeps for a login from the tokens of that login.

import { decodeAccessToken } from "../../profiles/claims.ts";
import { CODEX_PROVIDER, sealCredential, type SealedCredential } from "../../profiles/profile.ts";
import type { LoginTokens } from "../parked.ts";

/**
 * The entry for a login, as OpenClaw's own login writes it (facts/openclaw-json-generation.md §1), with `accountId`, which it
 * adds at its first refresh. What survives of an entry that is replaced is the store's to decide.
 */
export function credentialFor(tokens: LoginTokens): SealedCredential {
  const claims = decodeAccessToken(tokens.access);
  return sealCredential({
    type: "oauth",
    provider: CODEX_PROVIDER,
    access: tokens.access.expose(),
    refresh: tokens.refresh.expose(),
    expires: tokens.expiresAtMs,
    ...(claims?.email === undefined ? {} : { email: claims.email }),
    ...(claims?.accountId === undefined ? {} : { accountId: claims.accountId }),
  });
}
