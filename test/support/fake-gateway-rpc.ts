// A gateway of this very process: probes and WebSocket on a free port, for tests of what is said over the wire.

import { once } from "node:events";
import { createServer } from "node:http";
import type { Socket } from "node:net";
import { onTestFinished } from "vitest";
import { serveRpc, type GatewayRpcHandlers } from "../../src/sandbox/gateway-rpc.ts";
import { acceptWebSocket, type WebSocketConnection, type WebSocketEvents } from "../../src/sandbox/websocket-server.ts";

/** What the fake is told. */
export interface FakeGatewayOptions extends Partial<GatewayRpcHandlers> {
  /** Answers of `/healthz` and `/readyz`; others are 404. */
  readonly probes?: Readonly<Record<string, { readonly status: number; readonly text: string }>>;
  /** Serves a connection in another way than the protocol says. */
  readonly serve?: (connection: WebSocketConnection, number: number) => WebSocketEvents | undefined;
}

/** A running fake. */
export interface FakeGateway {
  readonly port: number;
  readonly token: string;
  /** How many WebSockets were opened. */
  connections(): number;
}

/** Starts the fake; it ends with the test. */
export async function fakeGateway(options: FakeGatewayOptions = {}): Promise<FakeGateway> {
  const token = options.token ?? "the-shared-token";
  let connections = 0;
  const sockets = new Set<Socket>();
  const server = createServer((request, response) => {
    const answer = options.probes?.[request.url ?? ""];
    response.writeHead(answer?.status ?? 404).end(answer?.text ?? "");
  });
  server.on("connection", (socket) => sockets.add(socket));
  server.on("upgrade", (request, socket, head) => {
    connections += 1;
    const number = connections;
    acceptWebSocket(request, socket, head, (connection) => {
      const special = options.serve?.(connection, number);
      const handlers = { protocol: options.protocol ?? 4, token, methods: options.methods ?? {} };
      return special ?? serveRpc(connection, handlers);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, "close");
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the fake gateway has no port");
  return { port: address.port, token, connections: () => connections };
}
