// A window of a limit is called by its length alone: which of the two slots it came in says nothing (facts/codex-oauth.md §1.11).

import { DAY, HOUR, MINUTE } from "../config/units.ts";
import type { UsageWindow } from "./report.ts";

/** Lengths that have a name; months differ, so a length within the slack counts. */
const NAMED = [
  { ms: 1 * DAY, slack: 0.02, name: "day" },
  { ms: 7 * DAY, slack: 0.02, name: "week" },
  { ms: 30 * DAY, slack: 0.07, name: "month" },
  { ms: 365 * DAY, slack: 0.01, name: "year" },
] as const;

/** What a window of `seconds` is called: `5 h`, `week`, `month`, `3 days`, `90 min`. */
export function windowLabel(seconds: number | undefined): string {
  if (seconds === undefined) return "window of unknown length";
  const ms = seconds * 1_000;
  const named = NAMED.find((one) => Math.abs(ms - one.ms) <= one.ms * one.slack);
  if (named !== undefined) return named.name;
  if (ms >= 2 * DAY) return `${tenth(ms / DAY)} days`;
  if (ms >= 1 * HOUR && ms % HOUR < 3 * MINUTE) return `${Math.floor(ms / HOUR)} h`;
  if (ms >= 3 * HOUR) return `${tenth(ms / HOUR)} h`;
  return ms >= 1 * MINUTE ? `${Math.round(ms / MINUTE)} min` : `${Math.round(seconds)} s`;
}

/** What is left of a window in percent, never below 0; undefined where its use is unknown. */
export function leftPercent({ usedPercent }: UsageWindow): number | undefined {
  return usedPercent === undefined ? undefined : Math.max(0, 100 - usedPercent);
}

/** The window as it can be known at `now`: after its reset the earlier figure says nothing any more. */
export function windowAt(window: UsageWindow, now: number): UsageWindow {
  if (window.resetAtMs === undefined || window.resetAtMs > now) return window;
  return { seconds: window.seconds, resetAtMs: window.resetAtMs };
}

function tenth(value: number): string {
  return String(Math.round(value * 10) / 10);
}
