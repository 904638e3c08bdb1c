// When the sign-in server is asked the next time: at its pace, slower in trouble, and never sooner than it said.

import { describe, expect, it } from "vitest";
import { DEVICE } from "../../src/config/defaults.ts";
import { paceAfter } from "../../src/oauth/device-pace.ts";

const PACE = { intervalMs: 5_000, troubles: 0 };
const trouble = (retryAfterMs?: number) =>
  ({ kind: "trouble", what: "silent", ...(retryAfterMs === undefined ? {} : { retryAfterMs }) }) as const;

describe("the pace of a device sign-in", () => {
  it("stays while nothing has been entered, and trouble that is over is forgotten", () => {
    expect(paceAfter({ intervalMs: 5_000, troubles: 3 }, { kind: "pending" })).toEqual({
      intervalMs: 5_000,
      troubles: 0,
      waitMs: 5_000,
    });
  });

  it("is slower for good where the server says so", () => {
    const slower = paceAfter({ intervalMs: 5_000, troubles: 3 }, { kind: "slow-down" });
    expect(slower).toEqual({ intervalMs: 5_000 + DEVICE.slowDownMs, troubles: 0, waitMs: 5_000 + DEVICE.slowDownMs });
    expect(paceAfter(slower, { kind: "pending" }).waitMs).toBe(5_000 + DEVICE.slowDownMs);
  });

  it("waits as long as the server asks for, and never less than its interval", () => {
    for (const kind of ["pending", "slow-down"] as const) {
      expect(paceAfter(PACE, { kind, retryAfterMs: 90_000 }).waitMs).toBe(90_000);
      expect(paceAfter(PACE, { kind, retryAfterMs: 1 }).waitMs).toBe(paceAfter(PACE, { kind }).waitMs);
    }
    expect(paceAfter(PACE, trouble(90_000))).toEqual({ intervalMs: 5_000, troubles: 1, waitMs: 90_000 });
    expect(paceAfter({ ...PACE, troubles: 3 }, trouble(1)).waitMs).toBe(5_000);
  });

  it("doubles its wait with each trouble in a row, up to a limit, and keeps its interval", () => {
    let pace: { intervalMs: number; troubles: number } = PACE;
    const waits: number[] = [];
    for (let look = 1; look <= 6; look += 1) {
      const next = paceAfter(pace, trouble());
      expect(next).toMatchObject({ intervalMs: 5_000, troubles: look });
      waits.push(next.waitMs);
      pace = next;
    }
    expect(waits).toEqual([5_000, 10_000, 20_000, 40_000, DEVICE.maxBackoffMs, DEVICE.maxBackoffMs]);
    expect(paceAfter({ ...PACE, troubles: 5_000 }, trouble()).waitMs).toBe(DEVICE.maxBackoffMs);
    expect(paceAfter({ intervalMs: 0.001, troubles: 99 }, trouble()).waitMs).toBe(0.001 * 2 ** 16);
  });

  it("keeps an interval that is longer than the limit", () => {
    expect(paceAfter({ intervalMs: 2 * DEVICE.maxBackoffMs, troubles: 1 }, trouble()).waitMs).toBe(
      2 * DEVICE.maxBackoffMs,
    );
  });
});
