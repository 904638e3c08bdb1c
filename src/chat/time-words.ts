// Spans of time as a person says them; always relative, because a chat does not tell its reader's time zone.

import { DAY, HOUR, MINUTE, SECOND } from "../config/defaults.ts";

/** `ms` as one rounded unit: "3 days", "5 hours", "12 min", "40 s". */
export function span(ms: number): string {
  const size = Math.abs(ms);
  if (size >= 2 * DAY) return `${Math.floor(size / DAY)} days`;
  if (size >= 2 * HOUR) return `${Math.floor(size / HOUR)} hours`;
  if (size >= 1 * MINUTE) return `${Math.floor(size / MINUTE)} min`;
  return `${Math.max(1, Math.floor(size / SECOND))} s`;
}

/** When `at` is, seen from `now`: "in 3 days", "2 hours ago", "now". */
export function when(at: number, now: number): string {
  if (Math.abs(at - now) < 1 * SECOND) return "now";
  return at > now ? `in ${span(at - now)}` : `${span(now - at)} ago`;
}

/** A short duration with a tenth: "3.4 s", or "2 min" from a minute on. */
export function took(ms: number): string {
  return ms < 1 * MINUTE ? `${(ms / SECOND).toFixed(1)} s` : span(ms);
}
