// The sandbox broker's weak typing: what the real one's Python makes of a JSON value, and how it writes times (facts/lease-broker.md §1, §3).

/** What Python would have raised: nothing was changed, and the answer is a 500 in plain text (§1). */
export class PythonError extends Error {
  override readonly name = "PythonError";
}

/** `str(value or "").strip()`, as every name and id is read (§1). */
export function textOf(value: unknown): string {
  if (value === true) return "True";
  if (typeof value === "string") return value.trim();
  if (typeof value === "number") return value === 0 ? "" : String(value);
  return typeof value === "object" && value !== null && Object.keys(value).length > 0 ? JSON.stringify(value) : "";
}

/** What a text column takes: an object is refused (§3: `reason` object). */
export function columnText(value: unknown): string | null {
  if (value === undefined || value === null) return null;
  if (typeof value === "object") throw new PythonError("can't adapt type 'dict'");
  return typeof value === "string" ? value : textOf(value);
}

/** `int(value)`. */
export function requiredInt(value: unknown): number {
  if (typeof value === "boolean") return Number(value);
  if (typeof value === "number") return Math.trunc(value);
  // "90.7" is no int to Python, though 90.7 is (§3.1).
  if (typeof value === "string" && /^\s*[+-]?\d+\s*$/.test(value)) return Number(value);
  throw new PythonError("invalid literal for int()");
}

/** `float(value)`. */
export function requiredFloat(value: unknown): number {
  if (typeof value === "boolean") return Number(value);
  const number = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  if (typeof number === "number" && !Number.isNaN(number)) return number;
  throw new PythonError("could not convert string to float");
}

/** "7" → 7, "junk" → null, -5 stays (§3, telemetry coercion). */
export function intOrNull(value: unknown): number | null {
  return orNull(value, requiredInt);
}

/** "12" → 12, rounded to two places as the broker stores it (§3.5). */
export function floatOrNull(value: unknown): number | null {
  const number = orNull(value, requiredFloat);
  return number === null ? null : Math.round(number * 100) / 100;
}

function orNull(value: unknown, convert: (value: unknown) => number): number | null {
  if (value === undefined || value === null || value === "") return null;
  try {
    return convert(value);
  } catch {
    return null;
  }
}

/** `value`, if it is a JSON object. */
export function objectOf(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return isObject(value) ? value : undefined;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const ISO = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)?)?$/;

/** An ISO time, with or without `Z` and fraction; one without a zone is UTC. @throws PythonError for anything else (§3: 500). */
export function parseTime(text: string): number {
  const match = ISO.exec(text);
  const isBare = match !== null && match[1] === undefined;
  const ms = Date.parse(isBare ? `${text.length === 10 ? `${text}T00:00:00` : text}Z` : text);
  if (match === null || Number.isNaN(ms)) throw new PythonError("Invalid isoformat string");
  return ms;
}

/** As Python's `isoformat` writes it: microseconds and `+00:00`, without a fraction where there is none (§1). */
export function isoTime(ms: number): string {
  return new Date(ms).toISOString().replace(/\.(\d{3})Z$/, (_all, part: string) => {
    return part === "000" ? "+00:00" : `.${part}000+00:00`;
  });
}

/** {@link isoTime}, or null for null. */
export function isoOrNull(ms: number | null): string | null {
  return ms === null ? null : isoTime(ms);
}

/** `json.dumps(value, sort_keys=True, separators=(",", ":"))`, which the import key is made of (§3.7). */
export function pythonJson(value: unknown): string {
  return JSON.stringify(sorted(value)).replace(
    /[\u007f-\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  const object = objectOf(value);
  if (object === undefined) return value;
  return Object.fromEntries(
    Object.keys(object)
      .toSorted()
      .map((key) => [key, sorted(object[key])]),
  );
}
