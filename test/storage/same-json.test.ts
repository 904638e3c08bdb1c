// Equality of JSON values is that of their canonical texts; the proof that a patch touched nothing else rests on it.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { canonicalJson } from "../../src/secrets/fingerprint.ts";
import { isSameJson } from "../../src/storage/same-json.ts";

const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom(null, true, false, 0, 1, "", "a", "__proto__"),
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom("a", "b", "toString", "__proto__"), tie("value"), { noNullPrototype: true }),
  ),
}));

describe("isSameJson", () => {
  it("says of any two values what their canonical texts say", () => {
    fc.assert(
      fc.property(value, value, (one, other) => {
        expect(isSameJson(one, other)).toBe(canonicalJson(one) === canonicalJson(other));
        expect(isSameJson(one, JSON.parse(JSON.stringify(one)))).toBe(true);
      }),
      { numRuns: 5_000 },
    );
  });

  it("sees a key that only one has, an inherited name, and a field without a value as the file would", () => {
    expect(isSameJson({ a: 1, b: 2 }, { b: 2, a: 1 })).toBe(true);
    expect(isSameJson({ a: 1 }, { b: 1 })).toBe(false);
    expect(isSameJson({}, { toString: 1 })).toBe(false);
    expect(isSameJson({ toString: 1 }, { a: 1 })).toBe(false);
    expect(isSameJson({ a: 1, b: undefined }, { a: 1 })).toBe(true);
    expect(isSameJson(undefined, null)).toBe(false);
    expect(isSameJson(undefined, {})).toBe(false);
    expect(isSameJson([], {})).toBe(false);
    expect(isSameJson([1], [1, 2])).toBe(false);
    expect(isSameJson(JSON.parse('{"__proto__": 1}'), {})).toBe(false);
  });
});
