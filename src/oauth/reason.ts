// Turns error codes and request ids from outside into something that may stand in a message.

/** Codes of the sign-in server that we know (facts/codex-oauth.md §1.3, §1.6, §1.8, and RFC 6749). */
const KNOWN = new Set([
  "access_denied",
  "consent_required",
  "insufficient_scope",
  "interaction_required",
  "invalid_client",
  "invalid_grant",
  "invalid_refresh_token",
  "invalid_request",
  "invalid_scope",
  "login_required",
  "missing_authorization_code",
  "missing_codex_entitlement",
  "persist_failed",
  "rate_limit_exceeded",
  "redirect_failed",
  "refresh_token_expired",
  "refresh_token_invalidated",
  "refresh_token_reused",
  "server_error",
  "temporarily_unavailable",
  "token_exchange_failed",
  "token_expired",
  "token_revoked",
  "unauthorized_client",
  "unsupported_grant_type",
  "unsupported_response_type",
  "workspace_restriction",
]);

/**
 * A code to show and to compare: lower case, only `[a-z0-9_.-]`, at most 64 characters; undefined where nothing safe is left.
 * An unknown one that looks like a token rather than like words is dropped: a server may echo what it was sent.
 */
export function safeReason(text: string): string | undefined {
  if (text.length > 256) return undefined;
  const reason = text
    .toLowerCase()
    .replace(/[^a-z0-9_.-]/g, "")
    .slice(0, 64);
  if (KNOWN.has(reason)) return reason;
  const isWords = reason.split(/[_.-]/).every((word) => word.length <= 20) && (reason.match(/\d/g)?.length ?? 0) <= 4;
  return reason !== "" && isWords ? reason : undefined;
}

/** Short, or made as request ids are: anything else could be a token that a server throws back in its headers. */
const REQUEST_ID =
  /^(?:[A-Za-z0-9._-]{1,24}|req[_-][A-Za-z0-9-]{1,64}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$/;

/** The first usable request id of `headers` (names in lower case), at most 68 characters; for a report to OpenAI (§1.5). */
export function requestId(headers: Readonly<Record<string, string>>): string | undefined {
  for (const name of ["x-request-id", "x-openai-request-id", "cf-ray"]) {
    const value = headers[name];
    if (value !== undefined && REQUEST_ID.test(value)) return value;
  }
  return undefined;
}
