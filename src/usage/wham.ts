// Asks the provider for one account's usage: one GET, no retry, no redirect, a cap on the answer (facts/codex-oauth.md §1.11).

import { USAGE_CHECK } from "../config/defaults.ts";
import { flattenHeaders, readCapped } from "../http/answer.ts";
import type { Secret } from "../secrets/secret.ts";
import { VERSION } from "../version.ts";
import type { UsageServer } from "./usage-server.ts";

/** Whose usage is asked for. */
export interface WhamCall {
  readonly token: Secret;
  /** The workspace; without it the provider chooses one. */
  readonly accountId?: string | undefined;
}

/** Limits of one request. */
export interface WhamOptions {
  /** For the whole request, in milliseconds. Default `USAGE_CHECK.tryTimeoutMs`. */
  readonly timeoutMs?: number;
  /** How large an answer may be, in bytes. Default `USAGE_CHECK.maxBodyBytes`. */
  readonly maxBodyBytes?: number;
}

/** The provider's answer, whatever it says; `body` is undefined where it is larger than allowed. */
export interface WhamAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

/** The only path that is asked for; spending a reset credit is another one, which nothing here knows. */
const PATH = "/backend-api/wham/usage";
/** A header must not carry anything but a plain id. */
const PLAIN_ID = /^[\x21-\x7e]{1,128}$/;

/** The answer; rejects with undici's or the system's error where none came. */
export async function whamRequest(
  server: UsageServer,
  { token, accountId }: WhamCall,
  options: WhamOptions = {},
): Promise<WhamAnswer> {
  const timeoutMs = options.timeoutMs ?? USAGE_CHECK.tryTimeoutMs;
  const { Agent, request } = await import("undici");
  const dispatcher = new Agent({
    connect: { timeout: timeoutMs },
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
  });
  try {
    const { statusCode, headers, body } = await request(new URL(PATH, server.origin), {
      dispatcher,
      method: "GET",
      headers: {
        accept: "application/json",
        authorization: `Bearer ${token.expose()}`,
        "user-agent": `codex-auth-skill/${VERSION}`,
        ...(accountId !== undefined && PLAIN_ID.test(accountId) ? { "chatgpt-account-id": accountId } : {}),
      },
      // The time-outs above start anew with every byte; this one does not.
      signal: AbortSignal.timeout(timeoutMs),
    });
    const text = await readCapped(body, options.maxBodyBytes ?? USAGE_CHECK.maxBodyBytes);
    return { status: statusCode, headers: flattenHeaders(headers), body: text };
  } finally {
    await dispatcher.destroy();
  }
}
