import { describe, expect, it } from "vitest";
import { clock, zoneNote } from "../../src/chat/clock-words.ts";
import { lineText } from "../../src/chat/reply.ts";
import { DAY, HOUR } from "../../src/config/defaults.ts";

const noon = Date.UTC(2026, 10, 21, 12);

describe("a moment by the clock", () => {
  it("is in UTC where no time zone is set, and that is said", () => {
    expect(clock(noon + 3 * HOUR, noon)).toBe("15:00 UTC");
    expect(clock(noon + 2 * DAY, noon)).toBe("Mon 23 Nov 12:00 UTC");
    expect(zoneNote(undefined).map(lineText)).toEqual(["Times are in UTC; the setting timeZone shows them in yours."]);
  });

  it("is in the reader's time zone where that is set, with its name", () => {
    expect(clock(noon + 3 * HOUR, noon, "Europe/Berlin")).toBe("16:00 CET");
    expect(clock(Date.UTC(2026, 6, 1, 12), noon, "Europe/Berlin")).toBe("Wed 1 Jul 14:00 CEST");
    expect(zoneNote("Europe/Berlin")).toEqual([]);
  });

  it("names the day where it is another one for the reader, also less than a day away", () => {
    expect(clock(noon + 3 * HOUR, noon, "Asia/Tokyo")).toMatch(/^Sun 22 Nov 00:00 /);
    expect(clock(noon + 11 * HOUR, noon)).toBe("23:00 UTC");
    expect(clock(Date.UTC(2027, 10, 21, 12), noon)).toBe("Sun 21 Nov 12:00 UTC");
  });
});
