import { describe, expect, it } from "vitest";
import {
  accessTokenOf,
  isEligible,
  openCredential,
  parseCredential,
  refreshTokenOf,
  sealCredential,
} from "../../src/profiles/profile.ts";
import { Secret } from "../../src/secrets/secret.ts";
import { login, NOW } from "../support/openclaw-state.ts";

function eligible(entry: unknown): boolean {
  const credential = parseCredential(entry);
  return credential !== undefined && isEligible(credential, NOW);
}

describe("an entry of the store", () => {
  it("is a credential of its three types, with every other field kept", () => {
    const entry = { ...login("ada"), fromTomorrow: { deep: [1, null] } };
    expect(parseCredential(entry)).toEqual(entry);
    expect(parseCredential({ type: "token", provider: "p", token: "t" })).toBeDefined();
    expect(parseCredential({ type: "api_key", provider: "p", key: "k" })).toBeDefined();
  });

  it("may use the names of openclaw.json for type and key", () => {
    expect(parseCredential({ mode: "api_key", provider: "p", apiKey: "k" })).toMatchObject({
      type: "api_key",
      key: "k",
    });
    expect(parseCredential({ type: "token", mode: "oauth", provider: "p" })).toMatchObject({ type: "token" });
  });

  it.each([
    undefined,
    null,
    "text",
    5,
    [],
    {},
    { type: "oauth" },
    { type: "magic", provider: "p" },
    { type: "oauth", provider: " " },
  ])("that is %j is none", (entry) => {
    expect(parseCredential(entry)).toBeUndefined();
  });

  it("holds no token where OpenClaw put its refresh fence", () => {
    const fence = "openclaw-oauth-refresh-fence:v1:claim:refresh:0123";
    const credential = parseCredential({
      type: "oauth",
      provider: "openai-codex",
      access: fence,
      refresh: fence,
      expires: 1,
    });
    expect(credential).toBeDefined();
    if (credential === undefined) return;
    expect(accessTokenOf(credential)).toBeUndefined();
    expect(refreshTokenOf(credential)).toBeUndefined();
  });

  it("is tried by OpenClaw only where it has something to try", () => {
    const provider = "openai-codex";
    expect(eligible({ type: "oauth", provider, refresh: "r" })).toBe(true);
    expect(eligible({ type: "oauth", provider, access: " " })).toBe(false);
    expect(eligible({ type: "token", provider, tokenRef: { id: "x" } })).toBe(true);
    expect(eligible({ type: "token", provider, token: "t", expires: 0 })).toBe(false);
    expect(eligible({ type: "api_key", provider })).toBe(false);
  });

  it("is sealed against printing and opens again as it was", () => {
    const credential = login("ada", { extra: 1 });
    const sealed = sealCredential(credential);
    expect(JSON.stringify({ sealed })).toBe('{"sealed":"[redacted]"}');
    expect(openCredential(sealed)).toEqual(credential);
    expect(() => openCredential(Secret.of('{"type":"none"}'))).toThrow(
      expect.objectContaining({ code: "ERR_INTERNAL" }),
    );
  });
});
