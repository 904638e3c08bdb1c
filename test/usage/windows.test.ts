import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DAY, HOUR } from "../../src/config/defaults.ts";
import { leftPercent, windowAt, windowLabel } from "../../src/usage/windows.ts";

describe("the name of a window", () => {
  it.each([
    [18_000, "5 h"],
    [17_999, "5 h"],
    [18_060, "5 h"],
    [3_600, "1 h"],
    [5_400, "90 min"],
    [90, "2 min"],
    [30, "30 s"],
    [86_400, "day"],
    [604_800, "week"],
    [43_200 * 60, "month"],
    [31 * 86_400, "month"],
    [28 * 86_400, "month"],
    [3 * 86_400, "3 days"],
    [14 * 86_400, "14 days"],
    [365 * 86_400, "year"],
  ])("of %i seconds is %s", (seconds, name) => {
    expect(windowLabel(seconds)).toBe(name);
  });

  it("says that the length is unknown where it is", () => {
    expect(windowLabel(undefined)).toBe("window of unknown length");
  });

  it("is short and never 0 of anything, whatever the length", () => {
    fc.assert(
      fc.property(fc.double({ min: 1, max: 1e9, noNaN: true }), (seconds) => {
        expect(windowLabel(seconds)).toMatch(/^(?:day|week|month|year|(?!0 )\d+(?:\.\d)? (?:s|min|h|days))$/);
      }),
    );
  });
});

describe("what is left", () => {
  it("is the rest to 100, nothing below 0, and unknown where the use is", () => {
    expect(leftPercent({ usedPercent: 32 })).toBe(68);
    expect(leftPercent({ usedPercent: 104 })).toBe(0);
    expect(leftPercent({ seconds: 18_000 })).toBeUndefined();
  });
});

describe("a window that was seen earlier", () => {
  const now = 100 * DAY;

  it("holds until its reset, and is unknown from then on", () => {
    const window = { seconds: 18_000, usedPercent: 90, resetAtMs: now + 1 * HOUR };
    expect(windowAt(window, now)).toEqual(window);
    expect(windowAt(window, now + 1 * HOUR)).toEqual({ seconds: 18_000, resetAtMs: now + 1 * HOUR });
    expect(windowAt({ usedPercent: 3 }, now)).toEqual({ usedPercent: 3 });
  });
});
