// What an access token may leave out or overdo: absent claims, ends of ranges, forms that are almost a token.

import { describe, expect, it } from "vitest";
import { decodeAccessToken, sameIdentity } from "../../src/profiles/claims.ts";
import { MAX_TOKEN_CHARS } from "../../src/config/defaults.ts";

const AUTH = "https://api.openai.com/auth";
const PROFILE = "https://api.openai.com/profile";

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
const jwt = (payload: unknown): string => `${part({ alg: "none" })}.${part(payload)}.sig`;

describe("claims that are not there", () => {
  it("leave no key behind", () => {
    expect(decodeAccessToken(jwt({}))).toStrictEqual({});
    expect(decodeAccessToken(jwt({ [PROFILE]: {}, [AUTH]: {} }))).toStrictEqual({});
    expect(decodeAccessToken(jwt({ [AUTH]: { chatgpt_user_id: "u" } }))).toStrictEqual({ userId: "u" });
  });

  it("count as absent where they are empty, so that the second place is looked at", () => {
    expect(
      decodeAccessToken(
        jwt({ email: "", [PROFILE]: { email: "b@c.d" }, [AUTH]: { chatgpt_user_id: "", user_id: "u" } }),
      ),
    ).toStrictEqual({ email: "b@c.d", userId: "u" });
    expect(decodeAccessToken(jwt({ email: "\u200B", [PROFILE]: { email: "b@c.d" } }))).toStrictEqual({
      email: "b@c.d",
    });
    expect(decodeAccessToken(jwt({ [AUTH]: { chatgpt_user_id: "not plain", user_id: "u" } }))).toStrictEqual({
      userId: "u",
    });
    expect(decodeAccessToken(jwt({ sub: "", [AUTH]: { chatgpt_plan_type: "\u200B" } }))).toStrictEqual({});
  });

  it("do not hide the others where they are of the wrong type", () => {
    const broken = { exp: "x", auth_time: "x", sub: 1, email: 1, [PROFILE]: 1, [AUTH]: 1 };
    expect(decodeAccessToken(jwt(broken))).toStrictEqual({});
    for (const name of Object.keys(broken)) {
      const whole = {
        exp: 1,
        auth_time: 2,
        sub: "s",
        email: "a@b.c",
        [PROFILE]: { email: "b@c.d" },
        [AUTH]: { user_id: "u" },
      };
      const kept = decodeAccessToken(jwt({ ...whole, [name]: broken[name as keyof typeof broken] }));
      const gone = { exp: "expiresAtMs", auth_time: "signedInAtMs", sub: "subject", [AUTH]: "userId" }[name];
      expect(Object.keys(kept ?? {}), name).toEqual(
        ["expiresAtMs", "email", "userId", "subject", "signedInAtMs"].filter((claim) => claim !== gone),
      );
    }
  });
});

const ids = (id: string): unknown => decodeAccessToken(jwt({ [AUTH]: { chatgpt_account_id: id, user_id: id } }));

describe("the ends of what a claim may be", () => {
  it("are the last moment that a date can hold, in whole milliseconds", () => {
    expect(decodeAccessToken(jwt({ exp: 8.64e12, auth_time: 1.0019 }))).toStrictEqual({
      expiresAtMs: 8.64e15,
      signedInAtMs: 1_001,
    });
    expect(decodeAccessToken(jwt({ exp: 8.64e12 + 1, auth_time: 8.64e12 + 1 }))).toStrictEqual({});
    expect(decodeAccessToken(jwt({ auth_time: 0 }))).toStrictEqual({});
    expect(decodeAccessToken(jwt({ auth_time: -1 }))).toStrictEqual({});
  });

  it("are 128 plain characters of an id, from ! to ~", () => {
    for (const id of ["x".repeat(128), "!", "~", "!a~"]) expect(ids(id)).toStrictEqual({ accountId: id, userId: id });
    for (const id of ["x".repeat(129), " x", "x ", "\u007F"]) expect(ids(id)).toStrictEqual({});
  });

  it("are 64 characters of a plan and 128 of a subject", () => {
    const claims = decodeAccessToken(jwt({ sub: "s".repeat(200), [AUTH]: { chatgpt_plan_type: "P".repeat(200) } }));
    expect(claims?.subject).toHaveLength(128);
    expect(claims?.planType).toHaveLength(64);
    expect(claims?.planType).toMatch(/^p+…$/);
  });

  it("are the size cap of a token, to the character", () => {
    const short = `e30.${part({ sub: "s" })}.`;
    const longest = short.padEnd(MAX_TOKEN_CHARS, "x");
    expect(decodeAccessToken(longest)).toStrictEqual({ subject: "s" });
    expect(decodeAccessToken(`${longest}x`)).toBeUndefined();
  });
});

describe("text that is almost a token", () => {
  const payload = part({ sub: "s" });

  it("with a part too few or too many is none, though its payload could be read", () => {
    expect(decodeAccessToken(`e30.${payload}.x`)).toStrictEqual({ subject: "s" });
    expect(decodeAccessToken(`e30.${payload}`)).toBeUndefined();
    expect(decodeAccessToken(`e30.${payload}.x.y`)).toBeUndefined();
    expect(decodeAccessToken(payload)).toBeUndefined();
  });

  it("with something else than base64url in its payload is none, at either end and in the middle", () => {
    for (const text of [`%${payload}`, `${payload}%`, `${payload.slice(0, 4)} ${payload.slice(4)}`, `${payload}===`]) {
      expect(decodeAccessToken(`e30.${text}.x`), text).toBeUndefined();
    }
  });
});

describe("somebody unknown", () => {
  it("is nobody's equal, on either side", () => {
    const ada = { userId: "u", accountId: "a" };
    expect(sameIdentity(undefined, ada)).toBe(false);
    expect(sameIdentity(ada, undefined)).toBe(false);
  });
});
