import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DAY, HOUR } from "../../src/config/defaults.ts";
import { usageReportSchema } from "../../src/usage/report.ts";
import { readWhamBody } from "../../src/usage/wham-body.ts";
import { USAGE_SHAPES } from "../../src/sandbox/usage-shapes.ts";

const now = Date.UTC(2026, 10, 21, 12);
const read = (body: unknown) => readWhamBody(body, now)?.report;
const windowsOf = (window: object) => read({ rate_limit: { primary_window: window } })?.limits[0]?.windows;

describe("the body of a usage answer", () => {
  it("with 5 hours and a week gives both windows, credits and plan", () => {
    expect(read(USAGE_SHAPES.plus(now))).toEqual({
      planType: "plus",
      limits: [
        {
          allowed: true,
          reached: false,
          windows: [
            { seconds: 18_000, usedPercent: 32, resetAtMs: now + 3 * HOUR },
            { seconds: 604_800, usedPercent: 71, resetAtMs: now + 2 * DAY },
          ],
        },
      ],
      credits: { has: true, unlimited: false, balance: "12.5" },
      resetCredits: 2,
    });
  });

  it("may have the week in the first slot and nothing in the second", () => {
    expect(read(USAGE_SHAPES.weekFirst(now))).toMatchObject({
      limits: [{ windows: [{ seconds: 604_800, usedPercent: 11 }] }],
      credits: { unlimited: true },
    });
    expect(read(USAGE_SHAPES.weekFirst(now))?.limits[0]?.windows).toHaveLength(1);
  });

  it("may be above 100, write numbers as strings, and give a reset only as a span", () => {
    expect(read(USAGE_SHAPES.over(now))).toMatchObject({
      limits: [
        {
          allowed: false,
          reached: true,
          windows: [
            { usedPercent: 104, resetAtMs: now + 1 * HOUR },
            { usedPercent: 88, resetAtMs: now + 1 * DAY },
          ],
        },
      ],
      credits: { has: false, balance: "0" },
      reachedType: "workspace_member_usage_limit_reached",
    });
  });

  it("may hold further limits, a person's own in a workspace, and things nobody has seen before", () => {
    const report = read(USAGE_SHAPES.rich(now));
    expect(report?.limits.map(({ name, windows }) => [name, windows.map(({ seconds }) => seconds)])).toEqual([
      [undefined, [18_000, 259_200]],
      ["Example-Spark", [86_400]],
      ["Without windows", []],
      ["code review", [604_800]],
    ]);
    expect(report?.spend).toEqual({
      limit: "100.00",
      used: "40.00",
      remaining: "60.00",
      usedPercent: 40,
      resetAtMs: now + 9 * DAY,
    });
  });

  it("with nothing but nulls is unknown throughout, and nowhere 0", () => {
    const report = read(USAGE_SHAPES.nulls());
    expect(report).toEqual({ planType: "plus", limits: [{ windows: [{}] }], credits: {} });
  });

  it("that is not about usage is none at all", () => {
    for (const body of [null, [], 7, "text", {}, { detail: "no" }, { rate_limit: null, plan_type: null }])
      expect(readWhamBody(body, now)).toBeUndefined();
  });

  it("is data: names are cleaned and capped", () => {
    const report = read({
      plan_type: "PLUS\u0007\u202E",
      additional_rate_limits: [{ limit_name: `a\n${"b".repeat(500)}`, rate_limit: {} }],
      credits: { balance: "1\u200B2" },
    });
    expect(report?.planType).toBe("plus");
    expect(report?.limits[0]?.name).toMatch(/^a b{45,46}…$/);
    expect(report?.credits?.balance).toBe("12");
  });

  it("keeps its figures where our clock goes ahead: a reset from the past counts from the span, or is unknown", () => {
    const window = { limit_window_seconds: 18_000, used_percent: 40, reset_at: (now - HOUR) / 1_000 };
    expect(windowsOf({ ...window, reset_after_seconds: 7_200 })).toEqual([
      { seconds: 18_000, usedPercent: 40, resetAtMs: now + 2 * HOUR },
    ]);
    expect(windowsOf(window)).toEqual([{ seconds: 18_000, usedPercent: 40 }]);
    expect(windowsOf({ ...window, reset_at: now / 1_000 })).toEqual([{ seconds: 18_000, usedPercent: 40 }]);
  });

  it.each([["Infinity"], ["NaN"], ["twelve"], ["a@example.com"], ["0x10"], [Infinity], [""]])(
    "has no amount that is no finite number: %s",
    (balance) => {
      const individual = { limit: balance, used: balance, remaining: "60.00" };
      expect(
        read({ plan_type: "plus", credits: { balance }, spend_control: { individual_limit: individual } }),
      ).toEqual({ planType: "plus", limits: [], credits: {}, spend: { remaining: "60.00" } });
    },
  );

  it("takes no reset from a year that cannot be, and none from the past for a span", () => {
    const window = { limit_window_seconds: 18_000, used_percent: 1, reset_at: 9e11, reset_after_seconds: -5 };
    expect(read({ rate_limit: { primary_window: window } })?.limits[0]?.windows).toEqual([
      { seconds: 18_000, usedPercent: 1 },
    ]);
  });
});

describe("whatever the provider answers", () => {
  const keys = ["plan_type", "rate_limit", "credits", "additional_rate_limits", "spend_control", "x_rate_limit"];

  it("is read without an error, into something that can be kept and read again", () => {
    const body = fc.dictionary(fc.oneof(fc.constantFrom(...keys), fc.string()), fc.jsonValue({ maxDepth: 5 }));
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), body), (json) => {
        const report = read(JSON.parse(JSON.stringify(json)));
        if (report === undefined) return;
        expect(usageReportSchema.parse(JSON.parse(JSON.stringify(report)))).toEqual(JSON.parse(JSON.stringify(report)));
        expect(JSON.stringify(report)).not.toMatch(/[\p{Cc}\p{Cf}]/u);
        expect(report.limits.length).toBeLessThanOrEqual(12);
      }),
      { numRuns: 500 },
    );
  });

  it("never becomes a number that was not said: what is no percentage is unknown", () => {
    const nothing = fc.oneof(
      fc.constant(null),
      fc.constant(undefined),
      fc.constant(""),
      fc.boolean(),
      fc.string().filter((text) => !/^\s*-?\d/.test(text)),
      fc.array(fc.integer()),
      fc.double({ max: -Number.MIN_VALUE, noNaN: true }),
    );
    fc.assert(
      fc.property(nothing, nothing, (used, seconds) => {
        const window = { used_percent: used, limit_window_seconds: seconds, reset_at: used, reset_after_seconds: used };
        expect(read({ rate_limit: { primary_window: window } })?.limits).toEqual([{ windows: [{}] }]);
      }),
    );
  });

  it("keeps every percentage that was said, whatever stands beside it", () => {
    const strange = fc.dictionary(fc.string(), fc.jsonValue()).filter((one) => !Object.hasOwn(one, "__proto__"));
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 500 }),
        fc.integer({ min: 60, max: 31_536_000 }),
        strange,
        (used, seconds, more) => {
          const window = { ...more, used_percent: used, limit_window_seconds: seconds };
          const report = read({ ...more, rate_limit: { primary_window: window } });
          const main = report?.limits.find(({ name }) => name === undefined);
          expect(main?.windows).toMatchObject([{ usedPercent: used, seconds }]);
        },
      ),
    );
  });
});
