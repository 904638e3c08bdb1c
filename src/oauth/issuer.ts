// Who signs people in: auth.openai.com, pinned; another issuer only on this machine and only where it is set explicitly.

import { CodexAuthError } from "../errors.ts";

/** The public client id of Codex; it has no secret (facts/codex-oauth.md §1.1). */
export const CLIENT_ID = "app_EMoamEEZ73f0CkXaXp7hrann";
/** What pi-ai and OpenClaw ask for; the CLI's two `api.connectors.*` scopes are not needed to run a model (§1.1). */
export const SCOPE = "openid profile email offline_access";
/** As whom we start the sign-in: the login is for OpenClaw (§1.2). */
export const ORIGINATOR = "openclaw";
/** Where the browser ends up; 1455 and 1457 are the only registered ports (§1.2). */
export const DEFAULT_REDIRECT_URI = "http://localhost:1455/auth/callback";

const OPENAI = "https://auth.openai.com";
const LOOPBACK = ["127.0.0.1", "localhost", "[::1]"];

/** An issuer that may be used. */
export interface Issuer {
  /** Scheme, host and port, without a slash at the end. */
  readonly origin: string;
  /** True where it is not OpenAI's: nothing it gives is worth anything outside this machine. */
  readonly isSandbox: boolean;
}

/**
 * The issuer that `text` (our setting `issuer`) names; OpenAI's where it is undefined.
 *
 * @throws CodexAuthError `ERR_ISSUER_FORBIDDEN` for anything but OpenAI's or plain http on loopback.
 */
export function parseIssuer(text: string | undefined): Issuer {
  if (text === undefined) return { origin: OPENAI, isSandbox: false };
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isPlain =
    url !== undefined && url.pathname === "/" && url.search + url.hash + url.username + url.password === "";
  if (isPlain && url.origin === OPENAI) return { origin: OPENAI, isSandbox: false };
  if (isPlain && url.protocol === "http:" && LOOPBACK.includes(url.hostname)) {
    return { origin: url.origin, isSandbox: true };
  }
  throw new CodexAuthError("ERR_ISSUER_FORBIDDEN", {
    message:
      "The setting issuer is neither auth.openai.com nor an http address on this machine: it would get the logins.",
    next: "Remove it to use auth.openai.com; only the sandbox needs another one.",
  });
}
