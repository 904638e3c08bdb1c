import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { request } from "undici";
import { describe, expect, it } from "vitest";
import { mayHaveLeft } from "../../src/http/unsent.ts";
import { freePort } from "../../src/sandbox/free-port.ts";

function failed(code: string, syscall?: string): Error {
  return Object.assign(new Error(code), { code, ...(syscall === undefined ? {} : { syscall }) });
}

async function failureOf(origin: string): Promise<unknown> {
  return request(origin, { method: "POST", body: "a code" }).then(
    () => undefined,
    (error: unknown) => error,
  );
}

describe("a request that failed", () => {
  it("has not left where nobody listens", async () => {
    expect(mayHaveLeft(await failureOf(`http://127.0.0.1:${await freePort()}`))).toBe(false);
  });

  it("may have left where the other side hung up on it", async () => {
    const server = createServer((socket) => socket.once("data", () => socket.resetAndDestroy()));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const failure = await failureOf(`http://127.0.0.1:${port}`);
    server.close();
    expect(failure).toBeInstanceOf(Error);
    expect(mayHaveLeft(failure)).toBe(true);
  });

  it.each([
    ["no such name", failed("ENOTFOUND", "getaddrinfo")],
    ["no answer of the name server", failed("EAI_AGAIN", "getaddrinfo")],
    ["no way there", failed("ENETUNREACH", "connect")],
    ["no connection in time", failed("UND_ERR_CONNECT_TIMEOUT")],
    ["no connection by any address", Object.assign(new AggregateError([]), { code: "ECONNREFUSED" })],
  ])("has not left: %s", (_why, cause) => {
    expect(mayHaveLeft(cause)).toBe(false);
  });

  it.each([
    ["a way that vanished from an open connection", failed("EHOSTUNREACH", "read")],
    ["an open connection that timed out", failed("ETIMEDOUT", "read")],
    ["a code without its syscall", failed("ECONNREFUSED")],
    ["a connection that was reset while connecting", failed("ECONNRESET", "connect")],
    ["no head of an answer in time", failed("UND_ERR_HEADERS_TIMEOUT")],
    ["what is no error at all", "ECONNREFUSED"],
  ])("may have left: %s", (_why, cause) => {
    expect(mayHaveLeft(cause)).toBe(true);
  });
});
