// Judges what the token endpoint answered to a code exchange (facts/codex-oauth.md §1.5, §1.7).

import { z } from "zod";
import { MAX_TOKEN_CHARS } from "../config/defaults.ts";
import { CodexAuthError, type ErrorCode } from "../errors.ts";
import { decodeAccessToken, identityOf, type AccessClaims, type Identity } from "../profiles/claims.ts";
import { Secret } from "../secrets/secret.ts";
import { requestId, safeReason } from "./reason.ts";

/** An answer of the token endpoint as it came. */
export interface TokenResponse {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** Undefined where it was larger than the cap: then it is dropped whole, so that no cut secret can slip through a filter. */
  readonly body: string | undefined;
}

/** A finished sign-in. */
export interface TokenSet {
  readonly access: Secret;
  readonly refresh: Secret;
  readonly id?: Secret;
  readonly expiresAtMs: number;
  readonly claims: AccessClaims;
  readonly identity: Identity;
}

/** What the sign-in server refused; `reason` and `requestId` are safe to show. */
export class TokenError extends CodexAuthError {
  readonly status: number;
  readonly reason: string | undefined;
  readonly requestId: string | undefined;

  constructor(
    code: ErrorCode,
    response: TokenResponse,
    parts: { message: string; next: string; reason?: string | undefined },
  ) {
    const id = requestId(response.headers);
    const details = [parts.reason, `HTTP ${response.status}`, id === undefined ? undefined : `request ${id}`];
    super(code, {
      message: `${parts.message} (${details.filter((detail) => detail !== undefined).join(", ")}).`,
      next: parts.next,
    });
    this.status = response.status;
    this.reason = parts.reason;
    this.requestId = id;
  }
}

/** A token as the endpoint gives it: printable, and no longer than any that was seen. */
export const tokenText = z
  .string()
  .max(MAX_TOKEN_CHARS)
  .regex(/^[\x21-\x7e]+$/);

/** `expires_in`, in seconds; anything else counts as not said. */
export const lifetime = z.coerce
  .number()
  .positive()
  .max(366 * 24 * 3_600)
  .optional()
  .catch(undefined);

const successSchema = z.object({
  access_token: tokenText,
  refresh_token: tokenText,
  id_token: tokenText.optional().catch(undefined),
  expires_in: lifetime,
});

const errorSchema = z.object({
  error: z
    .union([
      z.string(),
      z.object({ code: z.string().nullish().catch(undefined), type: z.string().nullish().catch(undefined) }),
    ])
    .optional()
    .catch(undefined),
  code: z.string().optional().catch(undefined),
});

const START_AGAIN = "Start a new sign-in and use its link.";

/**
 * The tokens in `response`. Nothing of the body stands in an error, and none of them is retryable: the code is single use.
 *
 * @throws TokenError `ERR_TOKEN_ENDPOINT` (refused), `ERR_TOKEN_RESPONSE` (not understood), `ERR_TOKEN_CLAIMS` (for whom is unknown).
 */
export function processExchangeResponse(response: TokenResponse, nowMs: number): TokenSet {
  if (response.status !== 200) throw refusal(response);
  const parsed = successSchema.safeParse(jsonOf(response.body));
  if (!parsed.success) {
    throw new TokenError("ERR_TOKEN_RESPONSE", response, {
      message: "The sign-in server's answer holds no complete login",
      next: START_AGAIN,
    });
  }
  const { access_token: access, refresh_token: refresh, id_token: id, expires_in: expiresIn } = parsed.data;
  const claims = claimsOf(access, id);
  const identity = identityOf(claims);
  // The server's "in so many seconds" needs no agreement of clocks; the claim is the fallback, as in OpenClaw.
  const expiresAtMs = expiresIn === undefined ? claims.expiresAtMs : nowMs + Math.floor(expiresIn * 1_000);
  if (identity === undefined || expiresAtMs === undefined) {
    throw new TokenError("ERR_TOKEN_CLAIMS", response, {
      message: "The login that came does not say whose it is or how long it lasts, so OpenClaw could not use it",
      next: "Sign in with an account that has access to Codex.",
    });
  }
  return {
    access: Secret.of(access),
    refresh: Secret.of(refresh),
    ...(id === undefined ? {} : { id: Secret.of(id) }),
    expiresAtMs,
    claims,
    identity,
  };
}

/** Who it is comes from the access token alone (decision 9); only a missing label is taken from the id token. */
function claimsOf(access: string, id: string | undefined): AccessClaims {
  const claims = decodeAccessToken(access) ?? {};
  const email = claims.email ?? (id === undefined ? undefined : decodeAccessToken(id)?.email);
  return email === undefined ? claims : { ...claims, email };
}

function refusal(response: TokenResponse): TokenError {
  const reason = reasonOf(response);
  const say = (message: string, next: string): TokenError =>
    new TokenError("ERR_TOKEN_ENDPOINT", response, { message, next, reason });
  const { status } = response;
  if (status === 429)
    return say("The sign-in server asks for fewer requests", "Wait some minutes, then start a new sign-in.");
  if (status >= 500)
    return say("The sign-in server has a problem of its own", "Wait a little, then start a new sign-in.");
  if (status >= 300 && status < 400)
    return say("The sign-in server sent us elsewhere, which is not followed", START_AGAIN);
  if (reason === "html_page") {
    // Cloudflare's block page is no verdict on the login (fact 0.6).
    return say(
      "Something in front of the sign-in server blocked this machine",
      "Try again later or from another network.",
    );
  }
  if (reason === "invalid_grant") {
    return say("The sign-in server did not take the code: it was used before, or too old", START_AGAIN);
  }
  return say("The sign-in server refused the login", START_AGAIN);
}

/** The error code made safe to show; a page instead of JSON is called by its name. */
function reasonOf(response: TokenResponse): string | undefined {
  if (!errorSchema.safeParse(jsonOf(response.body)).success) return isHtml(response) ? "html_page" : undefined;
  const said = errorCodeOf(response);
  return said === undefined ? undefined : safeReason(said);
}

/** All codes of an answer, in the order of {@link errorCodeOf}. */
export function errorCodesOf(response: TokenResponse): readonly string[] {
  const body = errorSchema.safeParse(jsonOf(response.body));
  if (!body.success) return [];
  const { error, code } = body.data;
  const candidates = typeof error === "string" ? [error, code] : [error?.code, error?.type, code];
  return candidates.flatMap((candidate) => (typeof candidate === "string" && candidate !== "" ? [candidate] : []));
}

/** The code in `{error:"code"}`, `{error:{code|type}}` or `{code}`, as it came: to compare, not to show. */
export function errorCodeOf(response: TokenResponse): string | undefined {
  return errorCodesOf(response)[0];
}

/** Whether the answer is a page instead of JSON. */
export function isHtml(response: TokenResponse): boolean {
  return /\bhtml\b/i.test(response.headers["content-type"] ?? "") || /^\s*</.test(response.body ?? "");
}

/** The JSON of a body; undefined where it is none. */
export function jsonOf(body: string | undefined): unknown {
  if (body === undefined) return undefined;
  try {
    return JSON.parse(body) as unknown;
  } catch {
    // V8's message quotes the text: it is not kept.
    return undefined;
  }
}
