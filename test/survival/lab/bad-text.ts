// Texts that nobody means well with: commands, addresses and words, broken in every way that chats and people break them.

import * as fc from "fast-check";
import { CANARY } from "./guard.ts";

/** Telegram's own limit. */
const MAX_MESSAGE_CHARS = 4_096;
const SEPARATORS = [" ", "  ", "\t", "\n", "\r\n", "\u2028", "\u00a0", "\u200b", ""] as const;
const ODD = [
  "\u0000",
  "\u202e",
  "\u2066",
  "\u200d",
  "\ud800",
  "\ufeff",
  "`",
  "<b>",
  "&amp;",
  "](",
  "%00",
  "%",
] as const;
const COMMANDS =
  `new finish status cancel parked take discard device paste show use only reset rename remove rollback help
  renew rotate release reacquire auto takefile yes as first replace on off --agent --agent=main --profile default 1 999999
  work alice openai-codex:bob anthropic:x __proto__ constructor ../../etc main`.split(/\s+/);
const ORIGINS =
  `http://localhost:1455 https://localhost http://127.0.0.1:1455 http://[::1]:1457 localhost:1455 / http://localhost:99999
  http://evil.localhost:1455 http://localhost:1455@evil.example http://example.com HTTP://LOCALHOST:1455`.split(/\s+/);

/** Any text: words, graphemes, binary, and the same thing very often. */
export function anyText(maxLength = 120): fc.Arbitrary<string> {
  const repeated = fc
    .tuple(fc.oneof(fc.string({ maxLength: 6 }), fc.constantFrom(...ODD, ...SEPARATORS)), fc.nat(3_000))
    .map(([unit, count]) => unit.repeat(count));
  return fc.oneof(
    { weight: 6, arbitrary: fc.string({ unit: "grapheme", maxLength }) },
    { weight: 4, arbitrary: fc.string({ unit: "binary", maxLength }) },
    { weight: 1, arbitrary: repeated },
  );
}

const word = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...COMMANDS) },
  { weight: 2, arbitrary: fc.constantFrom(CANARY, `openai-codex:${CANARY}`, `${CANARY}@example.com`, `<${CANARY}>`) },
  { weight: 2, arbitrary: anyText(24) },
  { weight: 1, arbitrary: fc.constantFrom(...ODD) },
);

/** What stands behind a command. */
export const commandArguments: fc.Arbitrary<string> = fc.oneof(
  { weight: 5, arbitrary: joined(word) },
  { weight: 1, arbitrary: anyText() },
);

/** What may stand behind an address, very often: where a search goes back and forth, it shows. */
const trail = fc
  .tuple(fc.constantFrom(")", "](", "%25", "&amp;", "x\n", "?code="), fc.nat(900))
  .map(([unit, count]) => {
    return `${unit.repeat(count)}a`;
  });

/** Callback addresses, whole and in pieces, with the canary where code and state are. */
export const callbackText: fc.Arbitrary<string> = fc
  .record({
    before: fc.oneof(fc.constantFrom("", "my browser says ", "[link](", "> ", '"', "finish work "), anyText(12)),
    origin: fc.constantFrom(...ORIGINS),
    path: fc.constantFrom("/auth/callback", "/auth/callback/", "/AUTH/CALLBACK", "/success", "//auth//callback", ""),
    mark: fc.constantFrom("?", "#", "&", "??", ""),
    pairs: fc.array(
      fc.tuple(
        fc.constantFrom("code", "state", "error", "error_description", "scope", "id_token", "Code", "__proto__"),
        fc.oneof(fc.constant(CANARY), fc.constant(`ac_${CANARY.repeat(3)}`), fc.constant(""), anyText(16), trail),
      ),
      { maxLength: 5 },
    ),
    glue: fc.constantFrom("&", "&amp;", ";", "&&", "\n&", "&\u200b"),
    encodings: fc.nat(3),
    breakEvery: fc.constantFrom(0, 0, 0, 7, 30, 64),
    lineEnd: fc.constantFrom("\n", "\r\n", "\n> ", "\n   ", "\u2028", "\u00ad"),
    after: fc.oneof(fc.constantFrom("", ".", ")", "**", " thanks"), anyText(12)),
  })
  .map(({ before, origin, path, mark, pairs, glue, encodings, breakEvery, lineEnd, after }) => {
    let address = `${origin}${path}${mark}${pairs.map(([name, value]) => `${name}=${value}`).join(glue)}`;
    for (let turn = 0; turn < encodings; turn += 1) address = encoded(address);
    if (breakEvery > 0) address = (address.match(new RegExp(`.{1,${breakEvery}}`, "gsu")) ?? []).join(lineEnd);
    return `${before}${address}${after}`.slice(0, MAX_MESSAGE_CHARS);
  });

/** Anything that a person could write. */
export const personText: fc.Arbitrary<string> = fc.oneof(
  { weight: 3, arbitrary: callbackText },
  { weight: 2, arbitrary: commandArguments },
  { weight: 1, arbitrary: anyText(400) },
);

function joined(words: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc
    .array(fc.tuple(words, fc.constantFrom(...SEPARATORS)), { maxLength: 8 })
    .map((parts) => parts.map(([text, separator]) => text + separator).join(""));
}

/** `encodeURIComponent` refuses half a pair. */
function encoded(text: string): string {
  return encodeURIComponent(text.replaceAll(/[\ud800-\udfff]/gu, ""));
}
