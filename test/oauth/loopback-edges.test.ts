// The loopback at its edges: requests that are none, work that fails, and what a page says and does not say.

import { describe, expect, it, onTestFinished } from "vitest";
import { CodexAuthError, type ErrorCode } from "../../src/errors.ts";
import { outcomePage, refusalPage } from "../../src/oauth/loopback-page.ts";
import { judgeLoopbackRequest } from "../../src/oauth/loopback-request.ts";
import { listenOnLoopback } from "../../src/oauth/loopback-server.ts";
import { Loopback, outcomeOf } from "../../src/oauth/loopback.ts";
import { Secret } from "../../src/secrets/secret.ts";
import { LOGIN } from "../../src/config/defaults.ts";
import { askAt, rawConnection, STATE, waitingLoopback } from "./loopback-lab.ts";

const CALLBACK = `/auth/callback?code=ac-1&state=${STATE}`;
const ADDRESS = `http://localhost:1455${CALLBACK}`;
const failure = (code: ErrorCode): CodexAuthError => new CodexAuthError(code, { message: "No.", next: "Nothing." });

describe("a request that is no browser's", () => {
  it("gets no answer where it asks to be connected to somewhere", async () => {
    const { loopback } = await waitingLoopback();
    const tunnel = await rawConnection(loopback.port);
    tunnel.socket.write("CONNECT localhost:1455 HTTP/1.1\r\nhost: localhost:1455\r\n\r\n");
    await tunnel.ended;
    expect(tunnel.received()).toBe("");
  });

  it("is refused where it brings a body in pieces, and is told the method only where that is wrong", async () => {
    const { addresses, get } = await waitingLoopback();
    const inPieces = await get(CALLBACK, { body: "x", headers: { "transfer-encoding": "chunked" } });
    expect(inPieces.status).toBe(400);
    expect(inPieces.headers).not.toHaveProperty("allow");
    expect((await get("/")).headers).not.toHaveProperty("allow");
    expect((await get(CALLBACK, { headers: { "content-length": "0" } })).status).toBe(200);
    expect(addresses).toEqual([ADDRESS]);
  });

  it("is told that it took too long, in one line", async () => {
    const { loopback } = await waitingLoopback({ requestWithinMs: 50, checkEveryMs: 20 });
    const slow = await rawConnection(loopback.port);
    slow.socket.write("GET /auth/callback HTTP/1.1\r\nhost: localhost");
    await slow.ended;
    expect(slow.received()).toBe("HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
  });
});

describe("a sign-in that fails while its browser waits", () => {
  it("ends the connection, and the next browser is heard", async () => {
    const { loopback, get } = await waitingLoopback();
    loopback.expect("broken", { state: Secret.of("broken"), take: () => Promise.reject(new Error("no")) });
    await expect(get("/auth/callback?code=x&state=broken")).rejects.toThrow();
    expect((await get(CALLBACK)).status).toBe(200);
  });
});

describe("listening", () => {
  it("on a port that is none fails with the reason, instead of as if it were held", async () => {
    await expect(listenOnLoopback(70_000, () => Promise.resolve())).rejects.toMatchObject({
      code: "ERR_SOCKET_BAD_PORT",
    });
  });

  it("is done on the port itself where nothing else is said", async () => {
    const loopback = await Loopback.open({ ports: [0] });
    onTestFinished(() => loopback?.close());
    expect(loopback?.redirectUri).toBe("http://localhost:0/auth/callback");
    expect((await askAt(loopback?.port ?? 0)("/", { host: "localhost:0" })).status).toBe(404);
    expect(await Loopback.open({ ports: [] })).toBeUndefined();
  });
});

describe("outcomeOf", () => {
  it.each<[ErrorCode, string]>([
    ["ERR_CALLBACK_MALFORMED", "unusable"],
    ["ERR_CALLBACK_BARE_CODE", "unusable"],
    ["ERR_CALLBACK_STATE", "unusable"],
    ["ERR_LOGIN_BURNT", "over"],
    ["ERR_LOGIN_EXPIRED", "over"],
    ["ERR_LOGIN_NOT_PENDING", "over"],
    ["ERR_LOGIN_FOREIGN", "over"],
    ["ERR_DISK_FULL", "failed"],
  ])("of %s is %s", (code, kind) => {
    expect(outcomeOf(failure(code), ADDRESS)).toEqual({ kind });
  });

  it("of a refusal is what the page said, where it said something", () => {
    const denied = failure("ERR_CALLBACK_DENIED");
    expect(outcomeOf(denied, `${ADDRESS}&error_description=too+bad`)).toStrictEqual({
      kind: "denied",
      message: "No.",
      said: "too bad",
    });
    expect(outcomeOf(denied, ADDRESS)).toStrictEqual({ kind: "denied", message: "No." });
    expect(outcomeOf(new Error("x"), ADDRESS)).toEqual({ kind: "failed" });
  });
});

const paragraphs = (html: string): readonly string[] =>
  [...html.matchAll(/<p>(.*?)<\/p>/gs)].map(([, text = ""]) => text);

const deniedPage = (said?: string) =>
  paragraphs(outcomePage({ kind: "denied", message: "Declined.", ...(said === undefined ? {} : { said }) }).html);

describe("a page", () => {
  it("of a refusal quotes the sign-in page only where that has said something", () => {
    const next = "Go back to the terminal: nothing was changed, and you can start again there.";
    for (const said of [undefined, "", " \u200B "]) expect(deniedPage(said)).toEqual(["Declined.", next]);
    expect(deniedPage("too bad")).toEqual(["Declined.", "The sign-in page says: “too bad”", next]);
  });

  it("is a whole document with each sentence in a paragraph of its own", () => {
    const { status, html } = refusalPage("path");
    expect(status).toBe(404);
    expect(html).toMatch(/^<!DOCTYPE html>\n<html lang="en">/);
    expect(html).toContain("</p>\n<p>");
    expect(paragraphs(html)).toHaveLength(2);
  });
});

const judge = (target: string) =>
  judgeLoopbackRequest(
    { method: "GET", target, hosts: ["localhost:1455"], hasBody: false },
    "http://localhost:1455/auth/callback",
  );

const long = (length: number): string =>
  `/auth/callback?state=s&code=${"x".repeat(length - "http://localhost:1455/auth/callback?state=s&code=".length)}`;

describe("judgeLoopbackRequest", () => {
  it("takes an address of the longest length that there may be, and no longer one", () => {
    expect(judge(long(LOGIN.maxCallbackChars))).toMatchObject({ kind: "callback" });
    expect(judge(long(LOGIN.maxCallbackChars + 1))).toEqual({ kind: "refused", why: "length" });
  });

  it("keeps a question mark inside the query", () => {
    expect(judge("/auth/callback?state=a?b&code=c?d")).toEqual({
      kind: "callback",
      address: "http://localhost:1455/auth/callback?state=a?b&code=c?d",
      state: "a?b",
    });
  });
});
