// Draws the course of an account's usage in a terminal, one chart for each window. Pure.

import { USAGE_CHECK } from "../../config/defaults.ts";
import { DAY, HOUR } from "../../config/units.ts";
import type { UsagePoint } from "../../usage/usage-records.ts";
import { windowLabel } from "../../usage/windows.ts";

/** One column of the chart. */
const COLUMN_MS = 6 * HOUR;
const ROWS = 4;
const EIGHTHS = ["", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"] as const;

/** The charts for `points`; what nobody asked for is blank, never 0. */
export function plotUsage(title: string, points: readonly UsagePoint[], now: number): string {
  const lengths = [...new Set(points.flatMap(({ windows }) => windows.map(({ seconds }) => seconds)))];
  if (lengths.length === 0) return `${title}: nothing was seen in the last ${USAGE_CHECK.historyMs / DAY} days.`;
  return lengths
    .toSorted((a, b) => a - b)
    .map((seconds) => chart(`${title} · ${windowLabel(seconds)}`, columnsOf(points, seconds, now)))
    .join("\n\n");
}

/** The highest figure of each column, oldest first; undefined where there is none. */
function columnsOf(points: readonly UsagePoint[], seconds: number, now: number): readonly (number | undefined)[] {
  const columns: (number | undefined)[] = Array.from({ length: USAGE_CHECK.historyMs / COLUMN_MS }, () => undefined);
  for (const { atMs, windows } of points) {
    const back = Math.floor((now - atMs) / COLUMN_MS);
    const index = columns.length - 1 - Math.max(0, back);
    const used = windows.find((window) => window.seconds === seconds)?.usedPercent;
    if (index >= 0 && used !== undefined) columns[index] = Math.max(columns[index] ?? 0, used);
  }
  return columns;
}

function chart(title: string, columns: readonly (number | undefined)[]): string {
  const rows = Array.from({ length: ROWS }, (_, index) => {
    const floor = ROWS - 1 - index;
    const label = index === 0 ? "100 %" : index === ROWS - 1 ? "  0 %" : "     ";
    return `${label} ┤${columns.map((used) => cell(used, floor)).join("")}`.trimEnd();
  });
  const days = `${USAGE_CHECK.historyMs / DAY} days ago`;
  const axis = `      └${"─".repeat(columns.length)}`;
  return [title, ...rows, axis, `       ${days}${"now".padStart(columns.length - days.length)}`].join("\n");
}

/** The part of a column that is in the row above `floor`; a known 0 is drawn as the thinnest line. */
function cell(used: number | undefined, floor: number): string {
  if (used === undefined) return " ";
  const height = Math.max(1, Math.round((Math.min(used, 100) / 100) * ROWS * 8));
  return EIGHTHS[Math.min(8, Math.max(0, height - floor * 8))] || " ";
}
