import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { canonicalJson, fingerprint, fingerprintJson } from "../../src/secrets/fingerprint.ts";
import { Secret } from "../../src/secrets/secret.ts";

describe("a fingerprint", () => {
  it("is short, equal for equal secrets and different for others", () => {
    expect(fingerprint("one")).toMatch(/^sha256:[0-9a-f]{16}$/);
    expect(fingerprint(Secret.of("one"))).toBe(fingerprint("one"));
    expect(fingerprint("two")).not.toBe(fingerprint("one"));
  });

  it("is not the plain hash of the token, which others may have kept", async () => {
    const { createHash } = await import("node:crypto");
    expect(fingerprint("one")).not.toContain(createHash("sha256").update("one").digest("hex").slice(0, 16));
  });

  it("of JSON does not depend on the order of keys, but on that of lists", () => {
    expect(fingerprintJson({ a: 1, b: { c: 2, d: 3 } })).toBe(fingerprintJson({ b: { d: 3, c: 2 }, a: 1 }));
    expect(fingerprintJson([1, 2])).not.toBe(fingerprintJson([2, 1]));
  });

  it("tells a missing value from null", () => {
    expect(fingerprintJson(undefined)).not.toBe(fingerprintJson(null));
  });

  it("keeps a key named __proto__", () => {
    expect(canonicalJson(JSON.parse('{"__proto__":{"a":1}}'))).toBe('{"__proto__":{"a":1}}');
  });

  it("of JSON survives writing and reading, whatever the value", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(canonicalJson(JSON.parse(JSON.stringify(value, null, 2)))).toBe(canonicalJson(value));
      }),
    );
  });
});
