// One POST to the sign-in server: no retry, no redirect, a cap on the answer, a connection of its own.

import type { buildConnector } from "undici";
import { LOGIN } from "../config/defaults.ts";
import { flattenHeaders, readCapped } from "../http/answer.ts";
import type { Issuer } from "./issuer.ts";
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

/** The connection that stood was gone before anything of the request left on it. */
export class ConnectionGone extends Error {
  constructor() {
    super("The connection ended before the request left.");
    this.name = "ConnectionGone";
  }
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
  // A connection of its own: on a kept one a request may die unsent and be sent again.
  const dispatcher = new Agent({
    connect: connectorOf(buildConnector, signal, options),
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

/** undici's own connector; what is to happen before the request leaves happens on the connection that stands. */
function connectorOf(
  build: typeof buildConnector,
  signal: AbortSignal,
  { connectTimeoutMs, beforeSend }: PostOptions,
): buildConnector.connector {
  const connect = build({ timeout: connectTimeoutMs ?? LOGIN.connectTimeoutMs });
  if (beforeSend === undefined) return connect;
  let hasConnected = false;
  return (target, done) => {
    // undici asks for a second one where the first had ended when it was to send on it, and would go on so until the time is over.
    if (hasConnected) {
      done(new ConnectionGone(), null);
      return;
    }
    hasConnected = true;
    connect(target, (error, socket) => {
      if (error !== null) return done(error, null);
      beforeSend(signal).then(
        () => {
          // undici would take one that has ended for good, and fail as if it had sent something.
          if (socket.readyState === "open") return done(null, socket);
          socket.destroy();
          done(new ConnectionGone(), null);
        },
        (reason: unknown) => {
          socket.destroy();
          done(reason instanceof Error ? reason : new Error("The request was held back."), null);
        },
      );
    });
  };
}
