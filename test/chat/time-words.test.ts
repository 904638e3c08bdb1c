import { describe, expect, it } from "vitest";
import { span, took, when } from "../../src/chat/time-words.ts";
import { DAY, HOUR, MINUTE, SECOND } from "../../src/config/defaults.ts";

describe("spans of time", () => {
  it.each([
    [0, "1 s"],
    [40 * SECOND, "40 s"],
    [90 * SECOND, "1 min"],
    [119 * MINUTE, "119 min"],
    [2 * HOUR, "2 hours"],
    [47 * HOUR, "47 hours"],
    [3 * DAY + 23 * HOUR, "3 days"],
  ])("%i ms is %s: rounded down, so that nothing is promised too long", (ms, words) => {
    expect(span(ms)).toBe(words);
  });

  it("knows before, after and now", () => {
    expect(when(10 * MINUTE, 0)).toBe("in 10 min");
    expect(when(0, 3 * HOUR)).toBe("3 hours ago");
    expect(when(5, 0)).toBe("now");
    expect(took(3_400)).toBe("3.4 s");
    expect(took(2 * MINUTE)).toBe("2 min");
  });
});
