// The sandbox broker's side of HTTP: route, body, token, call, answer, in the order of the real one (facts/lease-broker.md §1).

import type { IncomingMessage, ServerResponse } from "node:http";
import type { Secret } from "../secrets/secret.ts";
import { CRASH, detail, readBody, type BrokerAnswer } from "./broker-answers.ts";
import type { BrokerParts } from "./broker-calls.ts";
import { answerWithFault, BrokerFaultQueue, OneThread, type BrokerFault } from "./broker-faults.ts";
import { findRoute, type BrokerAction } from "./broker-routes.ts";
import { PythonError } from "./broker-values.ts";

/** One request as the sandbox saw it: no header, no body. */
export interface BrokerLogEntry {
  readonly atMs: number;
  readonly method: string;
  /** Decoded. */
  readonly path: string;
  /** Absent where the path is none of the broker's. */
  readonly action?: BrokerAction;
  readonly fault?: BrokerFault["kind"];
  /** Absent where no answer was given. */
  readonly status?: number;
}

/** What the server is told besides its memory. */
export interface BrokerHttpOptions {
  /** Absent: the broker has no token, and every call that needs one is a 503 (§1). */
  readonly token: Secret | undefined;
  readonly pydantic: 1 | 2;
}

const MAX_REQUEST_CHARS = 8 * 1024 * 1024;

/** Answers requests for one sandbox broker. */
export class BrokerSite {
  readonly faults = new BrokerFaultQueue();
  readonly log: BrokerLogEntry[] = [];
  readonly #parts: BrokerParts;
  readonly #options: BrokerHttpOptions;
  readonly #thread = new OneThread();

  constructor(parts: BrokerParts, options: BrokerHttpOptions) {
    this.#parts = parts;
    this.#options = options;
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const method = request.method ?? "GET";
    const path = decoded(new URL(request.url ?? "/", "http://sandbox.invalid").pathname);
    const found = findRoute(method, path);
    const action = "route" in found ? found.route.action : undefined;
    const fault = this.faults.take(action);
    const write = (status?: number) =>
      this.log.push({
        atMs: this.#parts.state.now(),
        method,
        path,
        ...(action === undefined ? {} : { action }),
        ...(fault === undefined ? {} : { fault: fault.kind }),
        ...(status === undefined ? {} : { status }),
      });
    if (fault?.kind === "reset") {
      write();
      request.socket.destroy();
      return;
    }
    const text = await bodyOf(request);
    if (fault?.kind === "hang") {
      write();
      return;
    }
    await this.#thread.turn(fault?.kind === "slow" ? fault.ms : 0);
    if (fault?.kind === "text500" || fault?.kind === "busy" || fault?.kind === "garbage" || fault?.kind === "answer") {
      write(answerWithFault(fault, response));
      return;
    }
    const answer = "route" in found ? this.#call(request, text, found) : unrouted(found.status, request.url ?? "/");
    if (fault?.kind === "lost-answer") {
      write();
      request.socket.destroy();
      return;
    }
    // Logged before it is answered: whoever has the answer finds its line.
    write(answer.status);
    const isText = typeof answer.body === "string";
    const wire = typeof answer.body === "string" ? answer.body : JSON.stringify(answer.body);
    const headers = { "content-type": isText ? "text/plain; charset=utf-8" : "application/json", ...answer.headers };
    response.writeHead(answer.status, headers);
    response.end(fault?.kind === "truncated" ? wire.slice(0, wire.length / 2) : wire);
  }

  #call(
    request: IncomingMessage,
    text: string,
    { route, id }: Exclude<ReturnType<typeof findRoute>, { status: unknown }>,
  ): BrokerAnswer {
    const rules = { isOptional: route.isBodyOptional, pydantic: this.#options.pydantic };
    // The body is judged before the token is: a 422 needs none.
    const read = route.method === "GET" ? { value: {} } : readBody(text, request.headers["content-type"], rules);
    if ("status" in read) return read;
    const refusal = route.action === "open" ? undefined : this.#refusal(request);
    if (refusal !== undefined) return refusal;
    try {
      return route.answer({ ...this.#parts, id, body: read.value ?? {} });
    } catch (error) {
      if (error instanceof PythonError) return CRASH;
      throw error;
    }
  }

  #refusal(request: IncomingMessage): BrokerAnswer | undefined {
    if (this.#options.token === undefined) {
      return detail(
        503,
        "API key is required for this action, but INTERNAL_API_TOKEN is not configured on the server.",
      );
    }
    const bearer = /^bearer\s+(.*)$/i.exec(request.headers.authorization ?? "")?.[1];
    // A present X-API-Key alone decides, whatever the bearer is.
    const presented = request.headers["x-api-key"] ?? bearer;
    if (presented === undefined || presented === "") {
      return detail(401, "API key required. Provide Authorization: Bearer <token> or X-API-Key header.");
    }
    // Comparing anything but ASCII raises.
    if (/[^\0-\x7f]/.test(String(presented))) return CRASH;
    return presented === this.#options.token.expose() ? undefined : detail(403, "Invalid API key");
  }
}

function unrouted(status: 307 | 404 | 405, url: string): BrokerAnswer {
  if (status === 307) return { status, body: "", headers: { location: url.replace(/\/+(?=$|\?)/, "") } };
  return detail(status, status === 404 ? "Not Found" : "Method Not Allowed");
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = "";
  request.setEncoding("utf8");
  for await (const chunk of request) {
    text += String(chunk);
    if (text.length > MAX_REQUEST_CHARS) throw new RangeError("A request to the sandbox was too large.");
  }
  return text;
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
