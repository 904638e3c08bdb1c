// One request to the sign-in server: on a connection of its own, held back until it may leave, and never waited for too long.

import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener } from "node:http";
import { createServer as createTcpServer, type Socket } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { parseIssuer, type Issuer } from "../../src/oauth/issuer.ts";
import { post } from "../../src/oauth/post.ts";
import { freePort } from "../../src/sandbox/free-port.ts";

const CONTENT = { type: "text/x-test", body: "a=1" };

async function serve(listener: RequestListener) {
  const server = createServer(listener).listen(0, "127.0.0.1");
  const sockets: Socket[] = [];
  server.on("connection", (socket: Socket) => sockets.push(socket));
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  await once(server, "listening");
  return { issuer: issuerAt(server.address()), sockets };
}

function issuerAt(address: ReturnType<ReturnType<typeof createServer>["address"]>): Issuer {
  return parseIssuer(`http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`);
}

describe("post", () => {
  it("sends what it was given and no more, and gives the whole answer", async () => {
    const seen: { request: IncomingMessage; body: string }[] = [];
    const { issuer, sockets } = await serve((request, response) => {
      let body = "";
      request.setEncoding("utf8").on("data", (text: string) => (body += text));
      request.on("end", () => {
        seen.push({ request, body });
        response.writeHead(418, { "X-Some": "Thing" }).end("short and stout");
      });
    });
    expect(await post(issuer, "/some/path", CONTENT)).toMatchObject({
      status: 418,
      headers: { "x-some": "Thing" },
      body: "short and stout",
    });
    expect(seen).toHaveLength(1);
    expect(seen[0]).toMatchObject({ body: "a=1", request: { method: "POST", url: "/some/path" } });
    expect(seen[0]?.request.headers).toMatchObject({
      "content-type": "text/x-test",
      accept: "application/json",
      "user-agent": "codex-auth-skill",
    });
    // A second one does not use the first one's connection, which is gone.
    await post(issuer, "/", CONTENT);
    expect(sockets).toHaveLength(2);
    await expect.poll(() => sockets.every((socket) => socket.destroyed)).toBe(true);
  });

  it("gives no body where it is larger than may be", async () => {
    const { issuer } = await serve((_request, response) => response.end("12345"));
    expect((await post(issuer, "/", CONTENT, { maxBodyBytes: 5 })).body).toBe("12345");
    expect((await post(issuer, "/", CONTENT, { maxBodyBytes: 4 })).body).toBeUndefined();
  });

  it("ends by its time limit although a byte comes now and then", async () => {
    const { issuer } = await serve((_request, response) => {
      const timer = setInterval(() => response.write("."), 20);
      response.on("close", () => clearInterval(timer));
    });
    await expect(post(issuer, "/", CONTENT, { timeoutMs: 200, maxBodyBytes: 1_000_000 })).rejects.toThrow();
  });
});

describe("what is to happen before a request leaves", () => {
  it("happens on a connection that stands, before a byte of it, and once", async () => {
    const order: string[] = [];
    const { issuer, sockets } = await serve((_request, response) => {
      order.push("request");
      response.end();
    });
    const beforeSend = async (): Promise<void> => {
      await expect.poll(() => sockets.length).toBe(1);
      expect(sockets[0]?.bytesRead).toBe(0);
      order.push("before");
    };
    expect((await post(issuer, "/", CONTENT, { beforeSend })).status).toBe(200);
    expect(order).toEqual(["before", "request"]);
  });

  it("keeps the request here where it fails, with its own reason", async () => {
    const received: Buffer[] = [];
    const server = createTcpServer((socket) => {
      socket.on("data", (data: Buffer) => received.push(data));
      socket.on("error", () => undefined);
    }).listen(0, "127.0.0.1");
    onTestFinished(() => void server.close());
    await once(server, "listening");
    const issuer = issuerAt(server.address());
    const ended = once(server, "connection").then(([socket]) => once(socket as Socket, "close"));
    const reason = new Error("not now");
    await expect(post(issuer, "/", CONTENT, { beforeSend: () => Promise.reject(reason) })).rejects.toBe(reason);
    await ended;
    // Something that is no error is made one.
    const bare = post(issuer, "/", CONTENT, { beforeSend: () => Promise.reject<void>("not now") });
    await expect(bare).rejects.toBeInstanceOf(Error);
    expect(received).toEqual([]);
  });

  it("does not happen where nobody listens", async () => {
    const { issuer, sockets } = await serve((_request, response) => response.end());
    const nowhere = parseIssuer(`http://127.0.0.1:${await freePort()}`);
    let asked = 0;
    const beforeSend = (): Promise<void> => Promise.resolve(void (asked += 1));
    await expect(post(nowhere, "/", CONTENT, { beforeSend })).rejects.toMatchObject({ code: "ECONNREFUSED" });
    expect(asked).toBe(0);
    await post(issuer, "/", CONTENT, { beforeSend });
    expect([asked, sockets.length]).toEqual([1, 1]);
  });
});
