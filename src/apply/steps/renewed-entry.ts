// What the sign-in server's answer makes of a stored login: each field that came, and everything else as it was. Pure.

import type { LoginTokens } from "../parked.ts";
import { accessTokenOf, refreshTokenOf, sealCredential, type Credential } from "../../profiles/profile.ts";
import type { RenewedTokens } from "../../profiles/renewal.ts";
import { Secret } from "../../secrets/secret.ts";

/**
 * The renewed login of `stored`. What the server leaves out stays (facts/codex-oauth.md §1.8): to fail over it after the server has
 * acted would lose the login. Fields that we do not know are the entry's own and stay too, as OpenClaw's own renewal keeps them.
 */
export function renewedLogin(stored: Credential, tokens: RenewedTokens): LoginTokens {
  const access = tokens.access ?? accessTokenOf(stored) ?? Secret.of("");
  const refresh = tokens.refresh ?? refreshTokenOf(stored) ?? Secret.of("");
  const expiresAtMs = tokens.expiresAtMs ?? (stored.type === "oauth" ? stored.expires : undefined) ?? 0;
  const accountId = tokens.identity?.accountId;
  const entry = sealCredential({
    ...stored,
    ...(accountId === undefined ? {} : { accountId }),
    // Only where OpenClaw keeps one: 2026.4.5 and 2026.5.28 do not.
    ...(tokens.id === undefined || stored["idToken"] === undefined ? {} : { idToken: tokens.id.expose() }),
    type: "oauth",
    access: access.expose(),
    refresh: refresh.expose(),
    expires: expiresAtMs,
  });
  return { access, refresh, ...(tokens.id === undefined ? {} : { id: tokens.id }), expiresAtMs, entry };
}
