import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import { createServer as createTcpServer, type Socket } from "node:net";
import { inspect } from "node:util";
import { describe, expect, it, onTestFinished } from "vitest";
import { CodexAuthError } from "../../src/errors.ts";
import { parseIssuer, type Issuer } from "../../src/oauth/issuer.ts";
import { refreshRequest } from "../../src/oauth/refresh.ts";
import { Secret } from "../../src/secrets/secret.ts";
import { freePort } from "../../src/sandbox/free-port.ts";

const TOKEN = Secret.of("rt_canary_1");
const at = (port: number): Issuer => parseIssuer(`http://127.0.0.1:${port}`);

async function serve(listener: RequestListener): Promise<{ readonly issuer: Issuer; readonly seen: string[] }> {
  const seen: string[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (text: string) => (body += text));
    request.on("end", () => {
      seen.push(`${request.method} ${request.url} ${request.headers["content-type"]} ${body}`);
      listener(request, response);
    });
  }).listen(0, "127.0.0.1");
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  await once(server, "listening");
  const address = server.address();
  return { issuer: at(typeof address === "object" ? (address?.port ?? 0) : 0), seen };
}

describe("refreshRequest", () => {
  it("sends exactly the form of facts §1.8, after what is to happen before", async () => {
    const order: string[] = [];
    const { issuer, seen } = await serve((_request, response) => {
      order.push("request");
      response.end("{}");
    });
    const presented = await refreshRequest(issuer, TOKEN, {
      beforeSend: () => (order.push("before"), Promise.resolve()),
    });
    expect(order).toEqual(["before", "request"]);
    expect(presented).toMatchObject({ kind: "answered", response: { status: 200, body: "{}" } });
    expect(seen).toEqual([
      `POST /oauth/token application/x-www-form-urlencoded grant_type=refresh_token&refresh_token=rt_canary_1&client_id=app_EMoamEEZ73f0CkXaXp7hrann`,
    ]);
  });

  it("lets nothing leave while what is to happen before is not over", async () => {
    let arrived = 0;
    const server = createTcpServer((socket) => socket.on("data", ({ length }) => (arrived += length)));
    server.listen(0, "127.0.0.1");
    onTestFinished(() => void server.close());
    await once(server, "listening");
    const address = server.address();
    const connected = once(server, "connection");
    let isHeld = true;
    const request = refreshRequest(at(typeof address === "object" ? (address?.port ?? 0) : 0), TOKEN, {
      timeoutMs: 2_500,
      beforeSend: async () => {
        await connected;
        // A turn of the event loop or two: what was sent would have come by then.
        for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
        expect(arrived).toBe(0);
        isHeld = false;
      },
    });
    expect(await request).toMatchObject({ kind: "unanswered" });
    expect(isHeld).toBe(false);
    expect(arrived).toBeGreaterThan(0);
  });

  it("sends nothing, and passes on why, where what is to happen before fails", async () => {
    const { issuer, seen } = await serve((_request, response) => response.end("{}"));
    const full = new CodexAuthError("ERR_DISK_FULL", { message: "m", next: "n" });
    await expect(refreshRequest(issuer, TOKEN, { beforeSend: () => Promise.reject(full) })).rejects.toBe(full);
    expect(seen).toEqual([]);
  });

  it("sends nothing where what is to happen before comes too late, and waits for it, so that it is not done after the answer", async () => {
    const { issuer, seen } = await serve((_request, response) => response.end("{}"));
    let isNoted = false;
    const beforeSend = async (): Promise<void> => {
      // A disk that is slower than the request may take: both clocks run here, and this one longer.
      await once(AbortSignal.timeout(300), "abort");
      isNoted = true;
    };
    const presented = refreshRequest(issuer, TOKEN, { timeoutMs: 100, beforeSend });
    expect(await presented).toMatchObject({ kind: "unsent" });
    expect(isNoted).toBe(true);
    expect(seen).toEqual([]);
  });

  it.each<["resetAndDestroy" | "end"]>([["resetAndDestroy"], ["end"]])(
    "tells as unsent what could not leave because the server had hung up meanwhile (%s), and knocks no second time",
    async (hangUp) => {
      const sockets: Socket[] = [];
      let arrived = 0;
      const server = createTcpServer((socket) => {
        sockets.push(socket.on("data", ({ length }) => (arrived += length)));
      }).listen(0, "127.0.0.1");
      onTestFinished(() => void server.close());
      await once(server, "listening");
      const address = server.address();
      const connected = once(server, "connection");
      let before = 0;
      const presented = await refreshRequest(at(typeof address === "object" ? (address?.port ?? 0) : 0), TOKEN, {
        beforeSend: async () => {
          before += 1;
          await connected;
          for (const socket of sockets) socket[hangUp]();
          // Some turns of the event loop: it has been heard of by then, as while a note goes to the disk.
          for (let turn = 0; turn < 50; turn += 1) await new Promise(setImmediate);
        },
      });
      expect(presented).toMatchObject({ kind: "unsent" });
      expect([sockets.length, arrived, before]).toEqual([1, 0, 1]);
    },
  );

  it("tells a server that cannot be reached from one that does not answer", async () => {
    let before = 0;
    const beforeSend = (): Promise<void> => ((before += 1), Promise.resolve());
    const unsent = await refreshRequest(at(await freePort()), TOKEN, { beforeSend });
    expect([unsent.kind, before]).toEqual(["unsent", 0]);
    const { issuer, seen } = await serve((request) => request.socket.destroy());
    const unanswered = await refreshRequest(issuer, TOKEN, { beforeSend });
    expect([unanswered.kind, before, seen.length]).toEqual(["unanswered", 1, 1]);
    expect(inspect([unsent, unanswered], { depth: 12 })).not.toContain("rt_canary");
  });

  it("follows no redirect and tries nothing twice", async () => {
    const { issuer, seen } = await serve((_request, response) => {
      response.writeHead(307, { location: "/elsewhere" }).end();
    });
    const presented = await refreshRequest(issuer, TOKEN, { beforeSend: () => Promise.resolve() });
    expect(presented).toMatchObject({ kind: "answered", response: { status: 307 } });
    expect(seen).toHaveLength(1);
  });

  it("takes an answer that is too large for none", async () => {
    const { issuer } = await serve((_request, response) => response.end("x".repeat(4_096)));
    const presented = await refreshRequest(issuer, TOKEN, { maxBodyBytes: 512, beforeSend: () => Promise.resolve() });
    expect(presented).toMatchObject({ kind: "answered", response: { body: undefined } });
  });
});
