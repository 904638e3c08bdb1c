// Access tokens for tests, built at run time so that no file of the repository holds anything that looks like one.

import { randomBytes } from "node:crypto";

/** Whose token it is to be. */
export interface FakeOwner {
  readonly email?: string;
  readonly userId?: string;
  readonly accountId?: string;
  readonly planType?: string;
  readonly expiresAtMs: number;
}

/** An unsigned JWT with the claims of a Codex access token (facts/codex-oauth.md §1.7). */
export function fakeAccessToken(owner: FakeOwner): string {
  const payload = {
    exp: Math.trunc(owner.expiresAtMs / 1_000),
    jti: randomBytes(8).toString("hex"),
    "https://api.openai.com/profile": { email: owner.email },
    "https://api.openai.com/auth": {
      chatgpt_account_id: owner.accountId,
      chatgpt_user_id: owner.userId,
      chatgpt_plan_type: owner.planType,
    },
  };
  return `${part({ alg: "none" })}.${part(payload)}.${randomBytes(8).toString("base64url")}`;
}

/** An unsigned id token; `signedInAtMs` is its `auth_time`. */
export function fakeIdToken(owner: FakeOwner & { readonly signedInAtMs?: number }): string {
  const payload = {
    exp: Math.trunc(owner.expiresAtMs / 1_000),
    email: owner.email,
    ...(owner.signedInAtMs === undefined ? {} : { auth_time: Math.trunc(owner.signedInAtMs / 1_000) }),
    "https://api.openai.com/auth": { chatgpt_account_id: owner.accountId, chatgpt_user_id: owner.userId },
  };
  return `${part({ alg: "none" })}.${part(payload)}.${randomBytes(8).toString("base64url")}`;
}

/** A refresh token of no account. */
export function fakeRefreshToken(): string {
  return ["rt", randomBytes(16).toString("hex")].join("-");
}

function part(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}
