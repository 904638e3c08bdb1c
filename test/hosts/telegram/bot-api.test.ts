// grammY's calls over connections of ours: what they ask, what they read, and what their errors cannot say.

import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import { createServer as createTcpServer, type Socket } from "node:net";
import { inspect } from "node:util";
import { Api } from "grammy";
import { describe, expect, it, onTestFinished } from "vitest";
import { TELEGRAM } from "../../../src/config/defaults.ts";
import { apiSignal } from "../../../src/hosts/telegram/api-signal.ts";
import { botApiFetch } from "../../../src/hosts/telegram/bot-api.ts";

const TOKEN = "4242:canary-token";

async function serve(listener: RequestListener): Promise<{ readonly api: Api; readonly connections: () => number }> {
  let connections = 0;
  const server = createServer(listener).listen(0, "127.0.0.1");
  server.on("connection", () => (connections += 1));
  const bot = new AbortController();
  onTestFinished(() => {
    bot.abort();
    server.close();
  });
  await once(server, "listening");
  const address = server.address();
  const apiRoot = `http://127.0.0.1:${typeof address === "object" ? (address?.port ?? 0) : 0}`;
  const api = new Api(TOKEN, { apiRoot, fetch: botApiFetch(apiRoot, bot.signal), sensitiveLogs: false });
  return { api, connections: () => connections };
}

/** What `call` fails with, as whole as a log could show it. */
async function failureOf(call: Promise<unknown>): Promise<string> {
  const error: unknown = await call.then(
    () => undefined,
    (failure: unknown) => failure,
  );
  expect(error).toBeInstanceOf(Error);
  return inspect(error, { depth: 12, showHidden: true });
}

describe("a call of grammY", () => {
  it("is a POST of JSON to the method of the token's bot, and the answer is what Telegram said", async () => {
    let asked = "";
    const { api } = await serve((request, response) => {
      asked = `${request.method} ${request.url} ${request.headers["content-type"]} `;
      request.setEncoding("utf8").on("data", (text: string) => (asked += text));
      request.on("end", () => response.end(JSON.stringify({ ok: true, result: { message_id: 7 } })));
    });
    expect(await api.sendMessage(1, "héllo")).toEqual({ message_id: 7 });
    expect(asked).toBe(`POST /bot${TOKEN}/sendMessage application/json {"chat_id":1,"text":"héllo"}`);
  });

  it("that Telegram refuses says so with its code, whatever the status of the answer", async () => {
    const { api } = await serve((_request, response) => {
      response.writeHead(429, { "content-type": "application/json" });
      response.end(JSON.stringify({ ok: false, error_code: 429, description: "Slow", parameters: { retry_after: 3 } }));
    });
    await expect(api.getMe()).rejects.toMatchObject({ error_code: 429, parameters: { retry_after: 3 } });
  });

  it("uses a connection of those before", async () => {
    const { api, connections } = await serve((_request, response) => response.end('{"ok":true,"result":true}'));
    for (let call = 0; call < 5; call += 1) await api.getMe();
    // The first is given back a moment after its answer was read.
    expect(connections()).toBeLessThan(3);
  });

  it("ends with the signal of whoever gave it up", async () => {
    const asked = new AbortController();
    const { api } = await serve(() => asked.abort());
    await expect(api.getMe(apiSignal(asked.signal))).rejects.toMatchObject({ name: "HttpError" });
  });

  it("on a dead network ends with its signal, and no socket of it is left when the bot ends", async () => {
    // It takes the connection and says nothing, so that none ever stands.
    const sockets = new Set<Socket>();
    const server = createTcpServer((socket) => {
      sockets.add(
        socket
          .on("error", () => undefined)
          .on("close", () => sockets.delete(socket))
          .resume(),
      );
    }).listen(0, "127.0.0.1");
    onTestFinished(() => {
      server.close();
      for (const socket of sockets) socket.destroy();
    });
    await once(server, "listening");
    const address = server.address();
    const port = typeof address === "object" ? (address?.port ?? 0) : 0;
    const bot = new AbortController();
    const apiRoot = `https://127.0.0.1:${port}`;
    const api = new Api(TOKEN, { apiRoot, fetch: botApiFetch(apiRoot, bot.signal) });
    const given = new AbortController();
    const call = failureOf(api.getMe(apiSignal(given.signal)));
    await expect.poll(() => sockets.size).toBe(1);
    given.abort();
    expect(await call).not.toContain("canary");
    expect(await failureOf(api.getMe(apiSignal(AbortSignal.abort())))).toMatch(/^HttpError/);
    bot.abort();
    await expect.poll(() => sockets.size).toBe(0);
  });

  it("that fails names no token, whatever comes in place of an answer", async () => {
    const listeners: readonly RequestListener[] = [
      (request) => request.socket.destroy(),
      (_request, response) => response.end("<html>canary-page</html>"),
      (_request, response) => response.end(""),
      // Larger than any answer of Telegram's.
      (_request, response) => response.end(Buffer.alloc(TELEGRAM.maxAnswerBytes + 1, " ")),
    ];
    for (const listener of listeners) {
      const { api } = await serve(listener);
      const failure = await failureOf(api.getMe());
      expect(failure).toMatch(/^HttpError/);
      expect(failure).not.toContain("canary");
    }
    const nowhere = new Api(TOKEN, {
      apiRoot: "http://[nowhere",
      fetch: botApiFetch("http://[nowhere", new AbortController().signal),
    });
    expect(await failureOf(nowhere.getMe())).not.toContain("canary");
    const { api: closed } = await serve(() => undefined);
    expect(await failureOf(closed.getMe(apiSignal(AbortSignal.timeout(20))))).not.toContain("canary");
  });
});
