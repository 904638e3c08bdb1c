// One thing that `doctor` looked at, and how it is written on a terminal.

import { cleanText } from "../../clean-text.ts";

/** One thing that was looked at. */
export interface Finding {
  readonly what: string;
  readonly state: "ok" | "warn" | "fail";
  readonly text: string;
  readonly next?: string;
}

const MARKS = { ok: "✓", warn: "!", fail: "✗" } as const;
/** Longer than any sentence of ours with a few paths in it. */
const MAX_CHARS = 2_000;

/** The finding as one line, and its next step as another: versions, paths and ids in it come from outside. */
export function findingText({ state, what, text, next }: Finding): string {
  const line = `${MARKS[state]} ${what}: ${cleanText(text, MAX_CHARS)}`;
  return next === undefined ? line : `${line}\n    → ${cleanText(next, MAX_CHARS)}`;
}
