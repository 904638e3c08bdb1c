// Recognising an address at its edges: how far is read, how often decoded, and what is never taken for one.

import { describe, expect, it } from "vitest";
import { LOGIN } from "../../src/config/defaults.ts";
import {
  callbackAddresses,
  extractCallbackUrl,
  looksLikeCallbackUrl,
  statesIn,
} from "../../src/oauth/callback-text.ts";

const ADDRESS = "http://localhost:1455/auth/callback?code=abc&state=def";

function encoded(text: string, times: number): string {
  return times === 0 ? text : encoded(encodeURIComponent(text), times - 1);
}

describe("looksLikeCallbackUrl", () => {
  it.each([
    ["the two parts that matter, wherever each is", "it says ?code=abc and then &state=def"],
    ["both behind a fragment", "#code=abc some words #state=def"],
    ["an address that brings only an error", "http://localhost:1455/auth/callback?error=access_denied"],
  ])("knows %s", (_what, text) => {
    expect(looksLikeCallbackUrl(text)).toBe(true);
  });

  it.each([
    "xcode=abc xstate=def",
    "?code= &state= ",
    "?code=&&state=&",
    "?code=abc and no more",
    "&state=def and no more",
    "http://localhost:1455/auth/callback?session=1",
  ])("finds nothing in %j", (text) => {
    expect(looksLikeCallbackUrl(text)).toBe(false);
  });
});

describe("callbackAddresses", () => {
  it("begins where the address begins, on whichever line, and gives no reading that is none", () => {
    expect(callbackAddresses(`look\n${ADDRESS}`)).toEqual([ADDRESS]);
    expect(callbackAddresses(`look\nat this\n${ADDRESS.slice(0, 18)}\n${ADDRESS.slice(18)}`)).toEqual([ADDRESS]);
  });

  it("decodes what was encoded up to three times, all of it, and no more often", () => {
    for (const times of [0, 1, 2, 3]) expect(extractCallbackUrl(encoded(ADDRESS, times))).toBe(ADDRESS);
    expect(extractCallbackUrl(encoded(ADDRESS, 4))).toBeUndefined();
    const letters = encodeURIComponent(ADDRESS).replace("abc", "%7A%7e%21%41");
    expect(extractCallbackUrl(letters)).toBe(ADDRESS.replace("abc", "z~!A"));
  });

  it("does not read an address from more lines than one may have", () => {
    const long = ADDRESS.replace("abc", "c".repeat(40));
    expect(callbackAddresses(long.split("").join("\n")).at(-1)).toBe(long.slice(0, 64));
  });
});

const behind = (length: number): string => `${"x".repeat(length)} ?state=def`;

describe("statesIn", () => {
  it("finds the state in front of the rest of a markdown link", () => {
    expect(statesIn(`[${ADDRESS}](https://example.com/)`)).toContain("def");
    expect(statesIn(`[${ADDRESS}](https://example.com/\n)`)).toContain("def");
  });

  it("finds each length of a state that was encoded and broken over lines", () => {
    expect(statesIn("%3Fstate%3Dab\ncd\nthanks")).toEqual(["ab", "abcd", "abcdthanks"]);
  });

  it("does not look further than any message of a person goes", () => {
    const limit = 4 * LOGIN.maxCallbackChars;
    expect(statesIn(behind(limit - 11))).toEqual(["def"]);
    expect(statesIn(behind(limit))).toEqual([]);
  });

  it("gives up after so many, for a text that is made of nothing else", () => {
    const many = Array.from({ length: 300 }, (_, index) => `?state=s${index}`).join(" ");
    expect(statesIn(many)).toHaveLength(256);
  });
});
