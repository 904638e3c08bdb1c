// The HTTP face of the fake: token check, routing, and the shape of every answer.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { ApiError, type ErrorBody } from "./api-error.ts";
import { type Arguments, readArguments } from "./arguments.ts";
import { BOT_METHODS, type ServerParts } from "./bot-methods.ts";
import type { Faults } from "./faults.ts";

/** One call as the server saw it. */
export interface Call {
  readonly method: string;
  readonly args: Arguments;
}

/** What the HTTP face needs. */
export interface HttpOptions {
  readonly token: string;
  readonly parts: ServerParts;
  readonly faults: Faults;
  /** Told of each call before it is answered. */
  readonly onCall: (call: Call) => void;
  /** Told when a call has taken effect. */
  readonly onChange: () => void;
}

/** Starts the server on a free port of the loopback interface. */
export async function startHttp(options: HttpOptions): Promise<{ readonly server: Server; readonly url: string }> {
  const server = createServer((request, response) => {
    void answer(options, request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The fake has no port.");
  return { server, url: `http://127.0.0.1:${address.port}` };
}

async function answer(options: HttpOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? "/", "http://fake");
  const hungUp = new AbortController();
  response.on("close", () => hungUp.abort());
  try {
    const method = methodOf(options, url.pathname);
    const args = readArguments(request.headers["content-type"] ?? "", await bodyOf(request), url.searchParams);
    options.onCall({ method, args });
    const fault = options.faults.take(method);
    if (fault?.kind === "drop" && !fault.after) return void request.socket.destroy();
    if (fault?.kind === "error") throw fault.error;
    if (fault?.kind === "page")
      return void response.writeHead(502, { "content-type": "text/html" }).end("<html>502</html>");
    const working = BOT_METHODS[method.toLowerCase()]?.(options.parts, args, hungUp.signal);
    // A poll confirms updates when it comes, not when it ends.
    options.onChange();
    const result = await working;
    if (fault?.kind === "drop") return void request.socket.destroy();
    send(response, 200, { ok: true, result });
  } catch (error) {
    if (error instanceof ApiError) return send(response, error.body.error_code, { ok: false, ...error.body });
    send(response, 500, { ok: false, error_code: 500, description: `Fake failed: ${String(error)}` });
  } finally {
    options.onChange();
  }
}

/** The method that the path names. @throws ApiError 401 and 404 as the real server answers them. */
function methodOf(options: HttpOptions, path: string): string {
  const [, token, method] = /^\/bot([^/]+)\/(\w+)$/.exec(path) ?? [];
  if (token === undefined || method === undefined || !/^\d+:[\w-]+$/.test(token)) throw refuse(404, "Not Found");
  if (token !== options.token) throw refuse(401, "Unauthorized");
  if (BOT_METHODS[method.toLowerCase()] === undefined) throw refuse(404, "Not Found: method not found");
  return method;
}

function refuse(code: number, description: string): ApiError {
  const body: ErrorBody = { error_code: code, description };
  return new ApiError(body);
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  request.setEncoding("utf8");
  let body = "";
  for await (const chunk of request) body += String(chunk);
  return body;
}

function send(response: ServerResponse, status: number, body: unknown): void {
  const json = JSON.stringify(body);
  response
    .writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(json) })
    .end(json);
}
