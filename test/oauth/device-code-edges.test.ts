// Answers about a device code that differ in one thing only. Each was asked for by a mutant that nobody noticed (docs/mutation.md).

import { describe, expect, it } from "vitest";
import { SECOND } from "../../src/config/defaults.ts";
import { processDeviceCode, processDevicePoll } from "../../src/oauth/device-code.ts";
import type { TokenResponse } from "../../src/oauth/token-response.ts";

const NOW = Date.UTC(2026, 10, 21, 12);

function answer(status: number, body: unknown, headers: Record<string, string> = {}): TokenResponse {
  return { status, headers: { "content-type": "application/json", ...headers }, body: JSON.stringify(body) };
}

const poll = (...args: Parameters<typeof answer>): unknown => processDevicePoll(answer(...args), NOW);
const refused = (): unknown => processDeviceCode(answer(400, { error: "bad_thing" }));
const ended = (body: unknown): string => {
  const result = processDevicePoll(answer(400, body), NOW);
  return result.kind === "failed" ? result.error.message : result.kind;
};
const WAIT = { "retry-after": "7" };

describe("a look at a device sign-in", () => {
  it.each([
    ["access_denied", "denied"],
    ["expired_token", "expired"],
    ["deviceauth_expired", "expired"],
  ])("ends at %s, whatever wait the server asks for besides", (error, kind) => {
    expect(poll(403, { error }, WAIT)).toEqual({ kind });
  });

  it("carries the wait that the server asks for, and only where it asks", () => {
    expect(poll(403, { error: "slow_down" }, WAIT)).toEqual({ kind: "slow-down", retryAfterMs: 7 * SECOND });
    expect(poll(403, { error: "slow_down" })).toEqual({ kind: "slow-down" });
    expect(poll(404, {}, WAIT)).toEqual({ kind: "pending", retryAfterMs: 7 * SECOND });
    expect(poll(404, {})).toEqual({ kind: "pending" });
    expect(poll(429, {}, WAIT)).toEqual({ kind: "trouble", what: "busy", retryAfterMs: 7 * SECOND });
  });

  it("knows nothing where no answer came, and where the server gave up waiting", () => {
    expect(processDevicePoll(undefined, NOW)).toEqual({ kind: "trouble", what: "silent" });
    expect(poll(408, {})).toEqual({ kind: "trouble", what: "server" });
    expect(poll(500, {})).toEqual({ kind: "trouble", what: "server" });
  });

  it.each([
    [400, { error: { code: "bad_thing" } }, "ERR_DEVICE_REFUSED"],
    [201, { authorization_code: "c", code_verifier: "v" }, "ERR_DEVICE_REFUSED"],
    [200, { authorization_code: "c" }, "ERR_DEVICE_RESPONSE"],
  ])("fails at HTTP %i with %j", (status, body, code) => {
    expect(poll(status, body)).toMatchObject({ kind: "failed", error: { code, retryable: false } });
  });

  it("says with which status and code the server ended it", () => {
    expect(ended({ error: { code: "bad_thing" } })).toContain("(bad_thing, HTTP 400)");
    expect(ended({})).toContain("(HTTP 400)");
  });
});

describe("a request for a device code", () => {
  it("says with which status and code the server refused it", () => {
    expect(refused).toThrow(
      expect.objectContaining({
        code: "ERR_DEVICE_REFUSED",
        message: expect.stringContaining("(bad_thing, HTTP 400)"),
      }),
    );
  });

  it("may be tried again where no answer came", () => {
    expect(() => processDeviceCode(undefined)).toThrow(
      expect.objectContaining({ code: "ERR_DEVICE_UNAVAILABLE", retryable: true }),
    );
  });
});
