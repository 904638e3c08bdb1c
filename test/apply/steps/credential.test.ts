// The entries that are written for a login and for a leased credential: what is known of them, and nothing that is not.

import { describe, expect, it } from "vitest";
import type { LoginTokens } from "../../../src/apply/parked.ts";
import { credentialFor, leasedCredentialFor, leasedFingerprint } from "../../../src/apply/steps/credential.ts";
import { sealCredential, unsealEntry } from "../../../src/profiles/profile.ts";
import { fingerprintJson } from "../../../src/secrets/fingerprint.ts";
import { Secret } from "../../../src/secrets/secret.ts";
import { receivedTokens } from "../../support/apply-world.ts";
import { fakeAccessToken, fakeRefreshToken } from "../../support/jwt.ts";

describe("the entry of a login", () => {
  it("says whose it is where its token says that, and names the provider as the store does", () => {
    const tokens = receivedTokens("carol", 9_000);
    const entry = {
      type: "oauth",
      provider: "openai-codex",
      access: tokens.access.expose(),
      refresh: tokens.refresh.expose(),
      expires: 9_000,
      email: "carol@example.com",
      accountId: "account-carol",
    };
    expect(unsealEntry(credentialFor(tokens))).toStrictEqual(entry);
    expect(unsealEntry(credentialFor(tokens, "openai"))).toStrictEqual({ ...entry, provider: "openai" });
  });

  it.each([
    ["no token with claims", "opaque", {}],
    [
      "a token of no account",
      fakeAccessToken({ email: "x@example.com", expiresAtMs: 9_000 }),
      { email: "x@example.com" },
    ],
    ["a token of no address", fakeAccessToken({ accountId: "a", userId: "u", expiresAtMs: 9_000 }), { accountId: "a" }],
  ])("says no more than %s does", (_case, access, known) => {
    const refresh = fakeRefreshToken();
    const tokens: LoginTokens = { access: Secret.of(access), refresh: Secret.of(refresh), expiresAtMs: 9_000 };
    const bare = { type: "oauth", provider: "openai-codex", access, refresh, expires: 9_000 };
    expect(unsealEntry(credentialFor(tokens))).toStrictEqual({ ...bare, ...known });
  });

  it("that came out of the store goes back as it was, whatever the tokens beside it say", () => {
    const entry = sealCredential({ type: "api_key", provider: "openai-codex", key: "k" });
    expect(credentialFor({ ...receivedTokens("carol"), entry }, "openai")).toBe(entry);
  });
});

describe("the entry of a leased credential", () => {
  const { access } = receivedTokens("pool");
  const entry = { type: "token", provider: "openai-codex", token: access.expose(), expires: 9_000 };
  const of = (email?: string, provider?: "openai"): unknown =>
    unsealEntry(leasedCredentialFor({ expiresAtMs: 9_000, email }, access.expose(), provider));

  it("has the address where the broker names one", () => {
    expect(of("pool@example.com")).toStrictEqual({ ...entry, email: "pool@example.com" });
    expect(of("pool@example.com", "openai")).toStrictEqual({ ...entry, provider: "openai", email: "pool@example.com" });
  });

  it("has none where the broker names none, or only blanks", () => {
    for (const email of [undefined, "", "   "]) expect(of(email)).toStrictEqual(entry);
  });

  it("is known by the same fingerprint that plans and receipts name", () => {
    const credential = { access, expiresAtMs: 9_000, email: "pool@example.com" };
    expect(leasedFingerprint(credential)).toBe(fingerprintJson({ ...entry, email: "pool@example.com" }));
    expect(leasedFingerprint(credential, "openai")).not.toBe(leasedFingerprint(credential));
  });
});
