// How long a server asks to wait: one reading of `Retry-After` for the sign-in server, the provider's usage and the broker.

import { describe, expect, it } from "vitest";
import { retryAfterMs } from "../../src/http/answer.ts";

describe("Retry-After", () => {
  const now = Date.UTC(2026, 10, 21, 2);

  it.each([
    ["0", 0],
    [" 120 ", 120_000],
    ["Sat, 21 Nov 2026 02:01:00 GMT", 60_000],
    ["Sat, 21 Nov 2026 01:00:00 GMT", 0],
    ["", undefined],
    ["-5", undefined],
    ["1.5", undefined],
    ["1e9", undefined],
    ["99999999999999999999", undefined],
    ["soon", undefined],
    ["2026-11-21T02:01:00Z", undefined],
    ["Sat, 99 Nov 2026 99:99:99 GMT", undefined],
  ])("%j says %s", (text, ms) => {
    expect(retryAfterMs({ "retry-after": text }, now)).toBe(ms);
  });

  it("as a date counts from the server's clock where that is told, and no header says nothing", () => {
    const headers = { "retry-after": "Sat, 21 Nov 2026 12:00:10 GMT", date: "Sat, 21 Nov 2026 12:00:00 GMT" };
    expect(retryAfterMs(headers, now)).toBe(10_000);
    expect(retryAfterMs({ ...headers, date: "nonsense" }, now)).toBe(36_010_000);
    expect(retryAfterMs({}, now)).toBeUndefined();
  });
});
