// Sends the code of a finished sign-in to the token endpoint, once (facts/codex-oauth.md §1.5).

import { CodexAuthError } from "../errors.ts";
import { mayHaveLeft } from "../http/unsent.ts";
import type { Secret } from "../secrets/secret.ts";
import { CLIENT_ID, type Issuer } from "./issuer.ts";
import { post, type PostOptions } from "./post.ts";
import type { TokenResponse } from "./token-response.ts";

/** What is exchanged. */
export interface Exchange {
  readonly code: Secret;
  readonly verifier: Secret;
  /** The exact text of the attempt. */
  readonly redirectUri: string;
}

/**
 * The endpoint's answer, whatever it says. One request: no retry and no redirect, since the code is single use and a
 * redirect would carry it to another place.
 *
 * @throws CodexAuthError `ERR_TOKEN_UNREACHABLE`; the message says whether the code may have been used up.
 */
export async function exchangeRequest(
  issuer: Issuer,
  exchange: Exchange,
  options: PostOptions = {},
): Promise<TokenResponse> {
  const form = new URLSearchParams({
    grant_type: "authorization_code",
    code: exchange.code.expose(),
    redirect_uri: exchange.redirectUri,
    client_id: CLIENT_ID,
    code_verifier: exchange.verifier.expose(),
  });
  try {
    return await post(
      issuer,
      "/oauth/token",
      { type: "application/x-www-form-urlencoded", body: form.toString() },
      options,
    );
  } catch (cause) {
    throw unreachable(cause);
  }
}

function unreachable(cause: unknown): CodexAuthError {
  const mayBeUsed = mayHaveLeft(cause);
  return new CodexAuthError("ERR_TOKEN_UNREACHABLE", {
    message: mayBeUsed
      ? "The sign-in server was asked, but no complete answer came; the code may have been used up."
      : "The sign-in server cannot be reached from this machine; nothing was sent.",
    next: mayBeUsed
      ? "Start a new sign-in: a code works only once, so it is not sent again."
      : "Check this machine's network, then start a new sign-in.",
    cause,
  });
}
