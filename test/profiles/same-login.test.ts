import { describe, expect, it } from "vitest";
import { isSameLogin, mergeCredential } from "../../src/profiles/same-login.ts";
import { login } from "../support/openclaw-state.ts";

const opaque = (refresh: string, access = "opaque"): Record<string, unknown> => ({
  type: "oauth",
  provider: "openai-codex",
  access,
  refresh,
});

describe("two entries", () => {
  it("are the same login where person and workspace agree, whatever their tokens", () => {
    expect(isSameLogin(login("ada"), login("ada"))).toBe(true);
    expect(isSameLogin(login("ada"), login("bob"))).toBe(false);
  });

  it("are the same login where they share a refresh token or are equal", () => {
    expect(isSameLogin(opaque("one"), opaque("one", "other"))).toBe(true);
    expect(isSameLogin({ broken: 1 }, { broken: 1 })).toBe(true);
  });

  it("are not where nothing can be told, or where one is missing", () => {
    expect(isSameLogin(opaque("one"), opaque("two"))).toBe(false);
    expect(isSameLogin(opaque(""), opaque("", "b"))).toBe(false);
    expect(isSameLogin(undefined, undefined)).toBe(false);
    const fence = "openclaw-oauth-refresh-fence:v1:c:refresh:0";
    expect(isSameLogin(opaque(fence, "a"), opaque(fence, "b"))).toBe(false);
  });
});

describe("a new login in the place of an old one", () => {
  it("keeps the unknown fields and drops what was the old login's", () => {
    const next = login("ada");
    const old = { ...login("ada"), idToken: "i", email: "old@x", oauthRef: {}, copyToAgents: true, mine: 1 };
    expect(mergeCredential(old, next)).toEqual({ ...next, copyToAgents: true, mine: 1 });
  });

  it("keeps nothing of another person's, and takes the place of an entry that is none", () => {
    const next = login("bob");
    expect(mergeCredential({ ...login("ada"), mine: 1 }, next)).toEqual(next);
    expect(mergeCredential("text", next)).toEqual(next);
    expect(mergeCredential({ mode: "api_key", apiKey: "k", provider: "x", mine: 1 }, next)).toEqual({
      ...next,
      mine: 1,
    });
  });
});
