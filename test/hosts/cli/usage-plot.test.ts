import { describe, expect, it } from "vitest";
import { DAY, HOUR } from "../../../src/config/defaults.ts";
import { plotUsage } from "../../../src/hosts/cli/usage-plot.ts";

const now = Date.UTC(2026, 10, 21, 12);
const point = (agoMs: number, ...used: readonly (readonly [number, number])[]) => ({
  atMs: now - agoMs,
  windows: used.map(([seconds, usedPercent]) => ({ seconds, usedPercent })),
});

describe("the chart of the last two weeks", () => {
  it("has one chart for each window, the shortest first, with the newest on the right", () => {
    const chart = plotUsage("work", [point(2 * DAY, [604_800, 50]), point(0, [18_000, 100], [604_800, 71])], now);
    const lines = chart.split("\n");
    expect(lines.filter((line) => line.startsWith("work"))).toEqual(["work · 5 h", "work · week"]);
    expect(lines[1]).toBe(`100 % ┤${" ".repeat(55)}█`);
    expect(lines[4]).toBe(`  0 % ┤${" ".repeat(55)}█`);
    expect(lines.at(-4)).toBe(`      ┤${" ".repeat(47)}█       █`);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(63);
  });

  it("draws a known 0 as a thin line and what nobody asked for as nothing", () => {
    const rows = plotUsage("work", [point(1 * HOUR, [18_000, 0])], now).split("\n");
    expect(rows[4]).toBe(`  0 % ┤${" ".repeat(55)}▁`);
    expect(rows.slice(1, 4).join("")).not.toMatch(/[▁-█]/u);
  });

  it("takes the highest of a column, and no figure above the top", () => {
    const rows = plotUsage("w", [point(1 * HOUR, [18_000, 300]), point(2 * HOUR, [18_000, 10])], now).split("\n");
    expect(rows[1]?.at(-1)).toBe("█");
    expect(rows).toHaveLength(7);
  });

  it("says so where nothing was seen", () => {
    expect(plotUsage("work", [], now)).toBe("work: nothing was seen in the last 14 days.");
  });
});
