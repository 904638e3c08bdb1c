// The place on this machine where the browser ends up after a sign-in: it listens only while one waits (facts/codex-oauth.md §1.3).

import type { IncomingMessage, ServerResponse } from "node:http";
import { LOOPBACK } from "../config/defaults.ts";
import { isCodexAuthError, toCodexAuthError } from "../errors.ts";
import type { Secret } from "../secrets/secret.ts";
import { equalConstantTime } from "./callback.ts";
import {
  otherSignInPage,
  outcomePage,
  PAGE_HEADERS,
  refusalPage,
  type CallbackOutcome,
  type LoopbackPage,
} from "./loopback-page.ts";
import { judgeLoopbackRequest } from "./loopback-request.ts";
import { listenOnLoopback, type LoopbackLimits, type LoopbackServer } from "./loopback-server.ts";

/** What became of an address, and what is to happen once the browser has been told. */
export interface Taken {
  readonly outcome: CallbackOutcome;
  readonly afterwards?: () => void;
}

/** A sign-in that waits for its browser. */
export interface ExpectedCallback {
  readonly state: Secret;
  /** Takes an address with this state in. It is asked each time: that a sign-in is over is its answer. */
  take(address: string): Promise<Taken>;
}

/** How a loopback is opened. */
export interface LoopbackOptions extends LoopbackLimits {
  /** The ports of the redirect addresses, in the order in which they are tried. Default `LOOPBACK.ports`: no other is registered. */
  readonly ports?: readonly number[];
  /** Where it listens for each of them. Default: there. */
  readonly listenAt?: (port: number) => number;
}

/** A listening loopback. */
export class Loopback {
  /** What a sign-in that is to end here is started with. */
  readonly redirectUri: string;
  /** Where it listens. */
  readonly port: number;
  readonly #server: LoopbackServer;
  readonly #expected: Map<string, ExpectedCallback>;

  private constructor(redirectUri: string, server: LoopbackServer, expected: Map<string, ExpectedCallback>) {
    this.redirectUri = redirectUri;
    this.port = server.port;
    this.#server = server;
    this.#expected = expected;
  }

  /** Listens on the first port that nobody else has; undefined where all of them are held. */
  static async open(options: LoopbackOptions = {}): Promise<Loopback | undefined> {
    const expected = new Map<string, ExpectedCallback>();
    for (const port of options.ports ?? LOOPBACK.ports) {
      const redirectUri = `http://localhost:${port}/auth/callback`;
      const server = await listenOnLoopback(
        options.listenAt?.(port) ?? port,
        (request, response) => answer(request, response, redirectUri, expected),
        options,
      );
      if (server !== undefined) return new Loopback(redirectUri, server, expected);
    }
    return undefined;
  }

  /** Waits for the browser of the sign-in `id` too. */
  expect(id: string, callback: ExpectedCallback): void {
    this.#expected.set(id, callback);
  }

  /** Stops listening and ends every connection. */
  async close(): Promise<void> {
    this.#expected.clear();
    await this.#server.close();
  }
}

/** What the browser is told where taking `address` failed with `error`. */
export function outcomeOf(error: unknown, address: string): CallbackOutcome {
  if (isCodexAuthError(error, "ERR_CALLBACK_DENIED")) {
    const said = new URL(address).searchParams.get("error_description");
    return { kind: "denied", message: toCodexAuthError(error).message, ...(said === null ? {} : { said }) };
  }
  if (isCodexAuthError(error, "ERR_CALLBACK_MALFORMED", "ERR_CALLBACK_BARE_CODE", "ERR_CALLBACK_STATE"))
    return { kind: "unusable" };
  const isOver = isCodexAuthError(
    error,
    "ERR_LOGIN_BURNT",
    "ERR_LOGIN_EXPIRED",
    "ERR_LOGIN_NOT_PENDING",
    "ERR_LOGIN_FOREIGN",
  );
  return { kind: isOver ? "over" : "failed" };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  redirectUri: string,
  expected: ReadonlyMap<string, ExpectedCallback>,
): Promise<void> {
  const verdict = judgeLoopbackRequest(
    {
      method: request.method ?? "",
      target: request.url ?? "",
      hosts: request.headersDistinct["host"] ?? [],
      hasBody: request.headers["transfer-encoding"] !== undefined || (request.headers["content-length"] ?? "0") !== "0",
    },
    redirectUri,
  );
  if (verdict.kind === "refused") return send(response, refusalPage(verdict.why));
  // All of them are compared: how long it takes tells nothing.
  const [callback] = [...expected.values()].filter(({ state }) => equalConstantTime(verdict.state, state.expose()));
  if (callback === undefined) return send(response, otherSignInPage());
  const { outcome, afterwards } = await callback.take(verdict.address);
  try {
    await send(response, outcomePage(outcome));
  } finally {
    // The code is spent by now, whether or not anybody could be told: what it brings must not be lost with the page.
    afterwards?.();
  }
}

/** Sends `page`; resolves when the browser has it or is gone. */
async function send(response: ServerResponse, page: LoopbackPage): Promise<void> {
  // Gone while the address was taken: its `close` was emitted before anybody listened, and nothing else would come.
  if (response.destroyed) return;
  const sent = new Promise<void>((resolve) => {
    response.once("finish", resolve);
    response.once("close", resolve);
  });
  response.writeHead(page.status, { ...PAGE_HEADERS, ...(page.status === 405 ? { allow: "GET" } : {}) }).end(page.html);
  await sent;
}
