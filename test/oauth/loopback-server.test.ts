// The server under the loopback by itself: its limits, and connections that somebody keeps open.

import { Server as HttpServer } from "node:http";
import { createServer, Server, type Socket } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { LOOPBACK } from "../../src/config/defaults.ts";
import { listenOnLoopback, type LoopbackLimits } from "../../src/oauth/loopback-server.ts";
import { askAt, FAMILIES, rawConnection } from "./loopback-lab.ts";

const OURS = (_request: unknown, response: { end(text: string): unknown }): Promise<void> =>
  Promise.resolve(void response.end("ours"));

/** A server of `limits`, and Node's own server behind each of its addresses. */
async function listening(limits?: LoopbackLimits) {
  const { listen } = Server.prototype;
  const servers: HttpServer[] = [];
  Server.prototype.listen = function (this: Server, ...args: unknown[]): Server {
    if (this instanceof HttpServer) servers.push(this);
    return listen.apply(this, args as never);
  } as typeof listen;
  try {
    const server = await listenOnLoopback(0, OURS, ...(limits === undefined ? [] : [limits]));
    if (server === undefined) throw new Error("no free port on this machine");
    onTestFinished(() => server.close());
    return { server, servers: servers.filter((one) => one.listening), get: askAt(server.port) };
  } finally {
    Server.prototype.listen = listen;
  }
}

/** How many connections `server` has. */
const connectionsOf = (server: Server | undefined): Promise<number> =>
  new Promise((resolve, reject) => {
    server?.getConnections((error, count) => (error === null ? resolve(count) : reject(error)));
  });

describe("the limits of the server", () => {
  it("are those of the defaults where nothing else is said, on each of its addresses", async () => {
    const { servers } = await listening();
    expect(servers).toHaveLength(FAMILIES.length);
    for (const server of servers) {
      expect(server).toMatchObject({
        headersTimeout: LOOPBACK.requestWithinMs,
        requestTimeout: LOOPBACK.requestWithinMs,
        connectionsCheckingInterval: LOOPBACK.checkEveryMs,
        maxConnections: LOOPBACK.maxConnections,
        maxRequestsPerSocket: 1,
      });
    }
  });

  it("are those that were said, each by itself", async () => {
    const often = await listening({ checkEveryMs: 70 });
    const soon = await listening({ requestWithinMs: 90 });
    expect(often.servers[0]).toMatchObject({
      headersTimeout: LOOPBACK.requestWithinMs,
      requestTimeout: LOOPBACK.requestWithinMs,
      connectionsCheckingInterval: 70,
    });
    expect(soon.servers[0]).toMatchObject({
      headersTimeout: 90,
      requestTimeout: 90,
      connectionsCheckingInterval: LOOPBACK.checkEveryMs,
    });
  });

  it("let nobody hold more connections than there may be: the next one is ended, and the others stay", async () => {
    const { server, servers } = await listening();
    const held = await Promise.all(Array.from({ length: LOOPBACK.maxConnections }, () => rawConnection(server.port)));
    await expect.poll(() => connectionsOf(servers[0])).toBe(LOOPBACK.maxConnections);
    const next = await rawConnection(server.port);
    await next.ended;
    expect(next.received()).toBe("");
    expect(await connectionsOf(servers[0])).toBe(LOOPBACK.maxConnections);
    expect(held.every(({ socket }) => !socket.destroyed)).toBe(true);
  });
});

describe("the port", () => {
  it("is the same on both addresses, also where any free one was asked for", async () => {
    const { server, servers, get } = await listening();
    expect(server.port).toBeGreaterThan(0);
    for (const one of servers) expect(one.address()).toMatchObject({ port: server.port });
    for (const family of FAMILIES) expect((await get("/", { family })).text).toBe("ours");
  });

  it("is nobody's any more once the server is closed, and closing twice does no harm", async () => {
    const { server, servers } = await listening();
    await server.close();
    await server.close();
    expect(servers.some((one) => one.listening)).toBe(false);
    for (const host of FAMILIES) {
      const next = createServer();
      await new Promise<void>((resolve, reject) => {
        next.once("error", reject);
        next.listen({ port: server.port, host, ipv6Only: true }, () => resolve());
      });
      await new Promise((resolve) => next.close(resolve));
    }
  });
});

describe("a connection that was refused", () => {
  it("is let go of at once, also where the other side never ends its own half", async () => {
    const { server, servers } = await listening();
    const noise = await rawConnection(server.port);
    noise.socket.allowHalfOpen = true;
    noise.socket.write("\x16\x03\x01 this is no HTTP\r\n\r\n");
    await new Promise((resolve) => noise.socket.once("end", resolve));
    expect(noise.received()).toMatch(/^HTTP\/1\.1 400 /);
    await expect.poll(() => connectionsOf(servers[0])).toBe(0);
  });

  it.each([
    ["was reset by the other side", "ECONNRESET", (_socket: Socket) => undefined],
    ["has been ended on our side already", "HPE_INVALID_METHOD", (socket: Socket) => void socket.end()],
  ])("and %s gets no word of ours", async (_how, code, first) => {
    const { server, servers } = await listening();
    const accepted = new Promise<Socket>((resolve) => servers[0]?.once("connection", resolve));
    const other = await rawConnection(server.port);
    const socket = await accepted;
    first(socket);
    // As Node tells it.
    servers[0]?.emit("clientError", Object.assign(new Error("gone"), { code }), socket);
    await other.ended;
    expect(other.received()).toBe("");
    expect(socket.destroyed).toBe(true);
  });
});
