import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BROKER } from "../../src/config/defaults.ts";
import { isRepeatable, nextTryInMs, type BrokerCall, type FailedTry } from "../../src/lease/broker-retry.ts";

const BUSY: FailedTry = { retryable: true, wasSent: true, retryAfterMs: undefined };
const UNSENT: FailedTry = { ...BUSY, wasSent: false };

function asked(ms: number): number | undefined {
  return nextTryInMs("get", 1, { ...BUSY, retryAfterMs: ms }, 0);
}

describe("a failed call", () => {
  it.each([
    ["acquire", true],
    ["get", true],
    ["renew", true],
    ["materialize", true],
    ["import", true],
    ["rotate", false],
    ["release", false],
    ["telemetry", false],
    ["reconcile", false],
  ] as const)("%s is repeated after it may have arrived: %s", (call, repeated) => {
    expect(isRepeatable(call)).toBe(repeated);
    expect(nextTryInMs(call, 1, BUSY, 0.5) !== undefined).toBe(repeated);
    expect(nextTryInMs(call, 1, UNSENT, 0.5)).toBe(250);
    expect(nextTryInMs(call, 1, { ...UNSENT, retryable: false }, 0.5)).toBeUndefined();
  });

  it("is tried three times in all", () => {
    expect([1, 2, 3, 4].map((tried) => nextTryInMs("get", tried, BUSY, 0))).toEqual([0, 0, undefined, undefined]);
  });

  it("waits at random between nothing and twice as long each time", () => {
    expect([1, 2].map((tried) => nextTryInMs("get", tried, BUSY, 0.999_999))).toEqual([499, 999]);
  });

  it("waits at least as long as it was asked to, up to a limit", () => {
    expect([asked(0), asked(7_000), asked(BROKER.maxRetryAfterMs)]).toEqual([0, 7_000, 60_000]);
    expect(asked(BROKER.maxRetryAfterMs + 1)).toBeUndefined();
  });

  it("never waits for longer than both limits together, whatever happens", () => {
    const calls = fc.constantFrom<BrokerCall>("get", "rotate", "telemetry");
    const failed = fc.record({
      retryable: fc.boolean(),
      wasSent: fc.boolean(),
      retryAfterMs: fc.option(fc.nat(), { nil: undefined }),
    });
    fc.assert(
      fc.property(
        calls,
        fc.integer({ min: 1, max: 50 }),
        failed,
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (...args) => {
          const ms = nextTryInMs(...args);
          if (ms === undefined) return;
          expect(Number.isInteger(ms)).toBe(true);
          expect(ms).toBeGreaterThanOrEqual(args[2].retryAfterMs ?? 0);
          expect(ms).toBeLessThanOrEqual(BROKER.maxRetryAfterMs + BROKER.retryMaxMs);
        },
      ),
    );
  });
});
