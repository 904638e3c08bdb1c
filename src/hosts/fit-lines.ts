// Cuts a reply to the length that a message may have: whole lines, and words that say how much is missing.

import { lineText, type Line } from "../chat/reply.ts";

/** Whole lines while they fit into `maxChars`, then how many are missing; one overlong line is cut. */
export function fitLines(lines: readonly Line[], maxChars: number): readonly Line[] {
  if (lengthOf(lines) <= maxChars) return lines;
  const kept: Line[] = [];
  for (const line of lines) {
    if (lengthOf([...kept, line, missing(lines.length)]) > maxChars) break;
    kept.push(line);
  }
  if (kept.length > 0) return [...kept, missing(lines.length - kept.length)];
  const [first = []] = lines;
  return [[cut(lineText(first), maxChars - 100)], missing(lines.length)];
}

function lengthOf(lines: readonly Line[]): number {
  return lines.map(lineText).join("\n").length;
}

function missing(count: number): Line {
  return [
    { text: `… ${count} more ${count === 1 ? "line does" : "lines do"} not fit into one message.`, style: "italic" },
  ];
}

/** Never between the two halves of a character. */
function cut(text: string, length: number): string {
  return text.slice(0, length).replace(/[\uD800-\uDBFF]$/u, "");
}
