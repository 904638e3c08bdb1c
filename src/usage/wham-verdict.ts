// What an answer to a usage request means. A refusal is rarely about the sign-in, so only a plain 401 is taken for that. Pure.

import { USAGE_CHECK } from "../config/defaults.ts";
import { systemCode } from "../errors.ts";
import { retryAfterMs } from "../http/answer.ts";
import type { Identity } from "../profiles/claims.ts";
import type { UsageReport } from "./report.ts";
import { readWhamBody, type AnswerOwner } from "./wham-body.ts";
import type { WhamAnswer } from "./wham.ts";

/** Whose answer was asked for, as far as the profile's own login says. */
export interface AskedFor {
  /** One half may be unknown. */
  readonly identity?: { readonly [half in keyof Identity]?: string | undefined } | undefined;
  readonly email?: string | undefined;
}

/** What came of one request. */
export type WhamVerdict =
  /** `isConfirmed`: the answer names the profile's own user, or its address; else it names nobody. */
  | { readonly kind: "report"; readonly report: UsageReport; readonly isConfirmed: boolean }
  /** Somebody else's figures: they are not looked at. */
  | { readonly kind: "other-account" }
  /** The access token is not taken any more. */
  | { readonly kind: "renew" }
  /** A page of whatever stands in front of the provider: no verdict on the sign-in (fact 0.6). */
  | { readonly kind: "blocked" }
  /** The provider itself says no: no entitlement, or another workspace. */
  | { readonly kind: "refused"; readonly status: number }
  | { readonly kind: "busy"; readonly retryAtMs: number }
  /** No usable answer; where none came at all, `status` is absent and `how` says why. */
  | {
      readonly kind: "trouble";
      readonly status?: number;
      readonly how?: "unreachable" | "timeout" | "broken";
      readonly isTransient: boolean;
    };

const TIMEOUTS = [
  "TimeoutError",
  "ETIMEDOUT",
  "UND_ERR_CONNECT_TIMEOUT",
  "UND_ERR_HEADERS_TIMEOUT",
  "UND_ERR_BODY_TIMEOUT",
];
const UNREACHABLE = ["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH", "EADDRNOTAVAIL"];

/** Judges `answer`. */
export function judgeWhamAnswer(answer: WhamAnswer, asked: AskedFor, now: number): WhamVerdict {
  const { status, headers } = answer;
  if (status === 429) {
    const wait = retryAfterMs(headers, now) ?? USAGE_CHECK.backoffMs;
    return { kind: "busy", retryAtMs: now + Math.min(Math.max(wait, 1_000), USAGE_CHECK.maxBackoffMs) };
  }
  if ((status === 401 || status === 403) && isPage(answer)) return { kind: "blocked" };
  // The provider's own no is a JSON object; text or nothing at all comes from whatever stands in between.
  if (status === 403 && !isObject(jsonOf(answer.body))) return { kind: "blocked" };
  if (status === 401) return { kind: "renew" };
  if (status === 402 || status === 403 || status === 404) return { kind: "refused", status };
  if (status !== 200) return { kind: "trouble", status, isTransient: status >= 500 || status === 408 };
  const body = readWhamBody(jsonOf(answer.body), now);
  if (body === undefined) return { kind: "trouble", status, isTransient: false };
  const owner = compareOwner(body.owner, asked);
  if (owner === "other") return { kind: "other-account" };
  return { kind: "report", report: body.report, isConfirmed: owner === "same" };
}

/**
 * Whether the answer is about the account that was asked for. A personal account's answers carry the user's id in
 * `account_id` too, which then says nothing about the workspace.
 */
export function compareOwner(owner: AnswerOwner, { identity, email }: AskedFor): "same" | "other" | "unsaid" {
  const accountId = owner.accountId === owner.userId ? undefined : owner.accountId;
  const user = compareHalf(owner.userId, identity?.userId);
  if (user === "other" || compareHalf(accountId, identity?.accountId) === "other") return "other";
  if (user === "same") return "same";
  // A workspace alone has many users: whose figures they are, only the address can tell.
  if (owner.email === undefined || email === undefined) return "unsaid";
  return owner.email.toLowerCase() === email.toLowerCase() ? "same" : "other";
}

function compareHalf(said: string | undefined, asked: string | undefined): "same" | "other" | "unsaid" {
  if (said === undefined || asked === undefined) return "unsaid";
  return said === asked ? "same" : "other";
}

/** What a request means that got no answer; what undici throws may quote the answer, so nothing but its code is looked at. */
export function judgeWhamFailure(error: unknown): WhamVerdict {
  const name = failureCode(error);
  const how = TIMEOUTS.includes(name) ? "timeout" : UNREACHABLE.includes(name) ? "unreachable" : "broken";
  return { kind: "trouble", how, isTransient: true };
}

/** The code of what a request rejected with, or its name: fit for the log. */
export function failureCode(error: unknown): string {
  return systemCode(error) ?? (error instanceof Error ? error.name : "unknown");
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isPage({ headers, body }: WhamAnswer): boolean {
  return /\bhtml\b/i.test(headers["content-type"] ?? "") || /^\s*</.test(body ?? "");
}

function jsonOf(body: string | undefined): unknown {
  try {
    return JSON.parse(body ?? "") as unknown;
  } catch {
    // V8's message quotes the body: it goes nowhere.
    return undefined;
  }
}
