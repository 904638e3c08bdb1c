// What tells the kinds of credentials apart: fields of one kind say nothing in another, ids of two generations mean one profile.

import { describe, expect, it } from "vitest";
import {
  accessTokenOf,
  isEligible,
  parseCredential,
  refreshFenceOf,
  refreshTokenOf,
  sealCredential,
  unsealEntry,
  type Credential,
} from "../../src/profiles/profile.ts";
import { isSameProfile, profileIdFor } from "../../src/profiles/profile-id.ts";
import { Secret } from "../../src/secrets/secret.ts";

const NOW = 1_000;
const provider = "openai-codex";
const FENCE = "openclaw-oauth-refresh-fence";

function credential(entry: Record<string, unknown>): Credential {
  const found = parseCredential({ provider, ...entry });
  if (found === undefined) throw new Error("no credential");
  return found;
}

describe("a field of another kind", () => {
  it("is no token of a key, and none that renews a static token", () => {
    const stray = { token: "t", access: "a", refresh: "r", key: "k" };
    expect(accessTokenOf(credential({ type: "api_key", ...stray }))).toBeUndefined();
    expect(refreshTokenOf(credential({ type: "api_key", ...stray }))).toBeUndefined();
    expect(refreshTokenOf(credential({ type: "token", ...stray }))).toBeUndefined();
    expect(accessTokenOf(credential({ type: "token", ...stray }))?.expose()).toBe("t");
    expect(accessTokenOf(credential({ type: "oauth", ...stray }))?.expose()).toBe("a");
    expect(refreshTokenOf(credential({ type: "oauth", ...stray }))?.expose()).toBe("r");
  });

  it("is no marker of a renewal of anything but an OAuth login", () => {
    const marker = `${FENCE}:v1:c:access:0`;
    expect(refreshFenceOf(credential({ type: "token", access: marker, token: marker }))).toBeUndefined();
    expect(refreshFenceOf(credential({ type: "api_key", access: marker }))).toBeUndefined();
  });

  it("does not make OpenClaw try it", () => {
    const eligible = (entry: Record<string, unknown>): boolean => isEligible(credential(entry), NOW);
    const stray = { access: "a", refresh: "r" };
    expect(eligible({ type: "token", ...stray, key: "k" })).toBe(false);
    expect(eligible({ type: "api_key", ...stray, token: "t" })).toBe(false);
    expect(eligible({ type: "oauth", token: "t", key: "k" })).toBe(false);
    expect(eligible({ type: "api_key", keyRef: { id: "X" } })).toBe(true);
    expect(eligible({ type: "token", token: "t", expires: NOW + 1 })).toBe(true);
    expect(eligible({ type: "token", token: "t", expires: NOW })).toBe(false);
    expect(eligible({ type: "token", tokenRef: {}, expires: NOW })).toBe(false);
    expect(eligible({ type: "oauth", access: "a", expires: 0 })).toBe(true);
  });
});

describe("an alias", () => {
  it("never takes the place of the name itself", () => {
    expect(credential({ type: "api_key", key: "mine", apiKey: "theirs" })).toMatchObject({ key: "mine" });
    expect(credential({ type: "api_key", apiKey: "k" })).toMatchObject({ key: "k" });
    expect(parseCredential({ provider, mode: "oauth", type: "magic" })).toBeUndefined();
    expect(parseCredential({ provider, mode: 7 })).toBeUndefined();
    expect(parseCredential({ provider, type: "api_key", apiKey: 7 })).not.toHaveProperty("key");
  });
});

const seen = (marker: string): unknown => refreshFenceOf(credential({ type: "oauth", access: "a", refresh: marker }));

describe("OpenClaw's marker of a renewal", () => {
  it("says by its own state whether the renewal has failed", () => {
    expect(seen(`${FENCE}:v1:claim:failed:refresh:0`)).toBe("failed");
    expect(seen(`${FENCE}:v12:claim:failed:refresh:0`)).toBe("failed");
    expect(seen(`${FENCE}:v1::failed:`)).toBe("failed");
    expect(seen(`${FENCE}:v1:claim:refresh:0`)).toBe("under-way");
    expect(seen(`${FENCE}:v1:claim:refresh:x:v1:c:failed:`)).toBe("under-way");
    expect(seen(`${FENCE}:v1:claim:refresh:failed:`)).toBe("under-way");
    expect(seen(FENCE)).toBe("under-way");
  });

  it("is none where it does not begin the token", () => {
    expect(seen(` ${FENCE}:v1:c:failed:x`)).toBeUndefined();
    expect(refreshTokenOf(credential({ type: "oauth", refresh: `x${FENCE}` }))?.expose()).toBe(`x${FENCE}`);
    expect(refreshTokenOf(credential({ type: "oauth", refresh: " " }))).toBeUndefined();
  });
});

describe("ids of two generations", () => {
  it("mean one profile, and are written as the store's own generation writes them", () => {
    expect(profileIdFor("openai", "openai-codex:work")).toBe("openai:work");
    expect(profileIdFor("openai", "openai:work")).toBe("openai:work");
    expect(profileIdFor("openai", "anthropic:openai-codex:work")).toBe("anthropic:openai-codex:work");
    expect(profileIdFor("openai-codex", "openai-codex:work")).toBe("openai-codex:work");
    expect(profileIdFor("openai-codex", "openai:work")).toBe("openai:work");
    expect(isSameProfile("openai-codex:work", "openai:work")).toBe(true);
    expect(isSameProfile("openai:work", "openai-codex:work")).toBe(true);
    expect(isSameProfile("openai:work", "openai:home")).toBe(false);
    expect(isSameProfile("openai:work", "anthropic:work")).toBe(false);
  });
});

describe("a sealed entry", () => {
  it("opens as whatever it was, credential or not", () => {
    expect(unsealEntry(Secret.of('{"odd":[1]}'))).toEqual({ odd: [1] });
    expect(unsealEntry(sealCredential(credential({ type: "oauth" })))).toEqual({ provider, type: "oauth" });
  });
});
