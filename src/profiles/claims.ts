// What an access token says about its owner; read without verification, so it serves for labels and equality only.

import { z } from "zod";
import { cleanText } from "../clean-text.ts";
import { MAX_TOKEN_CHARS } from "../config/defaults.ts";
import type { Secret } from "../secrets/secret.ts";

/** Who a login belongs to: one person in one workspace (facts/codex-oauth.md §0.7). */
export interface Identity {
  readonly userId: string;
  readonly accountId: string;
}

/** The claims that we use; absent where the token does not carry them. */
export interface AccessClaims {
  /** Milliseconds since 1970. */
  readonly expiresAtMs?: number;
  readonly email?: string;
  readonly accountId?: string;
  readonly userId?: string;
  /** An open set: `free`, `plus`, `team` … */
  readonly planType?: string;
  readonly subject?: string;
}

const MAX_CLAIM_CHARS = 254;
const claim = z
  .string()
  .transform((text) => cleanText(text, MAX_CLAIM_CHARS))
  .pipe(z.string().min(1))
  .optional()
  .catch(undefined);

const payloadSchema = z.object({
  exp: z.number().positive().max(8_640_000_000_000).optional().catch(undefined),
  sub: claim,
  email: claim,
  "https://api.openai.com/profile": z.object({ email: claim }).optional().catch(undefined),
  "https://api.openai.com/auth": z
    .object({ chatgpt_account_id: claim, chatgpt_user_id: claim, user_id: claim, chatgpt_plan_type: claim })
    .optional()
    .catch(undefined),
});

/** The claims of a JWT, or undefined where it is none that can be read (facts/codex-oauth.md §1.7). */
export function decodeAccessToken(token: Secret | string): AccessClaims | undefined {
  const payload = payloadOf(typeof token === "string" ? token : token.expose());
  const result = payloadSchema.safeParse(payload);
  if (!result.success) return undefined;
  const {
    exp,
    sub,
    email,
    "https://api.openai.com/profile": profile,
    "https://api.openai.com/auth": auth,
  } = result.data;
  return withoutAbsent({
    expiresAtMs: exp === undefined ? undefined : Math.trunc(exp * 1_000),
    email: email ?? profile?.email,
    accountId: auth?.chatgpt_account_id,
    userId: auth?.chatgpt_user_id ?? auth?.user_id,
    planType: auth?.chatgpt_plan_type,
    subject: sub,
  });
}

/** The identity in `claims`, or undefined where half of it is missing. */
export function identityOf(claims: AccessClaims): Identity | undefined {
  const { userId, accountId } = claims;
  return userId === undefined || accountId === undefined ? undefined : { userId, accountId };
}

/** Whether both are the same person in the same workspace. */
export function sameIdentity(a: Identity, b: Identity): boolean {
  return a.userId === b.userId && a.accountId === b.accountId;
}

function payloadOf(token: string): unknown {
  const parts = token.split(".");
  if (token.length > MAX_TOKEN_CHARS || parts.length !== 3) return undefined;
  try {
    return JSON.parse(Buffer.from(parts[1] ?? "", "base64url").toString("utf8")) as unknown;
  } catch {
    return undefined;
  }
}

type Present<T> = { readonly [K in keyof T]?: Exclude<T[K], undefined> };

function withoutAbsent<T extends object>(values: T): Present<T> {
  // What is left are exactly the keys with a value; TypeScript cannot see that through `fromEntries`.
  const present: Present<T> = {};
  return Object.assign(present, Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)));
}
