// Entries as OpenClaw's own code takes them: for its database, for its memory, and without its marker of a renewal.

import { describe, expect, it } from "vitest";
import { entryForDatabase, entryForMemory, withoutFence } from "../../src/profiles/openclaw-entry.ts";
import { parseCredential, type Credential } from "../../src/profiles/profile.ts";
import { login } from "../support/openclaw-state.ts";

const provider = "openai-codex";

function credential(entry: unknown): Credential {
  const found = parseCredential(entry);
  if (found === undefined) throw new Error("no credential");
  return found;
}

describe("an entry for the database", () => {
  it("is of today's provider, however the older one was written; another provider's stays another's", () => {
    for (const name of ["openai-codex", "OpenAI-Codex"]) {
      expect(entryForDatabase({ ...login("ada"), provider: name }).provider).toBe("openai");
    }
    expect(entryForDatabase({ ...login("ada"), provider: "openai" }).provider).toBe("openai");
    expect(entryForDatabase({ ...login("ada"), provider: "anthropic" }).provider).toBe("anthropic");
  });

  it("has the fields that OpenClaw gives back for its kind, and no others", () => {
    const shared = { setup: 1, copyToAgents: true, email: "e", displayName: "d" };
    const foreign = { managedBy: "someone", note: { mine: true } };
    const oauth = { type: "oauth", access: "a", refresh: "r", expires: 1, oauthRef: {}, idToken: "i", issuer: "x" };
    const token = { type: "token", token: "t", tokenRef: {}, expires: 0 };
    const key = { type: "api_key", key: "k", keyRef: {}, metadata: {} };
    const others = { ...oauth, ...token, ...key };
    for (const entry of [oauth, token, key]) {
      const given = { ...others, ...shared, ...foreign, ...entry, provider };
      const kept = entryForDatabase(credential(given));
      const wanted = {
        ...shared,
        ...Object.fromEntries(Object.keys(entry).map((name) => [name, given[name as keyof typeof given]])),
      };
      expect(kept, entry.type).toEqual({ ...wanted, provider: "openai" });
    }
  });

  it("has no text that is blank, and keeps what is no text", () => {
    const given = credential({
      type: "oauth",
      provider,
      access: "a",
      email: " ",
      displayName: "",
      setup: false,
      expires: 0,
    });
    expect(entryForDatabase(given)).toStrictEqual({
      type: "oauth",
      provider: "openai",
      access: "a",
      setup: false,
      expires: 0,
    });
  });
});

describe("an entry without the marker of a renewal", () => {
  const marker = "openclaw-oauth-refresh-fence:v1:c:access:0";

  it("is the very same where there is none", () => {
    for (const entry of [login("ada"), credential({ type: "token", provider, token: marker })]) {
      expect(withoutFence(entry)).toBe(entry);
    }
  });

  it("names the account and has no token at all, whichever the marker stands in", () => {
    for (const name of ["access", "refresh"]) {
      const given = {
        type: "oauth",
        provider,
        access: "a",
        refresh: "r",
        idToken: "i",
        expires: 9,
        email: "e",
        note: 1,
      };
      expect(withoutFence(credential({ ...given, [name]: marker }))).toStrictEqual({
        type: "oauth",
        provider,
        email: "e",
        note: 1,
        expires: 1,
      });
    }
  });
});

describe("an entry for OpenClaw's memory", () => {
  it("is left out where it is of no known kind or of no provider", () => {
    for (const entry of [
      undefined,
      null,
      "text",
      [],
      {},
      { type: "oauth" },
      { type: "oauth", provider: 7 },
      { type: "oauth", provider: " " },
      { type: "magic", provider },
      { mode: "magic", provider },
      { provider },
    ]) {
      expect(entryForMemory(entry), JSON.stringify(entry)).toBeUndefined();
    }
  });

  it("keeps every field, and has the names of its two aliases beside them", () => {
    for (const type of ["oauth", "token", "api_key"]) {
      expect(entryForMemory({ type, provider, note: 1 })).toStrictEqual({ type, provider, note: 1 });
    }
    expect(entryForMemory({ mode: "oauth", provider })).toStrictEqual({ mode: "oauth", provider, type: "oauth" });
    expect(entryForMemory({ type: "token", mode: "oauth", provider })).toMatchObject({ type: "token" });
    const aliased = { type: "api_key", provider, apiKey: "k" };
    expect(entryForMemory(aliased)).toStrictEqual({ ...aliased, key: "k" });
    expect(entryForMemory({ ...aliased, key: "mine" })).toStrictEqual({ ...aliased, key: "mine" });
    expect(entryForMemory({ ...aliased, apiKey: 7 })).toStrictEqual({ ...aliased, apiKey: 7 });
  });

  it("refers to a secret that is kept elsewhere, unless it has such a reference already", () => {
    const where = { source: "env", id: "X" };
    expect(entryForMemory({ type: "api_key", provider, key: where })).toStrictEqual({
      type: "api_key",
      provider,
      keyRef: where,
    });
    expect(entryForMemory({ type: "token", provider, token: where })).toStrictEqual({
      type: "token",
      provider,
      tokenRef: where,
    });
    expect(entryForMemory({ type: "token", provider, token: where, tokenRef: "mine" })).toStrictEqual({
      type: "token",
      provider,
      tokenRef: "mine",
    });
    expect(entryForMemory({ type: "token", provider, token: "t" })).toStrictEqual({
      type: "token",
      provider,
      token: "t",
    });
  });
});
