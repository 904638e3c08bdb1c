// Asks the sign-in server to end a login for good, once, and judges what it answered (facts/codex-oauth.md §1.9).

import { LOGIN } from "../config/defaults.ts";
import { mayHaveLeft } from "../http/unsent.ts";
import type { Secret } from "../secrets/secret.ts";
import { CLIENT_ID, type Issuer } from "./issuer.ts";
import { post, type PostOptions } from "./post.ts";
import { requestId, safeReason } from "./reason.ts";
import { errorCodeOf, isHtml, type TokenResponse } from "./token-response.ts";

/** No answer that is whole: whether the request has left this machine is all that is known. */
export interface NoAnswer {
  readonly wasSent: boolean;
}

/** What is known of the login after the request. */
export type RevokeOutcome =
  /** The server has ended it, or never knew it (RFC 7009 §2.2): it is no good any more. */
  | { readonly kind: "revoked" }
  /** The server said no; `details` are safe to show. */
  | { readonly kind: "refused"; readonly details: string }
  /** It was sent, and what came does not say whether it was done. */
  | { readonly kind: "unknown"; readonly details?: string }
  /** Nothing was sent. */
  | { readonly kind: "unreachable" };

/** The endpoint's answer to one request, whatever it says; no retry and no redirect. */
export async function revokeRequest(
  issuer: Issuer,
  refreshToken: Secret,
  options: PostOptions = {},
): Promise<TokenResponse | NoAnswer> {
  const body = JSON.stringify({
    token: refreshToken.expose(),
    token_type_hint: "refresh_token",
    client_id: CLIENT_ID,
  });
  const limits = { timeoutMs: LOGIN.revokeTimeoutMs, connectTimeoutMs: LOGIN.revokeTimeoutMs, ...options };
  try {
    return await post(issuer, "/oauth/revoke", { type: "application/json", body }, limits);
  } catch (cause) {
    return { wasSent: mayHaveLeft(cause) };
  }
}

/** What `answer` says of the login; nothing of its body is kept but a known or harmless error code. */
export function processRevokeResponse(answer: TokenResponse | NoAnswer): RevokeOutcome {
  if ("wasSent" in answer) return { kind: answer.wasSent ? "unknown" : "unreachable" };
  const { status } = answer;
  // A page where an empty answer belongs comes from something in between.
  const isPage = isHtml(answer);
  if (status >= 200 && status < 300 && !isPage) return { kind: "revoked" };
  const details = detailsOf(answer, isPage);
  // What stands before the server answers so too, after the server has acted.
  return { kind: (status >= 200 && status < 300) || status >= 500 ? "unknown" : "refused", details };
}

function detailsOf(answer: TokenResponse, isPage: boolean): string {
  const said = errorCodeOf(answer);
  const reason = isPage ? "html_page" : said === undefined ? undefined : safeReason(said);
  const id = requestId(answer.headers);
  const details = [reason, `HTTP ${answer.status}`, id === undefined ? undefined : `request ${id}`];
  return details.filter((detail) => detail !== undefined).join(", ");
}
