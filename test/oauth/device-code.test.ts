import { describe, expect, it } from "vitest";
import { DEVICE, MINUTE, SECOND } from "../../src/config/defaults.ts";
import { processDeviceCode, processDevicePoll } from "../../src/oauth/device-code.ts";
import { paceAfter } from "../../src/oauth/device-pace.ts";
import type { TokenResponse } from "../../src/oauth/token-response.ts";

const NOW = Date.UTC(2026, 10, 21, 12);
const JSON_TYPE = { "content-type": "application/json" };

function answer(status: number, body: unknown, headers: Record<string, string> = JSON_TYPE): TokenResponse {
  return { status, headers, body: typeof body === "string" ? body : JSON.stringify(body) };
}

function errorOf(act: () => unknown): unknown {
  try {
    return act();
  } catch (error) {
    return error;
  }
}

function named(code: string): unknown {
  return { error: { code } };
}

const CODE = { device_auth_id: "deviceauth-1", user_code: "ABCD-EFGHJ", interval: "5" };

describe("the answer to a request for a device code", () => {
  it.each([
    ["a string, as was seen", "5", 5 * SECOND],
    ["a number", 7, 7 * SECOND],
    ["nothing", undefined, DEVICE.intervalMs],
    ["no number", "soon", DEVICE.intervalMs],
    ["less than a second", "0", DEVICE.minIntervalMs],
    ["a negative number", -3, DEVICE.minIntervalMs],
    ["an hour", "3600", DEVICE.maxIntervalMs],
  ])("is read where the interval is %s", (_, interval, intervalMs) => {
    const code = processDeviceCode(answer(200, { ...CODE, interval }));
    expect([code.deviceAuthId.expose(), code.userCode, code.intervalMs]).toEqual([
      "deviceauth-1",
      "ABCD-EFGHJ",
      intervalMs,
    ]);
    expect(JSON.stringify(code)).not.toContain("deviceauth-1");
  });

  it("is read with either name of the code", () => {
    const { user_code: usercode, ...rest } = CODE;
    expect(processDeviceCode(answer(200, { ...rest, usercode })).userCode).toBe("ABCD-EFGHJ");
  });

  it.each<[string, TokenResponse | undefined, string, boolean]>([
    ["404: not enabled", answer(404, ""), "ERR_DEVICE_NOT_ENABLED", false],
    ["429", answer(429, ""), "ERR_DEVICE_UNAVAILABLE", true],
    ["503", answer(503, ""), "ERR_DEVICE_UNAVAILABLE", true],
    ["Cloudflare's page", answer(403, "<html>", { "content-type": "text/html" }), "ERR_DEVICE_UNAVAILABLE", true],
    ["no answer", undefined, "ERR_DEVICE_UNAVAILABLE", true],
    ["another status", answer(400, { error: { code: "some_reason" } }), "ERR_DEVICE_REFUSED", false],
    ["a redirect", answer(307, ""), "ERR_DEVICE_REFUSED", false],
    ["no JSON", answer(200, "hello"), "ERR_DEVICE_RESPONSE", false],
    ["no id", answer(200, { user_code: "ABCD" }), "ERR_DEVICE_RESPONSE", false],
    ["no code", answer(200, { device_auth_id: "x" }), "ERR_DEVICE_RESPONSE", false],
    ["a code that is none", answer(200, { ...CODE, user_code: "see http://x" }), "ERR_DEVICE_RESPONSE", false],
    ["too large a body", { status: 200, headers: {}, body: undefined }, "ERR_DEVICE_RESPONSE", false],
  ])("that is %s is refused by its code", (_, response, code, retryable) => {
    expect(errorOf(() => processDeviceCode(response))).toMatchObject({ code, retryable });
  });

  it("gives nothing of its text to the message", () => {
    const error = errorOf(() => processDeviceCode(answer(400, { error: { code: "Zm9vYmFyYmF6cXV4MDEyMzQ1Njc4OQ" } })));
    expect(String(error)).not.toMatch(/Zm9v/i);
  });
});

describe("the answer to a look", () => {
  it.each<[string, TokenResponse, string]>([
    ["403 alone", answer(403, ""), "pending"],
    ["404 alone", answer(404, ""), "pending"],
    ["403 with an unknown code", answer(403, named("something_new")), "pending"],
    ["a pending code", answer(400, named("deviceauth_authorization_pending")), "pending"],
    ["a flat pending code", answer(400, { error: "authorization_pending" }), "pending"],
    ["unknown with 400", answer(400, named("deviceauth_authorization_unknown")), "pending"],
    ["unknown with 403", answer(403, named("DEVICEAUTH_AUTHORIZATION_UNKNOWN")), "pending"],
    ["slow_down", answer(400, named("slow_down")), "slow-down"],
    ["slow_down with 429", answer(429, { code: "slow_down" }), "slow-down"],
    ["access_denied, although its status means pending", answer(403, named("access_denied")), "denied"],
    ["expired_token", answer(400, named("expired_token")), "expired"],
    ["deviceauth_expired", answer(404, named("deviceauth_expired")), "expired"],
    ["another 400", answer(400, named("invalid_request")), "failed"],
    ["401", answer(401, ""), "failed"],
    ["a redirect", answer(302, ""), "failed"],
    ["200 without a code", answer(200, {}), "failed"],
    ["200 without a verifier", answer(200, { authorization_code: "ac-1" }), "failed"],
    ["200 with a page", answer(200, "<html>"), "failed"],
  ])("%s is %s", (_, response, kind) => {
    expect(processDevicePoll(response, NOW).kind).toBe(kind);
  });

  it.each<[string, TokenResponse | undefined, string]>([
    ["nothing", undefined, "silent"],
    ["429", answer(429, ""), "busy"],
    ["500", answer(500, ""), "server"],
    ["Cloudflare's 403", answer(403, "<!DOCTYPE html>", { "content-type": "text/html" }), "blocked"],
  ])("%s says nothing about the sign-in", (_, response, what) => {
    expect(processDevicePoll(response, NOW)).toEqual({ kind: "trouble", what });
  });

  it("200 gives code and verifier, and prints neither", () => {
    const poll = processDevicePoll(
      answer(200, { authorization_code: "ac-secret", code_challenge: "c", code_verifier: "v-secret" }),
      NOW,
    );
    if (poll.kind !== "authorised") throw new Error(poll.kind);
    expect([poll.grant.code.expose(), poll.grant.verifier.expose()]).toEqual(["ac-secret", "v-secret"]);
    expect(JSON.stringify(poll)).not.toContain("secret");
  });
});

describe("the pace", () => {
  const pace = { intervalMs: 5 * SECOND, troubles: 0 };

  it("is the server's interval, and slow_down adds five seconds for good", () => {
    expect(paceAfter(pace, { kind: "pending" })).toEqual({ ...pace, waitMs: 5 * SECOND });
    const slower = paceAfter(pace, { kind: "slow-down" });
    expect(slower).toEqual({ intervalMs: 10 * SECOND, troubles: 0, waitMs: 10 * SECOND });
    expect(paceAfter(slower, { kind: "pending" }).waitMs).toBe(10 * SECOND);
    expect(paceAfter(slower, { kind: "slow-down" }).waitMs).toBe(15 * SECOND);
  });

  it("grows while the server is in trouble, up to a minute, and is the old one afterwards", () => {
    let now: typeof pace = pace;
    const waits: number[] = [];
    for (let count = 0; count < 6; count += 1) {
      const next = paceAfter(now, { kind: "trouble", what: "server" });
      waits.push(next.waitMs / SECOND);
      now = next;
    }
    expect(waits).toEqual([5, 10, 20, 40, 60, 60]);
    expect(paceAfter(now, { kind: "pending" })).toEqual({ ...pace, waitMs: 5 * SECOND });
  });

  it("honours Retry-After, but is never faster than the interval", () => {
    const after = (retryAfterMs: number): number =>
      paceAfter(pace, { kind: "trouble", what: "busy", retryAfterMs }).waitMs;
    expect([after(3 * MINUTE), after(0)]).toEqual([3 * MINUTE, 5 * SECOND]);
    expect(paceAfter(pace, { kind: "slow-down", retryAfterMs: 40 * SECOND }).waitMs).toBe(40 * SECOND);
  });
});
