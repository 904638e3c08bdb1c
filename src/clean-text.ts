// Makes one line of text from outside safe to show: no control, direction or invisible characters, and a length limit.

// Everything that is not seen or that changes what is seen: control (Cc), format (Cf: bidi, zero-width, tags, soft hyphen),
// lone surrogates (Cs), private use (Co), unassigned (Cn); and the letters, marks and selectors that draw nothing.
const INVISIBLE =
  /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}]|[\u115F\u1160\u3164\uFFA0]|\u034F|\u17B4|\u17B5|\p{Variation_Selector}/gu;
// Not `\s`: that takes U+FEFF, which is invisible, for a space.
const SPACES = /[\t\n\v\f\r \p{Z}]+/gu;
// A pile of combining marks covers the lines around it; three on one letter are enough for any language.
const PILED_MARKS = /(\p{M}{3})\p{M}+/gu;

/** Nothing of it can be cleaned away, as with nearly all names and addresses; the patterns above take fifty times as long to say so. */
const PLAIN = /^[!-~]+(?: [!-~]+)*$/;

/**
 * `value` on one line, cleaned and at most `maxChars` UTF-16 units long, with `…` as the last one where it was cut.
 * It is not escaped for any host: HTML and markdown are the host's business (decision 13).
 */
export function cleanText(value: string, maxChars: number): string {
  if (value.length <= maxChars && PLAIN.test(value)) return value;
  // Only what can still matter is looked at: a megabyte from outside must not cost a megabyte of work.
  const clean = value
    .slice(0, maxChars * 8 + 64)
    .replaceAll(SPACES, " ")
    .replaceAll(INVISIBLE, "")
    .replaceAll(PILED_MARKS, "$1")
    .replaceAll(SPACES, " ")
    .trim();
  if (clean.length <= maxChars) return clean;
  if (maxChars < 1) return "";
  const cut = clean.slice(0, maxChars - 1);
  // A pair cut in half would show as a box.
  return `${/[\uD800-\uDBFF]$/.test(cut) ? cut.slice(0, -1) : cut}…`;
}

/**
 * `value` on as many lines as it has, each without what is not seen or changes what is seen; indentation stays. For text that
 * was put together of ours and others', where nobody can tell any more which is which.
 */
export function cleanLines(value: string): string {
  return value
    .split("\n")
    .map((line) => line.replaceAll("\t", " ").replaceAll(INVISIBLE, "").replaceAll(PILED_MARKS, "$1"))
    .join("\n");
}
