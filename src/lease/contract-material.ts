// The tokens of a leased credential as materialize gives them; the file names, ids and orders beside them are not looked at (§3.4).

import { z } from "zod";
import { BROKER } from "../config/defaults.ts";
import { decodeAccessToken } from "../profiles/claims.ts";
import { Secret } from "../secrets/secret.ts";
import type { LeaseMaterial } from "./broker.ts";
import {
  ifUsable,
  isThisCentury,
  LAST_MOMENT_MS,
  momentText,
  opaqueId,
  shownEmail,
  shownText,
  tokenText,
} from "./contract-fields.ts";

const authJsonSchema = z.object({
  tokens: ifUsable(
    z.object({
      access_token: ifUsable(tokenText),
      refresh_token: ifUsable(tokenText),
      id_token: ifUsable(tokenText),
      account_id: ifUsable(opaqueId),
    }),
  ),
  last_refresh: ifUsable(momentText),
});

/** Of the broker's `openclaw` block only what it says of a token's end; it may be null (§3.4). */
const openclawSchema = z.object({
  openclaw_auth_json: z.object({ openai_cid_tokens: z.record(z.string(), z.unknown()) }),
});
const spokenOfSchema = z.object({ access_token: z.string(), expires_at_ms: z.number().refine(isThisCentury) });

/** `credential_material`; undefined where it holds no access token. */
export const materialSchema = z
  .object({
    label: ifUsable(shownText(BROKER.maxLabelChars)),
    email: ifUsable(shownEmail),
    provider_account_id: ifUsable(opaqueId),
    auth_json: ifUsable(authJsonSchema),
    openclaw: z.unknown(),
  })
  .transform((wire): LeaseMaterial | undefined => {
    const { access_token: access, refresh_token: refresh, id_token: id, account_id } = wire.auth_json?.tokens ?? {};
    if (access === undefined) return undefined;
    const claims = decodeAccessToken(access) ?? {};
    return {
      label: wire.label,
      email: wire.email ?? claims.email,
      // Whose the token is, it says itself (design, decision 9).
      accountId: claims.accountId ?? account_id ?? wire.provider_account_id,
      accessToken: Secret.of(access),
      refreshToken: secretOf(refresh),
      idToken: secretOf(id),
      expiresAtMs: believable(claims.expiresAtMs) ?? saidOf(access, wire.openclaw),
      lastRefresh: wire.auth_json?.last_refresh,
    };
  });

/** The token's own word; one that never ends is none. A past one stands: an expired token is handed out with 200 too (§3.4). */
function believable(expiresAtMs: number | undefined): number | undefined {
  return expiresAtMs !== undefined && expiresAtMs < LAST_MOMENT_MS ? expiresAtMs : undefined;
}

/** What the broker says of exactly this token, under whatever name it filed it. */
function saidOf(access: string, openclaw: unknown): number | undefined {
  const block = openclawSchema.safeParse(openclaw);
  if (!block.success) return undefined;
  for (const entry of Object.values(block.data.openclaw_auth_json.openai_cid_tokens)) {
    const said = spokenOfSchema.safeParse(entry);
    if (said.success && said.data.access_token === access) return said.data.expires_at_ms;
  }
  return undefined;
}

function secretOf(text: string | undefined): Secret | undefined {
  return text === undefined ? undefined : Secret.of(text);
}
