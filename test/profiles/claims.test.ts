import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MAX_DECODED_TOKENS } from "../../src/config/defaults.ts";
import { decodeAccessToken, identityOf, sameIdentity } from "../../src/profiles/claims.ts";
import { Secret } from "../../src/secrets/secret.ts";

const AUTH = "https://api.openai.com/auth";
const PROFILE = "https://api.openai.com/profile";

function jwt(
  payload: unknown,
  encode: (json: string) => string = (json) => Buffer.from(json).toString("base64url"),
): string {
  return [encode('{"alg":"none"}'), encode(JSON.stringify(payload)), "sig"].join(".");
}

const FULL = {
  exp: 1_800_000_000,
  sub: "auth0|1",
  [PROFILE]: { email: "ada@example.com" },
  [AUTH]: { chatgpt_account_id: "acct-1", chatgpt_user_id: "user-1", user_id: "older-1", chatgpt_plan_type: "Plus" },
};

describe("decodeAccessToken", () => {
  it("reads the claims of facts §1.7, from text and from a secret alike", () => {
    const expected = {
      expiresAtMs: 1_800_000_000_000,
      email: "ada@example.com",
      accountId: "acct-1",
      userId: "user-1",
      planType: "plus",
      subject: "auth0|1",
    };
    expect(decodeAccessToken(jwt(FULL))).toEqual(expected);
    expect(decodeAccessToken(Secret.of(jwt(FULL)))).toEqual(expected);
  });

  it("tells every token apart, also those it has seen before and more than it remembers", () => {
    const tokens = Array.from({ length: MAX_DECODED_TOKENS + 20 }, (_, index) =>
      jwt({ ...FULL, sub: `person-${index}` }),
    );
    for (let round = 0; round < 2; round += 1) {
      const subjects = tokens.map((token) => decodeAccessToken(token)?.subject);
      expect(subjects).toEqual(tokens.map((_, index) => `person-${index}`));
    }
    expect(decodeAccessToken("no token")).toBeUndefined();
    expect(decodeAccessToken("no token")).toBeUndefined();
    expect(decodeAccessToken(`${tokens[0]}.more`)).toBeUndefined();
  });

  it("prefers the e-mail at the top and falls back to user_id", () => {
    const claims = decodeAccessToken(
      jwt({ email: "top@example.com", [PROFILE]: { email: "b@c.d" }, [AUTH]: { user_id: "u" } }),
    );
    expect(claims).toEqual({ email: "top@example.com", userId: "u" });
  });

  it("takes a claim of another type for none: no number is an id or a label, and no text a time", () => {
    const odd = {
      exp: "1800000000",
      auth_time: ["1800000000"],
      sub: 7,
      email: ["a@b.c"],
      [PROFILE]: "ada@example.com",
    };
    expect(decodeAccessToken(jwt(odd))).toEqual({});
    const ids = { chatgpt_account_id: 12, chatgpt_user_id: ["user-1"], user_id: true, chatgpt_plan_type: {} };
    expect(decodeAccessToken(jwt({ [AUTH]: ids }))).toEqual({});
    expect(decodeAccessToken(jwt({ exp: 0, auth_time: -1, [AUTH]: [FULL[AUTH]] }))).toEqual({});
  });

  it("decodes base64url with - and _, padded or not, and an empty signature", () => {
    const payload = { email: "¿ÿþ?>~@example.com" };
    const plain = Buffer.from(JSON.stringify(payload)).toString("base64url");
    expect(plain).toMatch(/[-_]/);
    const padded = plain.padEnd(Math.ceil(plain.length / 4) * 4, "=");
    expect(decodeAccessToken(`e30.${plain}.`)?.email).toBe(payload.email);
    expect(decodeAccessToken(`e30.${padded}.x`)?.email).toBe(payload.email);
  });

  it("gives undefined for what is no JWT with a JSON object", () => {
    for (const token of [
      "",
      "opaque",
      "a.b",
      "a.b.c.d",
      "a.%.c",
      jwt(["list"]),
      jwt("text"),
      jwt(null),
      "e30.bm90.x",
    ]) {
      expect(decodeAccessToken(token), token).toBeUndefined();
    }
  });

  it("does not decode a token above the size cap", () => {
    expect(decodeAccessToken(jwt({ email: "a@b.c", pad: "x".repeat(10_000) }))?.email).toBe("a@b.c");
    expect(decodeAccessToken(jwt({ email: "a@b.c", pad: "x".repeat(100_000) }))).toBeUndefined();
  });

  it("drops a claim of the wrong type and keeps the others", () => {
    const claims = decodeAccessToken(
      jwt({ exp: "soon", sub: 7, email: ["x"], [PROFILE]: "no", [AUTH]: { chatgpt_plan_type: "pro", user_id: {} } }),
    );
    expect(claims).toEqual({ planType: "pro" });
    for (const exp of [-1, 0, 1e300]) expect(decodeAccessToken(jwt({ exp }))).toEqual({});
  });

  it("cleans labels of control, direction and zero-width characters and caps them", () => {
    const claims = decodeAccessToken(
      jwt({ email: `a\u202Eda\u200B@\u0007x.y${"z".repeat(400)}`, [AUTH]: { chatgpt_plan_type: "p\u200Blus\n" } }),
    );
    expect(claims?.email?.startsWith("ada@x.yz")).toBe(true);
    expect(claims?.email).toHaveLength(254);
    expect(claims?.planType).toBe("plus");
  });

  it("never cleans an id into the id of somebody else: one that is not plain counts as absent", () => {
    for (const id of ["user-1\u200B", "user 1", "user-1\n", "user-\u0430", "u".repeat(129)]) {
      const claims = decodeAccessToken(jwt({ [AUTH]: { chatgpt_user_id: id, chatgpt_account_id: "acct-1" } }));
      expect(claims).toEqual({ accountId: "acct-1" });
    }
  });

  it("never throws, whatever the text or the payload", () => {
    fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => void decodeAccessToken(text)));
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (value, auth) => {
        const claims =
          decodeAccessToken(jwt({ exp: value, sub: value, email: value, [PROFILE]: value, [AUTH]: auth })) ?? {};
        for (const text of Object.values(claims)) expect(String(text)).not.toMatch(/[\p{Cc}\p{Cf}]/u);
      }),
    );
  });
});

describe("identity", () => {
  it("needs the user and the account", () => {
    expect(identityOf({ userId: "u", accountId: "a", email: "e" })).toEqual({ userId: "u", accountId: "a" });
    expect(identityOf({ userId: "u" })).toBeUndefined();
    expect(identityOf({ accountId: "a" })).toBeUndefined();
  });

  it("is the same only where both are the same, and somebody unknown equals nobody", () => {
    const ada = { userId: "u", accountId: "a" };
    expect(sameIdentity(ada, { ...ada })).toBe(true);
    expect(sameIdentity(ada, { userId: "u", accountId: "b" })).toBe(false);
    expect(sameIdentity(ada, { userId: "v", accountId: "a" })).toBe(false);
    expect(sameIdentity(undefined, undefined)).toBe(false);
    expect(sameIdentity(ada, undefined)).toBe(false);
  });
});
