// An HTTP server that only this machine can reach, on both of its loopback addresses, with limits, and gone without a rest.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { LOOPBACK } from "../config/defaults.ts";
import { systemCode } from "../errors.ts";

/** Limits of the server. */
export interface LoopbackLimits {
  /** How long a request may take to arrive, in milliseconds. Default `LOOPBACK.requestWithinMs`. */
  readonly requestWithinMs?: number;
  /** How often that is looked at, in milliseconds. Default `LOOPBACK.checkEveryMs`. */
  readonly checkEveryMs?: number;
}

/** A running server. */
export interface LoopbackServer {
  readonly port: number;
  /** Stops listening and ends every connection, also those that a browser only keeps for later. */
  close(): Promise<void>;
}

type Handle = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** This machine has only one of the two families. */
const NO_SUCH_FAMILY = ["EADDRNOTAVAIL", "EAFNOSUPPORT"];
const HELD = ["EADDRINUSE", "EACCES"];

/**
 * Listens on `port` of 127.0.0.1 and ::1, because `localhost` may mean either. Undefined where somebody else has one of them:
 * half a server would give the other half of the browsers to that one. Port 0 is any free one.
 */
export async function listenOnLoopback(
  port: number,
  handle: Handle,
  limits: LoopbackLimits = {},
): Promise<LoopbackServer | undefined> {
  const servers: Server[] = [];
  const close = async (): Promise<void> => void (await Promise.all(servers.map(closeServer)));
  let bound = port;
  try {
    for (const host of ["127.0.0.1", "::1"]) {
      const server = newServer(handle, limits);
      try {
        bound = await listen(server, host, bound);
        servers.push(server);
      } catch (error) {
        if (!NO_SUCH_FAMILY.includes(systemCode(error) ?? "")) throw error;
      }
    }
  } catch (error) {
    await close();
    if (HELD.includes(systemCode(error) ?? "")) return undefined;
    throw error;
  }
  return servers.length === 0 ? undefined : { port: bound, close };
}

function newServer(handle: Handle, limits: LoopbackLimits): Server {
  const requestWithinMs = limits.requestWithinMs ?? LOOPBACK.requestWithinMs;
  const server = createServer(
    {
      maxHeaderSize: LOOPBACK.maxHeaderBytes,
      headersTimeout: requestWithinMs,
      requestTimeout: requestWithinMs,
      connectionsCheckingInterval: limits.checkEveryMs ?? LOOPBACK.checkEveryMs,
    },
    (request, response) => {
      handle(request, response).catch(() => response.destroy());
    },
  );
  server.maxConnections = LOOPBACK.maxConnections;
  // One request each, also for a client that asks for more.
  server.maxRequestsPerSocket = 1;
  // A tool that offers another protocol gets no answer of ours to talk to.
  server.on("connect", (_request, socket: Socket) => socket.destroy());
  server.on("upgrade", (_request, socket: Socket) => socket.destroy());
  server.on("clientError", (error: NodeJS.ErrnoException, socket: Socket) => refuse(error, socket));
  return server;
}

/** What is no HTTP, too large or too slow is told so in one line, without a word of what was sent. */
function refuse(error: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable || error.code === "ECONNRESET") {
    socket.destroy();
    return;
  }
  const status =
    error.code === "HPE_HEADER_OVERFLOW"
      ? "431 Request Header Fields Too Large"
      : error.code === "ERR_HTTP_REQUEST_TIMEOUT"
        ? "408 Request Timeout"
        : "400 Bad Request";
  socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`, () => socket.destroy());
}

async function listen(server: Server, host: string, port: number): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port, exclusive: true, ipv6Only: true }, () => {
      server.off("error", reject);
      resolve();
    });
  });
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : port;
}

async function closeServer(server: Server): Promise<void> {
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
    // A browser's spare socket would keep the port, and bring the next sign-in's answer to this one (facts §1.3).
    server.closeAllConnections();
  });
}
