// Presents a refresh token to the token endpoint, once, and tells whether it left this machine (facts/codex-oauth.md §1.8, §4.1).

import { RENEWAL } from "../config/defaults.ts";
import type { Secret } from "../secrets/secret.ts";
import { CLIENT_ID, type Issuer } from "./issuer.ts";
import { post, type PostOptions } from "./post.ts";
import { ConnectionGone } from "./single-connection.ts";
import type { TokenResponse } from "./token-response.ts";

/** How a refresh token is presented. */
export interface RefreshRequest extends PostOptions {
  /** Runs when a connection stands, before a byte of the request leaves; a throw of it ends the request unsent, and is passed on. */
  readonly beforeSend: () => Promise<void>;
}

/** What came of the request. `unsent`: no connection stood. `unanswered`: it may have arrived, and no complete answer came. */
export type Presented =
  | { readonly kind: "answered"; readonly response: TokenResponse }
  | { readonly kind: "unsent"; readonly cause: unknown }
  | { readonly kind: "unanswered"; readonly cause: unknown };

/** One request: no retry and no redirect, since a second presentation of a spent token ends the whole login. */
export async function refreshRequest(issuer: Issuer, token: Secret, options: RefreshRequest): Promise<Presented> {
  const form = new URLSearchParams({
    grant_type: "refresh_token",
    refresh_token: token.expose(),
    client_id: CLIENT_ID,
  });
  let bar: { readonly thrown: unknown } | undefined;
  let mayHaveLeft = false;
  const beforeSend = async (signal: AbortSignal): Promise<void> => {
    try {
      await options.beforeSend();
    } catch (thrown) {
      bar = { thrown };
      throw thrown;
    }
    // A disk may have taken longer than the request may: then undici has given it up, and nothing leaves any more.
    signal.throwIfAborted();
    mayHaveLeft = true;
  };
  const content = { type: "application/x-www-form-urlencoded", body: form.toString() };
  const { timeoutMs = RENEWAL.requestTimeoutMs, connectTimeoutMs = RENEWAL.connectTimeoutMs } = options;
  try {
    const response = await post(issuer, "/oauth/token", content, {
      ...options,
      timeoutMs,
      connectTimeoutMs,
      beforeSend,
    });
    return { kind: "answered", response };
  } catch (cause) {
    if (bar !== undefined && !mayHaveLeft) throw bar.thrown;
    return { kind: mayHaveLeft && !(cause instanceof ConnectionGone) ? "unanswered" : "unsent", cause };
  }
}
