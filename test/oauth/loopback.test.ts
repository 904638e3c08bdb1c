// The loopback server by real requests: what it answers, what it leaves alone, and that nothing of it stays.

import { EventEmitter, once } from "node:events";
import { createServer, type Server } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { LOGIN, LOOPBACK } from "../../src/config/defaults.ts";
import { CodexAuthError, type ErrorCode } from "../../src/errors.ts";
import { Loopback, outcomeOf } from "../../src/oauth/loopback.ts";
import { Secret } from "../../src/secrets/secret.ts";
import { askAt, FAMILIES, rawConnection, STATE, waitingLoopback } from "./loopback-lab.ts";

const CODE = "ac-not-a-real-code";
const CALLBACK = `/auth/callback?code=${CODE}&state=${STATE}`;

async function holdPort(host: string): Promise<{ port: number; server: Server }> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, host, () => resolve()));
  onTestFinished(() => void server.close());
  const address = server.address();
  return { server, port: typeof address === "object" && address !== null ? address.port : 0 };
}

describe("a browser that comes back", () => {
  it.each(FAMILIES)("is heard on %s and told to go back to the terminal", async (family) => {
    const { addresses, get } = await waitingLoopback();
    const { status, text, headers } = await get(CALLBACK, { family });
    expect(status).toBe(200);
    expect(text).toContain("Go back to the terminal");
    expect(addresses).toEqual([`http://localhost:1455${CALLBACK}`]);
    expect(headers).toMatchObject({
      "cache-control": "no-store",
      "referrer-policy": "no-referrer",
      "content-security-policy": expect.stringContaining("default-src 'none'") as string,
      "x-content-type-options": "nosniff",
      connection: "close",
    });
    expect(text).not.toMatch(/<script|<link|<img|http:|src=|href=/);
    expect(text).not.toContain(CODE);
    expect(text).not.toContain(STATE);
  });

  it("with a wrong state takes nothing and ends nothing, whether it brings a code or an error", async () => {
    const { addresses, get } = await waitingLoopback();
    for (const query of ["code=x&state=wrong", "error=access_denied&state=wrong", `code=x&state=${STATE}x`]) {
      const { status, text } = await get(`/auth/callback?${query}`);
      expect(status, query).toBe(400);
      expect(text).toContain("belongs to another sign-in");
    }
    expect(addresses).toEqual([]);
    expect((await get(CALLBACK)).status).toBe(200);
  });

  it("is told what the sign-in page said, as text, and only by whoever knows the state", async () => {
    const said = `</p><script>alert(1)</script><a href="http://evil.example">${"long ".repeat(99)}`;
    const taken = { outcome: { kind: "denied", message: "The sign-in was declined.", said } } as const;
    const { get } = await waitingLoopback({ taken });
    const { status, text } = await get(CALLBACK);
    expect(status).toBe(400);
    expect(text).toContain("The sign-in was declined.");
    expect(text).toContain("Go back to the terminal: nothing was changed");
    expect(text).toContain("&#60;script&#62;alert(1)&#60;/script&#62;");
    expect(text).not.toMatch(/<script|<a /);
    expect(text.length).toBeLessThan(1_000);
  });

  it.each([
    ["over", 409],
    ["unusable", 400],
    ["failed", 500],
  ] as const)("whose sign-in is %s is told so with status %d", async (kind, status) => {
    const { get } = await waitingLoopback({ taken: { outcome: { kind } } });
    const answer = await get(CALLBACK);
    expect(answer.status).toBe(status);
    expect(answer.text).toContain("Go back to the terminal");
  });

  it("is answered before anything else is done with what it brought", async () => {
    const order: string[] = [];
    const taken = { outcome: { kind: "received" }, afterwards: () => void order.push("afterwards") } as const;
    const { get } = await waitingLoopback({ taken });
    const { text } = await get(CALLBACK);
    expect(text).toContain("has arrived");
    await expect.poll(() => order).toEqual(["afterwards"]);
  });

  it("and is gone before it can be told costs nothing of what it brought", async () => {
    const { get, loopback } = await waitingLoopback();
    const steps = new EventEmitter();
    const asked = once(steps, "asked");
    const order: string[] = [];
    loopback.expect("slow", {
      state: Secret.of("the-slow-state"),
      take: async () => {
        const free = once(steps, "free");
        steps.emit("asked");
        await free;
        return { outcome: { kind: "received" }, afterwards: () => void order.push("afterwards") };
      },
    });
    const browser = await rawConnection(loopback.port);
    browser.socket.write(
      `GET /auth/callback?code=${CODE}&state=the-slow-state HTTP/1.1\r\nhost: localhost:1455\r\n\r\n`,
    );
    await asked;
    browser.socket.destroy();
    await browser.ended;
    // Whoever is answered now was heard after that end.
    for (const _ of [1, 2]) expect((await get("/")).status).toBe(404);
    steps.emit("free");
    await expect.poll(() => order).toEqual(["afterwards"]);
  });
});

describe("anything else", () => {
  it("is refused, ends nothing, and is not repeated", async () => {
    const { addresses, get, loopback } = await waitingLoopback();
    expect((await get("/cancel")).status).toBe(404);
    expect((await get("/")).status).toBe(404);
    expect((await get("/success?id_token=x")).status).toBe(404);
    expect((await get("/<b>secret-path</b>")).text).not.toContain("secret-path");
    expect((await get(CALLBACK, { host: "evil.example:1455" })).status).toBe(421);
    expect((await get(CALLBACK, { host: `localhost:${loopback.port}` })).status).toBe(421);
    const posted = await get(CALLBACK, { method: "POST", body: "x=1" });
    expect(posted).toMatchObject({ status: 405, headers: { allow: "GET", connection: "close" } });
    expect((await get(CALLBACK, { body: "x", headers: { "content-length": "1" } })).status).toBe(400);
    expect((await get(`/auth/callback?state=${STATE}&code=${"x".repeat(LOGIN.maxCallbackChars)}`)).status).toBe(414);
    expect(addresses).toEqual([]);
    expect((await get(CALLBACK)).status).toBe(200);
  });

  it("that is too long for a request line or its headers is cut off with 431", async () => {
    const { addresses, get, loopback } = await waitingLoopback();
    const long = "x".repeat(LOOPBACK.maxHeaderBytes);
    expect((await get(`${CALLBACK}&more=${long}`)).status).toBe(431);
    expect((await get(CALLBACK, { headers: { "x-long": long } })).status).toBe(431);
    const endless = await rawConnection(loopback.port);
    endless.socket.write(`GET /${"y".repeat(4 * LOOPBACK.maxHeaderBytes)}`);
    await endless.ended;
    expect(endless.received()).toMatch(/^HTTP\/1\.1 431 /);
    expect(addresses).toEqual([]);
  });

  it("that is no HTTP, or wants another protocol, gets no word of ours", async () => {
    const { loopback } = await waitingLoopback();
    const noise = await rawConnection(loopback.port);
    noise.socket.write("\x16\x03\x01 this is no HTTP\r\n\r\n");
    await noise.ended;
    expect(noise.received()).toBe("HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
    const upgrade = await rawConnection(loopback.port);
    upgrade.socket.write(
      `GET ${CALLBACK} HTTP/1.1\r\nhost: localhost:1455\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n`,
    );
    await upgrade.ended;
    expect(upgrade.received()).toBe("");
  });

  it("that sends a byte now and then is cut off, and keeps nobody else waiting", async () => {
    const { addresses, get, loopback } = await waitingLoopback({ requestWithinMs: 300, checkEveryMs: 50 });
    const slow = await rawConnection(loopback.port);
    slow.socket.write(`GET ${CALLBACK} HTTP/1.1\r\nhost: localhost:1455\r\n`);
    const drip = setInterval(() => slow.socket.write("x-drip: 1\r\n"), 50);
    onTestFinished(() => clearInterval(drip));
    const silent = await rawConnection(loopback.port, FAMILIES.at(-1));
    expect((await get(CALLBACK)).status).toBe(200);
    await Promise.all([slow.ended, silent.ended]);
    expect(slow.received()).not.toContain("200");
    expect(addresses).toHaveLength(1);
  });

  it("gets one answer for each connection, also where it asks for two", async () => {
    const { addresses, loopback } = await waitingLoopback();
    const one = await rawConnection(loopback.port);
    const request = `GET ${CALLBACK} HTTP/1.1\r\nhost: localhost:1455\r\nconnection: keep-alive\r\n\r\n`;
    one.socket.write(request + request);
    await one.ended;
    expect(addresses).toHaveLength(1);
    expect(one.received().match(/HTTP\/1\.1 200/g)).toHaveLength(1);
  });
});

describe("the ports", () => {
  it("are given up together with every connection, so that the next sign-in can have them", async () => {
    const { get, loopback } = await waitingLoopback();
    const spare = await rawConnection(loopback.port);
    const half = await rawConnection(loopback.port, FAMILIES.at(-1));
    half.socket.write("GET /auth/call");
    await loopback.close();
    await Promise.all([spare.ended, half.ended]);
    await expect(get(CALLBACK)).rejects.toMatchObject({ code: "ECONNREFUSED" });
    const next = await Loopback.open({ ports: [1455], listenAt: () => loopback.port });
    expect(next?.port).toBe(loopback.port);
    await next?.close();
  });

  it("are tried in their order, and the address says which one it became", async () => {
    const { port } = await holdPort("127.0.0.1");
    const ports: readonly number[] = [1455, 1457];
    const loopback = await Loopback.open({ ports, listenAt: (wanted) => (wanted === 1455 ? port : 0) });
    if (loopback === undefined) throw new Error("no port");
    onTestFinished(() => loopback.close());
    expect(loopback.redirectUri).toBe("http://localhost:1457/auth/callback");
    loopback.expect("a", { state: Secret.of(STATE), take: () => Promise.resolve({ outcome: { kind: "received" } }) });
    const get = askAt(loopback.port);
    expect((await get(CALLBACK, { host: "localhost:1457" })).status).toBe(200);
    expect((await get(CALLBACK, { host: "localhost:1455" })).status).toBe(421);
  });

  it("count as held where only one of the two addresses is somebody else's, and nothing is left listening", async () => {
    for (const host of FAMILIES) {
      const { port } = await holdPort(host);
      expect(await Loopback.open({ ports: [1455], listenAt: () => port })).toBeUndefined();
      // The other address of that port is free again.
      const other = createServer();
      const free = FAMILIES.find((family) => family !== host);
      if (free === undefined) continue;
      await new Promise<void>((resolve, reject) => {
        other.once("error", reject);
        other.listen({ port, host: free, ipv6Only: true }, () => resolve());
      });
      await new Promise((resolve) => other.close(resolve));
    }
  });

  it("are the two that are registered for the client id", () => {
    expect(LOOPBACK.ports).toEqual([1455, 1457]);
  });
});

function failure(code: ErrorCode): CodexAuthError {
  return new CodexAuthError(code, { message: "ours", next: "go on" });
}

describe("what a failed claim means for the browser", () => {
  it("follows from its code alone", () => {
    const address = `http://localhost:1455/auth/callback?error=x&error_description=because&state=${STATE}`;
    expect(outcomeOf(failure("ERR_CALLBACK_DENIED"), address)).toEqual({
      kind: "denied",
      message: "ours",
      said: "because",
    });
    expect(outcomeOf(failure("ERR_CALLBACK_MALFORMED"), address)).toEqual({ kind: "unusable" });
    expect(outcomeOf(failure("ERR_LOGIN_BURNT"), address)).toEqual({ kind: "over" });
    expect(outcomeOf(failure("ERR_LOGIN_EXPIRED"), address)).toEqual({ kind: "over" });
    expect(outcomeOf(failure("ERR_DISK_FULL"), address)).toEqual({ kind: "failed" });
    expect(outcomeOf(new Error("anything"), address)).toEqual({ kind: "failed" });
  });
});
