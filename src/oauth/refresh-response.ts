// Judges what the token endpoint answered to a refresh token: renewed, to be tried later, dead, or unknown (facts/codex-oauth.md §1.8).

import { z } from "zod";
import { CodexAuthError, type ErrorCode } from "../errors.ts";
import { decodeAccessToken, identityOf } from "../profiles/claims.ts";
import type { Renewal, RenewedTokens } from "../profiles/renewal.ts";
import { Secret } from "../secrets/secret.ts";
import type { Presented } from "./refresh.ts";
import { requestId, safeReason } from "./reason.ts";
import {
  errorCodeOf,
  errorCodesOf,
  isHtml,
  jsonOf,
  lifetime,
  tokenText,
  type TokenResponse,
} from "./token-response.ts";

/** After these the server takes the token never again: seen in Codex CLI 0.169, or reported (§1.8). */
const DEAD = new Set([
  "invalid_grant",
  "invalid_refresh_token",
  "refresh_token_expired",
  "refresh_token_invalidated",
  "refresh_token_reused",
  "token_expired",
  "token_revoked",
]);

// Field by field: what is no token must not cost the one that came beside it.
const token = tokenText.optional().catch(undefined);
const successSchema = z.object({
  access_token: token,
  refresh_token: token,
  id_token: token,
  expires_in: lifetime,
});

const SIGN_IN = "Sign in again for this profile; that gives it a new login.";

/** What became of the token. Nothing of a body stands in an error. */
export function processRefreshResponse(presented: Presented, nowMs: number): Renewal {
  if (presented.kind === "unsent") {
    const message = "The sign-in server cannot be reached from this machine; nothing was sent.";
    const next = "The login is as it was. Check this machine's network, then try again.";
    return { kind: "not-sent", error: unreachable(message, next, presented.cause, true) };
  }
  if (presented.kind === "unanswered") {
    const message = "The sign-in server was asked, but no complete answer came; the refresh token may be used up.";
    return { kind: "unknown", error: unreachable(message, unknownNext(), presented.cause, false) };
  }
  const { response } = presented;
  const { status } = response;
  return status >= 200 && status < 300 ? renewed(response, nowMs) : refusal(response);
}

function renewed(response: TokenResponse, nowMs: number): Renewal {
  const parsed = successSchema.safeParse(jsonOf(response.body?.replace(/^\uFEFF/, "")));
  const { access_token: access, refresh_token: refresh } = parsed.data ?? {};
  if (!parsed.success || (access === undefined && refresh === undefined)) {
    const message = "The sign-in server's answer holds no login, although it says it does";
    return { kind: "unknown", error: said("ERR_RENEWAL_UNKNOWN", response, message, unknownNext()) };
  }
  return { kind: "renewed", tokens: tokensOf(parsed.data, nowMs) };
}

function tokensOf(body: z.infer<typeof successSchema>, nowMs: number): RenewedTokens {
  const { access_token: access, refresh_token: refresh, id_token: id, expires_in: expiresIn } = body;
  const claims = access === undefined ? undefined : decodeAccessToken(access);
  const identity = claims === undefined ? undefined : identityOf(claims);
  const email = claims?.email ?? (id === undefined ? undefined : decodeAccessToken(id)?.email);
  // One that does not say how long it lasts is taken for spent: OpenClaw renews it at its next call.
  const expiresAtMs = expiresIn === undefined ? (claims?.expiresAtMs ?? nowMs) : nowMs + Math.floor(expiresIn * 1_000);
  return {
    ...(access === undefined ? {} : { access: Secret.of(access), expiresAtMs }),
    ...(refresh === undefined ? {} : { refresh: Secret.of(refresh) }),
    ...(id === undefined ? {} : { id: Secret.of(id) }),
    ...(identity === undefined ? {} : { identity }),
    ...(email === undefined ? {} : { email }),
    ...(claims?.planType === undefined ? {} : { planType: claims.planType }),
  };
}

function refusal(response: TokenResponse): Renewal {
  const { status } = response;
  const codes = errorCodesOf(response).map((one) => one.toLowerCase());
  const code = codes.find((one) => DEAD.has(one)) ?? codes[0];
  // A page is the word of something in front of the server, and no verdict.
  const isDead = status < 500 && (codes.some((one) => DEAD.has(one)) || (status === 401 && !isHtml(response)));
  if (isDead) {
    const reason = (code === undefined ? undefined : safeReason(code)) ?? `http_${status}`;
    const message = deadWords(code ?? "");
    return { kind: "dead", reason, error: said("ERR_RENEWAL_DEAD", response, message, SIGN_IN) };
  }
  // Only the server's own words say that it has not acted: a proxy answers like this when it has lost the server's answer.
  if (status >= 500 && codes.length === 0) {
    const message = "The sign-in server failed without a word of its own; the refresh token may be used up";
    return { kind: "unknown", error: said("ERR_RENEWAL_UNKNOWN", response, message, unknownNext()) };
  }
  return { kind: "refused", error: said("ERR_RENEWAL_REFUSED", response, ...refusedWords(response), true) };
}

function deadWords(code: string): string {
  switch (code) {
    case "refresh_token_reused":
      return "The sign-in server has ended this login, because its refresh token was used somewhere else too";
    case "refresh_token_expired":
    case "token_expired":
      return "This login is too old to be renewed";
    case "refresh_token_invalidated":
    case "token_revoked":
      return "This login was ended at the sign-in server, by a logout or an administrator";
    default:
      return "The sign-in server does not take this login any more";
  }
}

/** A cause and a next step; the login is as it was in all of them. */
function refusedWords(response: TokenResponse): [string, string] {
  const { status, headers } = response;
  if (status === 429) {
    const seconds = /^\d{1,6}$/.exec(headers["retry-after"] ?? "")?.[0];
    const wait = seconds === undefined ? "some minutes" : `${Math.max(1, Math.ceil(Number(seconds) / 60))} min`;
    return ["The sign-in server asks for fewer requests", `The login is as it was. Try again in ${wait}.`];
  }
  if (status === 403 && isHtml(response)) {
    // Cloudflare's block page is no verdict on the login (fact 0.6).
    return [
      "Something in front of the sign-in server blocked this machine",
      "The login is as it was. Try again later or from another network.",
    ];
  }
  if (status >= 500)
    return ["The sign-in server has a problem of its own", "The login is as it was. Try again in some minutes."];
  if (status >= 300 && status < 400)
    return ["The sign-in server sent us elsewhere, which is not followed", "The login is as it was. Try again later."];
  return ["The sign-in server did not renew the login", "The login is as it was. Try again later, or sign in again."];
}

function unknownNext(): string {
  return `It is not presented again, since a second use would end the login. ${SIGN_IN} Until its access token expires the profile works as it is.`;
}

function said(
  code: ErrorCode,
  response: TokenResponse,
  message: string,
  next: string,
  retryable = false,
): CodexAuthError {
  const reason = errorCodeOf(response);
  const safe = reason === undefined ? undefined : safeReason(reason);
  const id = requestId(response.headers);
  const details = [safe, `HTTP ${response.status}`, id === undefined ? undefined : `request ${id}`];
  const shown = details.filter((detail) => detail !== undefined).join(", ");
  return new CodexAuthError(code, { message: `${message} (${shown}).`, next, retryable });
}

function unreachable(message: string, next: string, cause: unknown, retryable: boolean): CodexAuthError {
  const code = retryable ? "ERR_TOKEN_UNREACHABLE" : "ERR_RENEWAL_UNKNOWN";
  return new CodexAuthError(code, { message, next, retryable, cause });
}
