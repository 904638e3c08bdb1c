import { describe, expect, it } from "vitest";
import { isCodexAuthError } from "../../src/errors.ts";
import { parseIssuer } from "../../src/oauth/issuer.ts";

describe("parseIssuer", () => {
  it("is OpenAI's where nothing is set, and where it is set to the same", () => {
    const openai = { origin: "https://auth.openai.com", isSandbox: false };
    for (const text of [undefined, "https://auth.openai.com", "https://auth.openai.com/"]) {
      expect(parseIssuer(text)).toEqual(openai);
    }
  });

  it("takes plain http on loopback as a sandbox", () => {
    expect(parseIssuer("http://127.0.0.1:4010/")).toEqual({ origin: "http://127.0.0.1:4010", isSandbox: true });
    expect(parseIssuer("http://[::1]:4010")).toEqual({ origin: "http://[::1]:4010", isSandbox: true });
    expect(parseIssuer("http://localhost:4010").isSandbox).toBe(true);
  });

  it.each([
    "",
    "not an address",
    "http://auth.openai.com",
    "https://auth.openai.com:8443",
    "https://auth.openai.com/path",
    "https://auth.openai.com.evil.example",
    "https://person@auth.openai.com",
    "https://127.0.0.1:4010",
    "http://127.0.0.1.evil.example",
    "http://localhost.evil.example:80",
    "http://192.168.0.9:4010",
    "http://127.0.0.1:4010/base",
    "http://127.0.0.1:4010/?a=b",
    "file:///etc/passwd",
  ])("refuses %j and does not repeat it", (text) => {
    try {
      parseIssuer(text);
      expect.unreachable();
    } catch (error) {
      expect(isCodexAuthError(error, "ERR_ISSUER_FORBIDDEN")).toBe(true);
      if (text !== "" && error instanceof Error) expect(error.message).not.toContain(text);
    }
  });
});
