import { randomBytes } from "node:crypto";
import { inspect } from "node:util";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { processExchangeResponse, TokenError, type TokenResponse } from "../../src/oauth/token-response.ts";
import { sandboxAccessToken, sandboxIdToken } from "../../src/sandbox/tokens.ts";

const NOW = 1_800_000_000_000;
const ADA = { email: "ada@example.com", userId: "user-ada", accountId: "acct-ada", planType: "plus" };
const access = sandboxAccessToken({ ...ADA, expiresInMs: 60_000, now: NOW });
const refresh = ["rt", randomBytes(24).toString("hex")].join("_");
const GOOD = { access_token: access, refresh_token: refresh, expires_in: 864_000 };

function answer(body: unknown, status = 200, headers: Record<string, string> = {}): TokenResponse {
  const text = typeof body === "string" || body === undefined ? body : JSON.stringify(body);
  return { status, headers: { "content-type": "application/json", ...headers }, body: text };
}

function refusal(response: TokenResponse): TokenError {
  try {
    processExchangeResponse(response, NOW);
  } catch (error) {
    if (error instanceof TokenError) return error;
    throw error;
  }
  throw new Error("it was accepted");
}

describe("processExchangeResponse with tokens", () => {
  it("gives them wrapped, with whose they are and until when", () => {
    const tokens = processExchangeResponse(answer({ ...GOOD, id_token: "a.b.c", scope: "x" }), NOW);
    expect(tokens.access.expose()).toBe(access);
    expect(tokens.refresh.expose()).toBe(refresh);
    expect(tokens.id?.expose()).toBe("a.b.c");
    expect(tokens.identity).toEqual({ userId: "user-ada", accountId: "acct-ada" });
    expect(tokens.claims).toMatchObject({ email: "ada@example.com", planType: "plus" });
    expect(tokens.expiresAtMs).toBe(NOW + 864_000_000);
    expect(JSON.stringify(tokens) + inspect(tokens, { depth: 9 })).not.toContain(refresh);
  });

  it("takes expires_in as text, and the claim where it is absent or nonsense", () => {
    expect(processExchangeResponse(answer({ ...GOOD, expires_in: "60" }), NOW).expiresAtMs).toBe(NOW + 60_000);
    for (const expiresIn of [undefined, -1, 0, "soon", 1e12]) {
      const tokens = processExchangeResponse(answer({ ...GOOD, expires_in: expiresIn }), NOW);
      expect(tokens.expiresAtMs).toBe(NOW + 60_000);
    }
  });

  it("does without an id token and takes a missing e-mail from it, never the identity", () => {
    expect(processExchangeResponse(answer(GOOD), NOW)).not.toHaveProperty("id");
    const auth = { chatgpt_account_id: "acct-ada", chatgpt_user_id: "user-ada" };
    const payload = Buffer.from(JSON.stringify({ "https://api.openai.com/auth": auth })).toString("base64url");
    const idToken = sandboxIdToken({ ...ADA, email: "id@example.com", userId: "user-eve", expiresInMs: 1, now: NOW });
    const body = { ...GOOD, access_token: `e30.${payload}.x`, id_token: idToken };
    const tokens = processExchangeResponse(answer(body), NOW);
    expect(tokens.claims.email).toBe("id@example.com");
    expect(tokens.identity.userId).toBe("user-ada");
  });

  it.each([
    ["no refresh token", { access_token: access }],
    ["no access token", { refresh_token: refresh }],
    ["an empty token", { ...GOOD, refresh_token: "" }],
    ["a token of another type", { ...GOOD, access_token: 7 }],
    ["a token with a line break", { ...GOOD, refresh_token: "a\nb" }],
    ["a token that is far too long", { ...GOOD, refresh_token: "r".repeat(200_000) }],
    ["a list", [GOOD]],
    ["no JSON", "<html>ok</html>"],
    ["nothing", ""],
    ["more than the cap", undefined],
  ])("refuses %s as incomplete", (_what, body) => {
    expect(refusal(answer(body)).code).toBe("ERR_TOKEN_RESPONSE");
  });

  it("refuses a login that does not say whose it is, or how long it lasts", () => {
    expect(refusal(answer({ ...GOOD, access_token: "opaque" })).code).toBe("ERR_TOKEN_CLAIMS");
    const noUser = sandboxAccessToken({ ...ADA, userId: "", expiresInMs: 1, now: NOW });
    expect(refusal(answer({ ...GOOD, access_token: noUser })).code).toBe("ERR_TOKEN_CLAIMS");
    const payload = Buffer.from(
      JSON.stringify({ "https://api.openai.com/auth": { chatgpt_account_id: "a", user_id: "u" } }),
    ).toString("base64url");
    const body = { access_token: `e30.${payload}.x`, refresh_token: refresh };
    expect(refusal(answer(body)).code).toBe("ERR_TOKEN_CLAIMS");
  });
});

describe("processExchangeResponse with an error", () => {
  it.each([
    ["flat", { error: "invalid_grant", error_description: "SECRET" }, "invalid_grant"],
    ["nested", { error: { code: "refresh_token_reused", message: "SECRET", type: "t" } }, "refresh_token_reused"],
    ["nested with a type only", { error: { code: null, type: "invalid_request_error" } }, "invalid_request_error"],
    ["a code at the top", { code: "Token_Expired", message: "SECRET" }, "token_expired"],
    ["an unknown code of words", { error: "quota.of-week_9" }, "quota.of-week_9"],
    ["a code that looks like a token", { error: refresh }, undefined],
    ["an error of another type", { error: 7 }, undefined],
    ["JSON that is no object", "[1]", undefined],
    ["text", "SECRET", undefined],
    ["a page", "<!DOCTYPE html><p>SECRET", "html_page"],
    ["nothing", "", undefined],
    ["more than the cap", undefined, undefined],
  ])("takes the reason of %s", (_shape, body, reason) => {
    const error = refusal(answer(body, 400));
    expect(error).toMatchObject({ code: "ERR_TOKEN_ENDPOINT", status: 400, reason, retryable: false });
    expect(error.message + error.next + String(error.cause)).not.toContain("SECRET");
    expect(error.message).not.toContain(refresh);
  });

  it("names the status and the request id, for a report", () => {
    const error = refusal(answer({ error: "invalid_grant" }, 400, { "x-request-id": "req-1" }));
    expect(error.requestId).toBe("req-1");
    expect(error.message).toContain("(invalid_grant, HTTP 400, request req-1)");
    expect(error.message).toContain("used before, or too old");
  });

  it("keeps an unusable request id out", () => {
    const error = refusal(answer({ error: "invalid_grant" }, 400, { "x-request-id": "<b>x</b>" }));
    expect(error.requestId).toBeUndefined();
    expect(error.message).not.toContain("<b>");
  });

  it.each([
    [429, "fewer requests"],
    [500, "problem of its own"],
    [503, "problem of its own"],
    [302, "not followed"],
    [307, "not followed"],
    [401, "refused the login"],
    [204, "refused the login"],
  ])("explains HTTP %i", (status, words) => {
    const error = refusal(answer("", status));
    expect(error.code).toBe("ERR_TOKEN_ENDPOINT");
    expect(error.message).toContain(words);
    // The code is single use: the same call can never succeed later.
    expect(error.retryable).toBe(false);
  });

  it("does not call Cloudflare's page a verdict on the login (facts §0.6)", () => {
    const error = refusal(answer("<html>Just a moment", 403, { "content-type": "text/html; charset=UTF-8" }));
    expect(error.message).toContain("blocked this machine");
  });
});

describe("processExchangeResponse, whatever comes", () => {
  it("gives tokens or a TokenError without a word of the body", () => {
    const json = fc.oneof(fc.jsonValue(), fc.record({ error: fc.jsonValue(), code: fc.jsonValue() }));
    fc.assert(
      fc.property(fc.oneof(json, fc.string()), fc.integer({ min: 100, max: 599 }), (value, status) => {
        const mark = randomBytes(12).toString("hex");
        const body = JSON.stringify({ value, mark, error_description: mark, error: mark });
        const error = refusal(answer(body, status));
        expect(error.message + error.next + String(error.cause)).not.toContain(mark);
        expect(refusal(answer(typeof value === "string" ? value : JSON.stringify(value), status))).toBeInstanceOf(
          TokenError,
        );
      }),
    );
  });
});
