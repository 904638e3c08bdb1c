// Documents with something wrong in them: a good one, changed in a few places, and then perhaps cut or scratched.

import * as fc from "fast-check";
import { anyText } from "./bad-text.ts";
import { CANARY } from "./guard.ts";

/** Any JSON value, with the canary among its texts and the keys that break careless programs. */
export const anyJson: fc.Arbitrary<unknown> = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constantFrom<unknown>(null, true, false, 0, -1, 1.5, 1e308, -0, 2 ** 53, "", CANARY, [], {}, "openai-codex:x"),
    anyText(16),
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(
      fc.oneof(fc.constantFrom("__proto__", "constructor", "toString", "type", "id"), anyText(8)),
      tie("value"),
      {
        maxKeys: 3,
      },
    ),
  ),
})).value;

const change = fc.record({
  /** Which node, counted over all. */
  at: fc.nat(500),
  how: fc.constantFrom("replace", "replace", "canary", "remove", "wrap", "rename", "add", "huge"),
  value: anyJson,
});

const damage = fc.oneof(
  { weight: 12, arbitrary: fc.constant({ kind: "none" } as const) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("cut" as const), at: fc.double({ min: 0, max: 1, noNaN: true }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("scratch" as const),
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      text: fc.oneof(anyText(4), fc.constantFrom("\ufeff", "}", "{", ",", "NaN", CANARY)),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("other" as const),
      text: fc.oneof(anyText(), fc.constant(`"${CANARY}"`)),
    }),
  },
);

/** The texts of `documents` after up to four changes. */
export function damaged(...documents: readonly unknown[]): fc.Arbitrary<string> {
  return (
    fc
      .tuple(fc.constantFrom(...documents), fc.array(change, { maxLength: 4 }), damage)
      .map(([document, changes, hurt]) => {
        const text = JSON.stringify(changes.reduce(changed, structuredClone(document)));
        if (hurt.kind === "cut") return text.slice(0, Math.floor(text.length * hurt.at));
        if (hurt.kind === "other") return hurt.text;
        if (hurt.kind === "none") return text;
        const at = Math.floor(text.length * hurt.at);
        return text.slice(0, at) + hurt.text + text.slice(at + 1);
      })
      // As a file has it: half a pair of characters cannot be written.
      .map((text) => Buffer.from(text).toString())
  );
}

interface Place {
  readonly parent: Record<string, unknown>;
  readonly key: string;
}

function placesIn(value: unknown): readonly Place[] {
  if (typeof value !== "object" || value === null) return [];
  const parent = value as Record<string, unknown>;
  return Object.keys(parent).flatMap((key) => [{ parent, key }, ...placesIn(parent[key])]);
}

function changed(document: unknown, { at, how, value }: { at: number; how: string; value: unknown }): unknown {
  const places = placesIn(document);
  const place = places[at % Math.max(1, places.length)];
  if (place === undefined) return value;
  const { parent, key } = place;
  switch (how) {
    case "remove":
      delete parent[key];
      break;
    case "canary":
      parent[key] = CANARY;
      break;
    case "wrap":
      parent[key] = [parent[key]];
      break;
    case "rename":
      set(parent, `${key}${CANARY.slice(0, 4)}`, parent[key]);
      delete parent[key];
      break;
    case "add":
      set(parent, "__proto__", value);
      break;
    case "huge":
      parent[key] = CANARY.repeat(2_000);
      break;
    default:
      parent[key] = value;
  }
  return document;
}

/** An own property, also where its name is `__proto__`. */
function set(parent: Record<string, unknown>, key: string, value: unknown): void {
  if (Array.isArray(parent)) parent.push(value);
  else Object.defineProperty(parent, key, { value, enumerable: true, configurable: true, writable: true });
}
