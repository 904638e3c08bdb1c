// Sends the code of a finished sign-in to the token endpoint, once (facts/codex-oauth.md §1.5).

import { Agent, request } from "undici";
import { LOGIN } from "../config/defaults.ts";
import { CodexAuthError, systemCode } from "../errors.ts";
import type { Secret } from "../secrets/secret.ts";
import { CLIENT_ID, type Issuer } from "./issuer.ts";
import type { TokenResponse } from "./token-response.ts";

/** What is exchanged. */
export interface Exchange {
  readonly code: Secret;
  readonly verifier: Secret;
  /** The exact text of the attempt. */
  readonly redirectUri: string;
}

/** Limits of the exchange. */
export interface ExchangeOptions {
  /** For the whole exchange, in milliseconds. Default `LOGIN.requestTimeoutMs`. */
  readonly timeoutMs?: number;
  /** For reaching the server, in milliseconds. Default `LOGIN.connectTimeoutMs`. */
  readonly connectTimeoutMs?: number;
  /** How large an answer may be, in bytes. Default `LOGIN.maxBodyBytes`. */
  readonly maxBodyBytes?: number;
}

/** Nothing left this machine in these cases. */
const NOT_SENT = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "UND_ERR_CONNECT_TIMEOUT",
]);

/**
 * The endpoint's answer, whatever it says. One request: no retry and no redirect, since the code is single use and a
 * redirect would carry it to another place.
 *
 * @throws CodexAuthError `ERR_TOKEN_UNREACHABLE`; the message says whether the code may have been used up.
 */
export async function exchangeRequest(
  issuer: Issuer,
  exchange: Exchange,
  options: ExchangeOptions = {},
): Promise<TokenResponse> {
  const timeoutMs = options.timeoutMs ?? LOGIN.requestTimeoutMs;
  // A connection of its own: on a kept one a request may die unsent and be sent again.
  const dispatcher = new Agent({
    connect: { timeout: options.connectTimeoutMs ?? LOGIN.connectTimeoutMs },
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
  });
  try {
    const { statusCode, headers, body } = await request(new URL("/oauth/token", issuer.origin), {
      dispatcher,
      method: "POST",
      headers: {
        "content-type": "application/x-www-form-urlencoded",
        accept: "application/json",
        "user-agent": "codex-auth-skill",
      },
      body: new URLSearchParams({
        grant_type: "authorization_code",
        code: exchange.code.expose(),
        redirect_uri: exchange.redirectUri,
        client_id: CLIENT_ID,
        code_verifier: exchange.verifier.expose(),
      }).toString(),
      // The two time-outs above start anew with every byte; this one does not.
      signal: AbortSignal.timeout(timeoutMs),
    });
    const text = await readCapped(body, options.maxBodyBytes ?? LOGIN.maxBodyBytes);
    return { status: statusCode, headers: flatten(headers), body: text };
  } catch (cause) {
    throw unreachable(cause);
  } finally {
    await dispatcher.destroy();
  }
}

/** The text of `body`, or undefined as soon as it is larger than `maxBytes`. */
async function readCapped(body: AsyncIterable<Uint8Array>, maxBytes: number): Promise<string | undefined> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.byteLength;
    if (size > maxBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function flatten(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> {
  const flat: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    const first = Array.isArray(value) ? value[0] : value;
    if (first !== undefined) flat[name.toLowerCase()] = first;
  }
  return flat;
}

function unreachable(cause: unknown): CodexAuthError {
  const wasSent = !NOT_SENT.has(systemCode(cause) ?? "");
  return new CodexAuthError("ERR_TOKEN_UNREACHABLE", {
    message: wasSent
      ? "The sign-in server was asked, but no complete answer came; the code may have been used up."
      : "The sign-in server cannot be reached from this machine; nothing was sent.",
    next: wasSent
      ? "Start a new sign-in: a code works only once, so it is not sent again."
      : "Check this machine's network, then start a new sign-in.",
    cause,
  });
}
