import { performance } from "node:perf_hooks";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { extractCallbackUrl, looksLikeCallbackUrl, statesIn } from "../../src/oauth/callback-text.ts";

const ADDRESS = "http://localhost:1455/auth/callback?code=abc&state=def";

describe("extractCallbackUrl", () => {
  it.each([
    ["alone", ADDRESS, ADDRESS],
    ["in white space", `\n ${ADDRESS}\t`, ADDRESS],
    ["in brackets", `<${ADDRESS}>`, ADDRESS],
    ["in quotes", `"${ADDRESS}"`, ADDRESS],
    ["in a code span", `\`${ADDRESS}\``, ADDRESS],
    ["in a sentence", `It says (${ADDRESS}).`, ADDRESS],
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
  ])("finds none in %j", (text) => {
    expect(extractCallbackUrl(text)).toBeUndefined();
  });
});

describe("looksLikeCallbackUrl", () => {
  it("is true for an address and for the part of one that must not stay visible", () => {
    expect(looksLikeCallbackUrl(`see ${ADDRESS}`)).toBe(true);
    expect(looksLikeCallbackUrl("?code=abc&state=def")).toBe(true);
    expect(looksLikeCallbackUrl("https://example.com/cb?state=def&code=abc")).toBe(true);
  });

  it("is false for ordinary messages", () => {
    for (const text of ["", "/codex_auth work", "my code=5", "?state=ny", "https://example.com/?code=1"]) {
      expect(looksLikeCallbackUrl(text), text).toBe(false);
    }
  });

  it("stays fast on long hostile texts", () => {
    const texts = [
      "http://".repeat(20_000),
      "&code=".repeat(20_000),
      `?code=${"a".repeat(200_000)}`,
      "localhost:1".repeat(20_000),
    ];
    const started = performance.now();
    for (const text of texts) looksLikeCallbackUrl(text);
    expect(performance.now() - started).toBeLessThan(2_000);
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
});
