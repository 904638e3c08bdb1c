import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  callbackAddresses,
  extractCallbackUrl,
  looksLikeCallbackUrl,
  statesIn,
} from "../../src/oauth/callback-text.ts";

const ADDRESS = "http://localhost:1455/auth/callback?code=abc&state=def";

describe("extractCallbackUrl", () => {
  it.each([
    ["alone", ADDRESS, ADDRESS],
    ["in white space", `\n ${ADDRESS}\t`, ADDRESS],
    ["in brackets", `<${ADDRESS}>`, ADDRESS],
    ["in quotes", `"${ADDRESS}"`, ADDRESS],
    ["in a code span", `\`${ADDRESS}\``, ADDRESS],
    ["in a sentence", `It says (${ADDRESS}).`, ADDRESS],
    ["before an exclamation mark", `${ADDRESS}!`, ADDRESS],
    ["in typographic quotes", `“${ADDRESS}”`, ADDRESS],
    ["behind a markdown link's words", `[here](${ADDRESS})`, ADDRESS],
    ["as both halves of a markdown link", `[${ADDRESS}](${ADDRESS})`, ADDRESS],
    ["in bold", `**${ADDRESS}**`, ADDRESS],
    ["percent-encoded", encodeURIComponent(ADDRESS), ADDRESS],
    ["percent-encoded twice", encodeURIComponent(encodeURIComponent(ADDRESS)), ADDRESS],
    ["percent-encoded in a sentence", `it is ${encodeURIComponent(ADDRESS)}, look`, ADDRESS],
    ["with HTML's ampersand", ADDRESS.replace("&", "&amp;"), ADDRESS],
    ["with a zero-width space inside", ADDRESS.replace("callback", "call\u200Bback"), ADDRESS],
    ["behind a command", `/codex_auth finish work ${ADDRESS}`, ADDRESS],
    ["with another port", ADDRESS.replace("1455", "1457"), ADDRESS.replace("1455", "1457")],
    ["of 127.0.0.1", ADDRESS.replace("localhost", "127.0.0.1"), ADDRESS.replace("localhost", "127.0.0.1")],
    ["of [::1]", ADDRESS.replace("localhost", "[::1]"), ADDRESS.replace("localhost", "[::1]")],
    ["without a scheme", ADDRESS.slice(7), ADDRESS.slice(7)],
    ["in capitals", ADDRESS.replace("localhost", "LOCALHOST"), ADDRESS.replace("localhost", "LOCALHOST")],
    [
      "with an error",
      "http://localhost:1455/auth/callback?error=x&state=y",
      "http://localhost:1455/auth/callback?error=x&state=y",
    ],
  ])("finds it %s", (_where, text, expected) => {
    expect(extractCallbackUrl(text)).toBe(expected);
  });

  it.each([
    "",
    "hello",
    "http://localhost:1455/",
    "http://localhost:1455/auth/callback",
    "http://localhost:3000/auth/callback?session=1",
    "https://auth.openai.com/oauth/authorize?state=x",
    "https://example.com/auth/callback?code=a&state=b",
    "http://evil.localhost:1455/auth/callback?code=a&state=b",
    "http://localhost.evil.example/auth/callback?code=a&state=b",
    `https://evil.example/?u=${ADDRESS}`,
    `https://evil.example/?u=${encodeURIComponent(ADDRESS)}`,
  ])("finds none in %j", (text) => {
    expect(extractCallbackUrl(text)).toBeUndefined();
  });
});

describe("callbackAddresses", () => {
  it.each([
    ["a terminal", (at: number) => `${ADDRESS.slice(0, at)}\n${ADDRESS.slice(at)}`],
    ["Windows", (at: number) => `${ADDRESS.slice(0, at)}\r\n${ADDRESS.slice(at)}`],
    ["a mail client that quotes", (at: number) => `> ${ADDRESS.slice(0, at)}\n> ${ADDRESS.slice(at)}`],
    ["a list that indents", (at: number) => `- ${ADDRESS.slice(0, at)} \n    ${ADDRESS.slice(at)}`],
  ])("reads an address that %s broke over lines, wherever the break is", (_who, broken) => {
    for (let at = 1; at < ADDRESS.length; at += 1) expect(callbackAddresses(broken(at)), broken(at)).toContain(ADDRESS);
  });

  it("reads an encoded address that was broken too, and one in many lines", () => {
    const encoded = encodeURIComponent(ADDRESS);
    for (let at = 1; at < encoded.length; at += 1)
      expect(callbackAddresses(`${encoded.slice(0, at)}\n${encoded.slice(at)}`)).toContain(ADDRESS);
    expect(callbackAddresses(ADDRESS.split("").join("\n"))).toContain(ADDRESS);
  });

  it("gives the shortest reading first, and does not read on behind a space or an empty line", () => {
    expect(callbackAddresses(`${ADDRESS}\nthanks\na lot`)).toEqual([ADDRESS, `${ADDRESS}thanks`, `${ADDRESS}thanksa`]);
    expect(callbackAddresses(`${ADDRESS}\n\nthanks`)).toEqual([ADDRESS]);
    expect(callbackAddresses(`${ADDRESS} thanks`)).toEqual([ADDRESS]);
  });
});

describe("looksLikeCallbackUrl", () => {
  it("is true for an address and for the part of one that must not stay visible", () => {
    expect(looksLikeCallbackUrl(`see ${ADDRESS}`)).toBe(true);
    expect(looksLikeCallbackUrl("?code=abc&state=def")).toBe(true);
    expect(looksLikeCallbackUrl("https://example.com/cb?state=def&code=abc")).toBe(true);
  });

  it("is true for one that is encoded, broken over lines, inside another address, or has no address around it", () => {
    const tail = "code=abc&state=def";
    const texts = [
      encodeURIComponent(ADDRESS),
      `https://mail.example/away?to=${encodeURIComponent(ADDRESS)}&x=1`,
      `${ADDRESS.slice(0, 45)}\n${ADDRESS.slice(45)}`,
      `${ADDRESS.slice(0, 12)}\n${ADDRESS.slice(12)}`,
      tail,
      encodeURIComponent(`?${tail}`),
      `${tail.slice(0, 10)}\n${tail.slice(10)}`,
    ];
    for (const text of texts) expect(looksLikeCallbackUrl(text), text).toBe(true);
  });

  it("is false for ordinary messages", () => {
    for (const text of [
      "",
      "/codex_auth work",
      "my code=5",
      "?state=ny",
      "https://example.com/?code=1",
      "code=5 and state=ny",
    ]) {
      expect(looksLikeCallbackUrl(text), text).toBe(false);
    }
  });

  it("finds every generated address inside any text", () => {
    const word = fc.stringMatching(/^[A-Za-z0-9_-]{4,40}$/);
    fc.assert(
      fc.property(word, word, fc.lorem(), fc.lorem(), (code, state, before, after) => {
        const address = `http://localhost:1455/auth/callback?code=${code}&state=${state}`;
        expect(extractCallbackUrl(`${before} ${address} ${after}`)).toBe(address);
        expect(statesIn(`${before} ${address} ${after}`)).toEqual([state]);
      }),
    );
  });
});

describe("statesIn", () => {
  it("gives every state, decoded, and survives a broken encoding", () => {
    expect(statesIn("?state=a%2Db x &state=c#state=%zz")).toEqual(["a-b", "c", "%zz"]);
    expect(statesIn("no state here")).toEqual([]);
  });

  it("gives the state of an encoded or broken address among its readings", () => {
    expect(statesIn(encodeURIComponent(ADDRESS))).toContain("def");
    expect(statesIn(`${ADDRESS.slice(0, -2)}\n${ADDRESS.slice(-2)}`)).toEqual(["d", "def"]);
    expect(statesIn("code=abc&state=def")).toEqual(["def"]);
    expect(statesIn("state=def&code=abc")).toEqual(["def"]);
  });
});

describe("a long run of what may stand behind an address", () => {
  it("is not part of it", () => {
    expect(extractCallbackUrl(`http://localhost:1455/auth/callback?code=a&state=b${")".repeat(9)}`)).toBe(
      "http://localhost:1455/auth/callback?code=a&state=b",
    );
  });
});
