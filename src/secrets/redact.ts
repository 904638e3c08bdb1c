// The last net under the log: blanks whatever looks like a token, a code or a callback, in case one got that far.

const PATTERNS: readonly RegExp[] = [
  // A JWT, whole or cut.
  /eyJ[A-Za-z0-9_-]{6,}(?:\.[A-Za-z0-9_-]+){0,2}/g,
  // A Telegram bot token, also inside an API address.
  /(?<!\d)\d{5,12}:[A-Za-z0-9_-]{20,}/g,
  // OpenAI keys and refresh tokens.
  /\b(?:sk|rt|at|oaistb)[-_][A-Za-z0-9._-]{12,}/g,
  // key=value and "key":"value" of the names that carry secrets (facts/codex-oauth.md §2).
  /((?:access_token|api_key|client_secret|code|code_verifier|id_token|refresh_token|requested_token|state|subject_token|token|verifier|access|refresh)["']?\s*[=:]\s*["']?)([^\s"'&,}]{6,})/gi,
  /(bearer\s+)[A-Za-z0-9._~+/-]+=*/gi,
];

// Our own `code` and `state` fields: a log that blanks ERR_… tells the operator nothing. No secret is spelled like these.
const HARMLESS =
  /^(?:(?:UND_)?ERR_[A-Z0-9_]{3,48}|E[A-Z0-9]{4,14}|queued|prepared|written|activated|verified|rolling-back)$/;

/** `text` with everything that looks like a secret blanked. */
export function redact(text: string): string {
  return PATTERNS.reduce((rest, pattern) => rest.replace(pattern, blank), text);
}

function blank(match: string, prefix?: unknown, value?: unknown): string {
  if (typeof value === "string" && HARMLESS.test(value)) return match;
  return `${typeof prefix === "string" ? prefix : ""}[redacted]`;
}
