// Reads the claims of an access token for labels and equality; nothing is verified, so nothing may be allowed by a claim.

import { hash } from "node:crypto";
import { cleanText } from "../clean-text.ts";
import { MAX_DECODED_TOKENS, MAX_TOKEN_CHARS } from "../config/defaults.ts";
import type { Secret } from "../secrets/secret.ts";
import { present } from "./present.ts";

/** What an access token says about itself (facts/codex-oauth.md §1.7); absent means not said or not usable. */
export interface AccessClaims {
  /** When it expires, in milliseconds since 1970. */
  readonly expiresAtMs?: number;
  /** Cleaned for showing, at most 254 characters. */
  readonly email?: string;
  /** `chatgpt_account_id`: the workspace. */
  readonly accountId?: string;
  /** `chatgpt_user_id`, else `user_id`. */
  readonly userId?: string;
  /** Lower case, cleaned; an open set (`plus`, `pro`, `team` …). */
  readonly planType?: string;
  /** `sub`, cleaned. */
  readonly subject?: string;
  /** `auth_time` of an id token: when the person signed in. A renewed token keeps it (OpenID Connect Core §12.2). */
  readonly signedInAtMs?: number;
}

/** Whose login it is: one user in one workspace (decision 9); neither alone is enough (fact 0.7). */
export interface Identity {
  readonly userId: string;
  readonly accountId: string;
}

const MAX_EMAIL_CHARS = 254;
const MAX_LABEL_CHARS = 64;
/** The last moment a `Date` can hold. */
const MAX_DATE_MS = 8.64e15;

/** What tokens have said of themselves, by their hashes: every list takes each of its tokens apart again, and they hardly ever change. */
const decoded = new Map<string, { readonly claims: AccessClaims | undefined }>();

/** The claims of a JWT, or undefined where `token` is none (or its payload is no JSON object). */
export function decodeAccessToken(token: Secret | string): AccessClaims | undefined {
  const text = typeof token === "string" ? token : token.expose();
  if (text.length > MAX_TOKEN_CHARS) return undefined;
  const key = hash("sha256", text, "base64url");
  const known = decoded.get(key);
  if (known !== undefined) return known.claims;
  const claims = claimsIn(text);
  const [oldest] = decoded.keys();
  if (decoded.size >= MAX_DECODED_TOKENS && oldest !== undefined) decoded.delete(oldest);
  decoded.set(key, { claims });
  return claims;
}

function claimsIn(token: string): AccessClaims | undefined {
  // By hand, as six claims of which none has to be there: each label of each list is read so, and zod took longer than all else of it.
  const payload = recordOf(decodePayload(token));
  if (payload === undefined) return undefined;
  const profile = recordOf(payload["https://api.openai.com/profile"]);
  const auth = recordOf(payload["https://api.openai.com/auth"]);
  return present({
    expiresAtMs: milliseconds(payload["exp"]),
    email: label(payload["email"], MAX_EMAIL_CHARS) ?? label(profile?.["email"], MAX_EMAIL_CHARS),
    accountId: opaqueId(auth?.["chatgpt_account_id"]),
    userId: opaqueId(auth?.["chatgpt_user_id"]) ?? opaqueId(auth?.["user_id"]),
    planType: label(auth?.["chatgpt_plan_type"], MAX_LABEL_CHARS)?.toLowerCase(),
    subject: label(payload["sub"], MAX_LABEL_CHARS * 2),
    signedInAtMs: milliseconds(payload["auth_time"]),
  });
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return isRecord(value) ? value : undefined;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Who the claims speak of, or undefined where one half is missing. */
export function identityOf(claims: AccessClaims): Identity | undefined {
  const { userId, accountId } = claims;
  return userId === undefined || accountId === undefined ? undefined : { userId, accountId };
}

/** Whether both are the same user in the same workspace; somebody unknown is nobody's equal. */
export function sameIdentity(a: Identity | undefined, b: Identity | undefined): boolean {
  return a !== undefined && b !== undefined && a.userId === b.userId && a.accountId === b.accountId;
}

function decodePayload(token: string): unknown {
  const parts = token.split(".");
  const payload = parts[1];
  // base64url, with or without padding; `atob` breaks on "-" and "_", which pi-ai ran into.
  if (parts.length !== 3 || payload === undefined || !/^[A-Za-z0-9_-]+={0,2}$/.test(payload)) return undefined;
  try {
    return JSON.parse(Buffer.from(payload, "base64url").toString("utf8")) as unknown;
  } catch {
    // V8's message quotes the payload: it goes nowhere.
    return undefined;
  }
}

/** Ids are compared, so they are never cleaned: cleaning could make two of them equal. One that is not plain is no id. */
function opaqueId(value: unknown): string | undefined {
  return typeof value === "string" && /^[\x21-\x7e]{1,128}$/.test(value) ? value : undefined;
}

function milliseconds(seconds: unknown): number | undefined {
  const value = typeof seconds === "number" && seconds > 0 ? Math.floor(seconds * 1_000) : undefined;
  return value !== undefined && value <= MAX_DATE_MS ? value : undefined;
}

function label(value: unknown, maxChars: number): string | undefined {
  const clean = typeof value === "string" ? cleanText(value, maxChars) : "";
  return clean === "" ? undefined : clean;
}
