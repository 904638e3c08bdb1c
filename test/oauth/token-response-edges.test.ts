// Answers to a code exchange, and pasted addresses, at the edges that mutants found (docs/mutation.md).

import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { LOGIN } from "../../src/config/defaults.ts";
import { parseCallback } from "../../src/oauth/callback.ts";
import { errorCodesOf, isHtml, processExchangeResponse, type TokenResponse } from "../../src/oauth/token-response.ts";
import { Secret } from "../../src/secrets/secret.ts";
import { fakeAccessToken } from "../support/jwt.ts";

const NOW = 1_800_000_000_000;

function answer(status: number, body: string | undefined, headers: Record<string, string> = {}): TokenResponse {
  return { status, headers, body };
}

function told(act: () => unknown): { readonly code: string; readonly message: string } {
  try {
    act();
  } catch (error) {
    return error as { code: string; message: string };
  }
  throw new Error("it was accepted");
}

const refused = (...args: Parameters<typeof answer>) => told(() => processExchangeResponse(answer(...args), NOW));

describe("an answer to a code exchange", () => {
  it("is a page by its type or by its first sign, and by nothing else", () => {
    expect(isHtml(answer(403, "sorry", { "content-type": "text/html; charset=utf-8" }))).toBe(true);
    expect(isHtml(answer(403, " \n<p>sorry"))).toBe(true);
    expect(isHtml(answer(403, 'x<p>"'))).toBe(false);
    expect(isHtml(answer(403, '"<p>"', { "content-type": "application/json" }))).toBe(false);
    expect(isHtml(answer(403, undefined))).toBe(false);
  });

  it("has no empty codes", () => {
    expect(errorCodesOf(answer(400, '{"error":{"code":"","type":"t"},"code":"c"}'))).toEqual(["t", "c"]);
    expect(errorCodesOf(answer(400, undefined))).toEqual([]);
  });

  it("is told as elsewhere from 300 on, and as refused before", () => {
    expect(refused(300, "{}").message).not.toBe(refused(299, "{}").message.replace("299", "300"));
    expect(refused(300, "{}").message).toBe(refused(399, "{}").message.replace("399", "300"));
    expect(refused(299, "{}").message).toContain("(HTTP 299).");
  });

  it("names no address where neither token has one", () => {
    const access = fakeAccessToken({ userId: "u", accountId: "a", expiresAtMs: NOW + 60_000 });
    const body = JSON.stringify({ access_token: access, refresh_token: "rt_1", id_token: "opaque" });
    expect(processExchangeResponse(answer(200, body), NOW).claims).not.toHaveProperty("email");
  });
});

describe("a pasted address", () => {
  const STATE = randomBytes(32).toString("base64url");
  const attempt = { redirectUri: "http://localhost:1455/auth/callback", state: Secret.of(STATE) };
  const inner = "http://localhost:1455/auth/callback?code=ac_1&state=other";

  it("is judged as a whole where it is one, whatever stands inside it", () => {
    expect(told(() => parseCallback(`https://elsewhere.example/x?u=${inner}`, attempt)).code).toBe(
      "ERR_CALLBACK_MALFORMED",
    );
    expect(told(() => parseCallback(`see ${inner}`, attempt)).code).toBe("ERR_CALLBACK_STATE");
  });

  it("loses quotes and brackets around it, however many", () => {
    const good = `http://localhost:1455/auth/callback?code=ac_1&state=${STATE}`;
    expect(parseCallback(`<<""${good}"">>`, attempt).code.expose()).toBe("ac_1");
  });

  it("has no state where its state is empty", () => {
    const empty = told(() => parseCallback("http://localhost:1455/auth/callback?code=ac_1&state=", attempt));
    const none = told(() => parseCallback("http://localhost:1455/auth/callback?code=ac_1", attempt));
    expect([empty.code, empty.message]).toEqual(["ERR_CALLBACK_STATE", none.message]);
  });

  it("may be as long as is allowed", () => {
    const good = `http://localhost:1455/auth/callback?code=ac_1&state=${STATE}&pad=`;
    const padded = good.padEnd(LOGIN.maxCallbackChars, "x");
    expect(parseCallback(padded, attempt).code.expose()).toBe("ac_1");
    expect(told(() => parseCallback(`${padded}x`, attempt)).code).toBe("ERR_CALLBACK_MALFORMED");
  });
});
