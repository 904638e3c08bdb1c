// Makes text from outside harmless to look at: no control, direction or invisible characters, and a length.

// Control characters, soft hyphen, zero-width and direction marks, separators, tags and surrogate halves that stand alone.
// Written as code points: this file itself must hold none of them.
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}\p{Cn}]/gu;

/** `value` without characters that hide or reorder text, on one line, at most `maxChars` characters long (an ellipsis counts). */
export function cleanText(value: string, maxChars: number): string {
  // What is far too long is cut before the work, not after it.
  const visible = value
    .slice(0, maxChars * 4)
    .replaceAll(/\s+/g, " ")
    .replaceAll(INVISIBLE, "")
    .trim();
  const points = Array.from(visible);
  return points.length <= maxChars ? visible : `${points.slice(0, Math.max(0, maxChars - 1)).join("")}…`;
}
