// One POST to the sign-in server: no retry, no redirect, a cap on the answer, a connection of its own.

import { LOGIN } from "../config/defaults.ts";
import { flattenHeaders, readCapped } from "../http/answer.ts";
import type { Issuer } from "./issuer.ts";
import { singleConnection } from "./single-connection.ts";
import type { TokenResponse } from "./token-response.ts";

/** Limits of one request. */
export interface PostOptions {
  /** For the whole request, in milliseconds. Default `LOGIN.requestTimeoutMs`. */
  readonly timeoutMs?: number;
  /** For reaching the server, in milliseconds. Default `LOGIN.connectTimeoutMs`. */
  readonly connectTimeoutMs?: number;
  /** How large an answer may be, in bytes. Default `LOGIN.maxBodyBytes`. */
  readonly maxBodyBytes?: number;
  /**
   * Runs when a connection stands, before a byte of the request leaves; a throw of it ends the request unsent. It is waited for also where
   * the time is over meanwhile: `signal` says so, and then nothing leaves.
   */
  readonly beforeSend?: (signal: AbortSignal) => Promise<void>;
}

/** The server's answer, whatever it says; rejects with undici's or the system's error where none came. */
export async function post(
  issuer: Issuer,
  path: string,
  content: { readonly type: string; readonly body: string },
  options: PostOptions = {},
): Promise<TokenResponse> {
  const { Agent, buildConnector, request } = await import("undici");
  const timeoutMs = options.timeoutMs ?? LOGIN.requestTimeoutMs;
  // The time-outs of undici start anew with every byte; this one does not.
  const signal = AbortSignal.timeout(timeoutMs);
  const connect = buildConnector({ timeout: options.connectTimeoutMs ?? LOGIN.connectTimeoutMs });
  const { beforeSend } = options;
  // A connection of its own: on a kept one a request may die unsent and be sent again.
  const dispatcher = new Agent({
    connect: beforeSend === undefined ? connect : singleConnection(connect, () => beforeSend(signal)),
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
  });
  try {
    const { statusCode, headers, body } = await request(new URL(path, issuer.origin), {
      dispatcher,
      method: "POST",
      headers: { "content-type": content.type, accept: "application/json", "user-agent": "codex-auth-skill" },
      body: content.body,
      signal,
    });
    const text = await readCapped(body, options.maxBodyBytes ?? LOGIN.maxBodyBytes);
    return { status: statusCode, headers: flattenHeaders(headers), body: text };
  } finally {
    await dispatcher.destroy();
  }
}
