// What a person is shown of an entry, as a fingerprint, and what a merge keeps of the entry before.

import { describe, expect, it } from "vitest";
import { identityOfEntry, isSameLogin, loginPrint, mergeCredential } from "../../src/profiles/same-login.ts";
import { fakeAccessToken } from "../support/jwt.ts";
import { login, NOW } from "../support/openclaw-state.ts";

const provider = "openai-codex";
const opaque = { type: "oauth", provider, access: "opaque", refresh: "r" };

describe("the print of a login", () => {
  it("outlives a renewal of its tokens, and is another one for another person", () => {
    expect(loginPrint(login("ada"))).toBe(loginPrint(login("ada")));
    expect(loginPrint(login("ada"))).not.toBe(loginPrint(login("bob")));
  });

  it("is another one where another program keeps the login, or where it is of another kind", () => {
    const ada = login("ada");
    const access = ada.type === "oauth" ? ada.access : undefined;
    const prints = [
      ada,
      { ...ada, managedBy: "codex-cli" },
      { ...ada, managedBy: "other" },
      { type: "token", provider, token: access },
    ].map(loginPrint);
    expect(new Set(prints).size).toBe(prints.length);
  });

  it("does not see a field that says nothing of the login", () => {
    const ada = login("ada");
    expect(loginPrint({ ...ada, mine: 1 })).toBe(loginPrint(ada));
  });

  it("is that of the whole entry where its token does not say whose it is, and where it is no credential", () => {
    expect(loginPrint(opaque)).toBe(loginPrint({ ...opaque }));
    expect(loginPrint(opaque)).not.toBe(loginPrint({ ...opaque, refresh: "other" }));
    expect(loginPrint({ broken: 1 })).toBe(loginPrint({ broken: 1 }));
    expect(loginPrint({ broken: 1 })).not.toBe(loginPrint({ broken: 2 }));
    expect(loginPrint(undefined)).not.toBe(loginPrint(null));
  });
});

describe("whose login an entry is", () => {
  it("is what its access token says, of a static token too", () => {
    const access = fakeAccessToken({ userId: "u", accountId: "a", expiresAtMs: NOW });
    expect(identityOfEntry({ ...opaque, access })).toEqual({ userId: "u", accountId: "a" });
    expect(identityOfEntry({ type: "token", provider, token: access })).toEqual({ userId: "u", accountId: "a" });
  });

  it("is not known of an entry that is none, a key, an opaque token, or a token that names only one half", () => {
    const half = fakeAccessToken({ userId: "u", expiresAtMs: NOW });
    const key = { type: "api_key", provider, key: "k" };
    const refreshOnly = { type: "oauth", provider, refresh: "r" };
    for (const entry of [undefined, null, "text", key, opaque, refreshOnly, { ...opaque, access: half }]) {
      expect(identityOfEntry(entry)).toBeUndefined();
    }
  });
});

describe("two entries, one of which says nothing", () => {
  it("are not the same login, whichever of them it is", () => {
    const ada = login("ada");
    for (const other of [undefined, null, "text", opaque, { type: "api_key", provider, key: "k" }]) {
      expect(isSameLogin(ada, other)).toBe(false);
      expect(isSameLogin(other, ada)).toBe(false);
    }
    expect(isSameLogin({ broken: 1 }, { broken: 2 })).toBe(false);
  });

  it("are the same where they differ only in the order of their fields", () => {
    expect(isSameLogin({ a: 1, b: 2 }, { b: 2, a: 1 })).toBe(true);
  });
});

describe("a new login in the place of another entry", () => {
  it("keeps what is not known to be somebody else's, whichever of the two does not say", () => {
    const ada = login("ada");
    const next = { type: "oauth" as const, provider, access: "opaque", refresh: "r" };
    expect(mergeCredential({ ...ada, mine: 1 }, next)).toStrictEqual({ ...next, mine: 1 });
    expect(mergeCredential({ ...opaque, mine: 1 }, ada)).toStrictEqual({ ...ada, mine: 1 });
  });

  it("keeps nothing beside a static token, as OpenClaw would take one more field for somebody else's change", () => {
    const next = { type: "token" as const, provider, token: "t" };
    expect(mergeCredential({ ...opaque, mine: 1 }, next)).toStrictEqual(next);
  });

  it("keeps nothing of what is no object", () => {
    const next = login("ada");
    for (const existing of [undefined, null, "text", ["list"]])
      expect(mergeCredential(existing, next)).toStrictEqual(next);
  });

  it("wins over the entry's own value of a field that it brings, and drops every field of the earlier login", () => {
    const next = { ...login("ada"), mine: "new" };
    const old = Object.fromEntries(
      ["idToken", "token", "tokenRef", "key", "apiKey", "keyRef", "oauthRef", "clientId", "email", "displayName"]
        .concat(["accountId", "chatgptPlanType", "enterpriseUrl", "projectId", "managedBy", "mode"])
        .map((name) => [name, "old"]),
    );
    expect(mergeCredential({ ...old, type: "oauth", mine: "old", theirs: 1 }, next)).toStrictEqual({
      ...next,
      theirs: 1,
    });
  });
});
