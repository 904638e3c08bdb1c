// Sends one request to the broker and brings back what it answered, whatever that is (facts/lease-broker.md §1).

import { Agent, request } from "undici";
import { BROKER } from "../config/defaults.ts";
import { CodexAuthError, systemCode } from "../errors.ts";
import { flattenHeaders, readCapped } from "../http/answer.ts";
import { mayHaveLeft } from "../http/unsent.ts";
import type { Secret } from "../secrets/secret.ts";
import type { BrokerAnswer } from "./broker-answer.ts";

/** One request. */
export interface BrokerRequest {
  readonly method: "GET" | "POST";
  /** Segments that are encoded one by one; none may be empty or made of dots. */
  readonly path: readonly string[];
  readonly body?: unknown;
  /** True where it must not arrive twice: it gets a connection of its own, since on a kept one it may die unsent or be sent again. */
  readonly isOnce: boolean;
}

/** Time-outs of one try, in milliseconds. Defaults: `BROKER`. */
export interface BrokerTimeouts {
  /** For reaching the broker, TLS included. */
  readonly connectTimeoutMs: number;
  /** From the request to the head of the answer. */
  readonly headersTimeoutMs: number;
  /** Between two pieces of the answer's body. */
  readonly bodyTimeoutMs: number;
  /** For all of it: the two above start anew with every byte. */
  readonly tryTimeoutMs: number;
}

/** No answer came, or not a whole one. */
export class BrokerUnreachable extends CodexAuthError {
  /** False only where nothing of the request has left this machine. */
  readonly wasSent: boolean;

  constructor(cause: unknown, isOver: boolean) {
    const code = plainCode(cause);
    const wasSent = isOver || mayHaveLeft(cause);
    const isCertificate = !isOver && code !== undefined && /CERT|UNABLE_TO_VERIFY/.test(code);
    super("ERR_BROKER_UNREACHABLE", {
      message: isCertificate
        ? "The broker's certificate is not trusted, so nothing was sent to it."
        : wasSent
          ? "The broker was asked, but no complete answer came in time."
          : "The broker cannot be reached from this machine; nothing was sent.",
      next: "Check that the Auth Manager runs and that `lease.baseUrl` is its address.",
      retryable: true,
      // Not the error itself: the parser's holds what the broker sent, tokens included.
      cause: Object.assign(new Error(code ?? plainName(cause)), code === undefined ? {} : { code }),
    });
    this.wasSent = wasSent && !isCertificate;
  }
}

const LOOPBACK = /^(?:localhost|\[::1\]|127(?:\.\d{1,3}){3})$/;

/**
 * The broker's address without a slash at its end; it may have a path of its own.
 *
 * @throws CodexAuthError `ERR_CONFIG_INVALID` for anything but https, or http on loopback where that is allowed.
 */
export function parseBrokerUrl(text: string, allowInsecureLocalhost: boolean): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined) throw badUrl("is no address");
  // They would stand in every error of every layer below.
  if (url.username !== "" || url.password !== "") throw badUrl("holds a user name or a password");
  if (url.search !== "" || url.hash !== "") throw badUrl("holds a query or a fragment");
  if (url.protocol === "http:" && LOOPBACK.test(url.hostname)) {
    if (!allowInsecureLocalhost) throw badUrl("is plain http, which `allowInsecureLocalhost` forbids here too");
  } else if (url.protocol !== "https:") {
    throw badUrl("is not https: anybody on the way could read the tokens");
  }
  return `${url.origin}${url.pathname.replace(/\/+$/, "")}`;
}

/** A way to the broker; kept connections are closed by {@link BrokerTransport.close}. */
export class BrokerTransport {
  readonly #base: string;
  readonly #token: () => Secret;
  readonly #timeouts: BrokerTimeouts;
  readonly #kept: Agent;

  constructor(base: string, token: () => Secret, timeouts: BrokerTimeouts) {
    this.#base = base;
    this.#token = token;
    this.#timeouts = timeouts;
    this.#kept = this.#agent();
  }

  /**
   * The broker's answer. One try; redirects are not followed.
   *
   * @throws BrokerUnreachable, or what the signal says.
   */
  async send(call: BrokerRequest, signal: AbortSignal): Promise<BrokerAnswer> {
    signal.throwIfAborted();
    const url = `${this.#base}${encodePath(call.path)}`;
    const dispatcher = call.isOnce ? this.#agent() : this.#kept;
    // Not `AbortSignal.any`: each would stay tied to a signal that lives as long as the keeper.
    const given = new AbortController();
    const stop = (): void => given.abort();
    signal.addEventListener("abort", stop, { once: true });
    const timer = setTimeout(stop, this.#timeouts.tryTimeoutMs);
    try {
      const { statusCode, headers, body } = await request(url, {
        dispatcher,
        method: call.method,
        headers: {
          accept: "application/json",
          authorization: `Bearer ${this.#token().expose()}`,
          "user-agent": "codex-auth-skill",
          ...(call.body === undefined ? {} : { "content-type": "application/json" }),
        },
        body: call.body === undefined ? null : JSON.stringify(call.body),
        signal: given.signal,
      });
      return {
        status: statusCode,
        headers: flattenHeaders(headers),
        body: await readCapped(body, BROKER.maxBodyBytes),
      };
    } catch (cause) {
      signal.throwIfAborted();
      throw new BrokerUnreachable(cause, given.signal.aborted);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", stop);
      if (call.isOnce) await dispatcher.destroy();
    }
  }

  /** Closes kept connections; whatever is under way fails. */
  async close(): Promise<void> {
    await this.#kept.destroy();
  }

  #agent(): Agent {
    const { connectTimeoutMs, headersTimeoutMs, bodyTimeoutMs } = this.#timeouts;
    return new Agent({
      connections: 1,
      connect: { timeout: connectTimeoutMs },
      headersTimeout: headersTimeoutMs,
      bodyTimeout: bodyTimeoutMs,
    });
  }
}

/** An id that is made of dots would change the path, however it is encoded (WHATWG URL: `%2e%2e` is `..`). */
function encodePath(segments: readonly string[]): string {
  return segments
    .map((segment) => {
      if (/^\.*$/.test(segment) || /\p{Cs}/u.test(segment)) {
        throw new CodexAuthError("ERR_BROKER_REQUEST", {
          message: "That is no id of a lease.",
          next: "Check `leaseId`, or remove it to have one acquired.",
        });
      }
      return `/${encodeURIComponent(segment)}`;
    })
    .join("");
}

function plainCode(cause: unknown): string | undefined {
  const code = systemCode(cause);
  return code !== undefined && /^[A-Z0-9_]{1,64}$/.test(code) ? code : undefined;
}

function plainName(cause: unknown): string {
  return cause instanceof Error && /^[A-Za-z]{1,64}$/.test(cause.name) ? cause.name : "no answer";
}

function badUrl(what: string): CodexAuthError {
  return new CodexAuthError("ERR_CONFIG_INVALID", {
    message: `The broker's address (\`baseUrl\`) ${what}.`,
    next: "Set it to the Auth Manager's https address, or to http://127.0.0.1 with its port where it runs on this machine.",
  });
}
