// A loopback server that answers as a test says and remembers what it was asked.

import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { onTestFinished } from "vitest";

/** One request as it came. */
export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A server on port 0 that goes away with the test. */
export interface BrokerServer {
  readonly origin: string;
  readonly seen: readonly SeenRequest[];
  /** How many connections were opened. */
  readonly connections: () => number;
}

/** Answers every request by `answer`, after its body has been read. */
export async function brokerServer(
  answer: (request: SeenRequest, response: ServerResponse, raw: IncomingMessage) => void,
): Promise<BrokerServer> {
  const seen: SeenRequest[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((raw, response) => {
    let body = "";
    raw.setEncoding("utf8").on("data", (text: string) => (body += text));
    raw.on("end", () => {
      const request = { method: raw.method ?? "", url: raw.url ?? "", headers: raw.headers, body };
      seen.push(request);
      answer(request, response, raw);
    });
  }).listen(0, "127.0.0.1");
  server.on("connection", (socket) => sockets.add(socket));
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" ? address?.port : 0;
  return { origin: `http://127.0.0.1:${port}`, seen, connections: () => sockets.size };
}

/** Answers JSON, or a string as text. */
export function reply(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  const isText = typeof body === "string";
  response.writeHead(status, { "content-type": isText ? "text/plain; charset=utf-8" : "application/json", ...headers });
  response.end(isText ? body : JSON.stringify(body));
}
