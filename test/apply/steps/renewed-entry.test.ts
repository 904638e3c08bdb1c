// What the server's answer makes of a stored login: what came, and everything else as it was.

import { describe, expect, it } from "vitest";
import { renewedLogin } from "../../../src/apply/steps/renewed-entry.ts";
import { unsealEntry, type Credential } from "../../../src/profiles/profile.ts";
import type { RenewedTokens } from "../../../src/profiles/renewal.ts";
import { Secret } from "../../../src/secrets/secret.ts";
import { storedLogin } from "../../support/apply-world.ts";

const stored = () => ({ ...storedLogin("ada", 5_000), type: "oauth" as const });
const renew = (before: Credential, tokens: RenewedTokens) => {
  const { access, refresh, id, expiresAtMs, entry } = renewedLogin(before, tokens);
  return {
    tokens: [access.expose(), refresh.expose(), id?.expose(), expiresAtMs],
    entry: entry === undefined ? undefined : unsealEntry(entry),
  };
};

describe("a renewed login", () => {
  it("has each field that came, in the entry too, and keeps those that nobody of us knows", () => {
    const before = { ...stored(), idToken: "old", accountId: "account-old" };
    const tokens: RenewedTokens = {
      access: Secret.of("new-access"),
      refresh: Secret.of("new-refresh"),
      id: Secret.of("new-id"),
      expiresAtMs: 9_000,
      identity: { userId: "user-ada", accountId: "account-ada" },
    };
    expect(renew(before, tokens)).toStrictEqual({
      tokens: ["new-access", "new-refresh", "new-id", 9_000],
      entry: {
        ...before,
        access: "new-access",
        refresh: "new-refresh",
        idToken: "new-id",
        accountId: "account-ada",
        expires: 9_000,
      },
    });
  });

  it("is what it was where nothing came", () => {
    const before = stored();
    expect(renew(before, {})).toStrictEqual({
      tokens: [before.access, before.refresh, undefined, 5_000],
      entry: before,
    });
    expect(renewedLogin(before, {})).not.toHaveProperty("id");
  });

  it("gets no id token in an entry that had none, and has it all the same", () => {
    const { tokens, entry } = renew(stored(), { id: Secret.of("new-id") });
    expect(tokens[2]).toBe("new-id");
    expect(entry).not.toHaveProperty("idToken");
  });

  it("keeps the id token of its entry where none came", () => {
    expect(renew({ ...stored(), idToken: "old" }, {}).entry).toMatchObject({ idToken: "old" });
  });

  it("of an entry without tokens or a date has empty ones, and is a login from then on", () => {
    const { tokens, entry } = renew({ type: "oauth", provider: "openai-codex" }, {});
    expect(tokens).toEqual(["", "", undefined, 0]);
    expect(entry).toEqual({ type: "oauth", provider: "openai-codex", access: "", refresh: "", expires: 0 });
    const token: Credential = { type: "token", provider: "openai-codex", token: "t", expires: 7 };
    expect(renew(token, {})).toMatchObject({
      tokens: ["t", "", undefined, 0],
      entry: { type: "oauth" },
    });
  });
});
