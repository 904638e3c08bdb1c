// Reads the body of a usage answer: every field may be missing, null, of another type or new, and none of that breaks the rest.

import { z } from "zod";
import { cleanText } from "../clean-text.ts";
import { USAGE_CHECK } from "../config/defaults.ts";
import { DAY } from "../config/units.ts";
import { isAmount, type UsageLimit, type UsageReport, type UsageWindow } from "./report.ts";

/** Who the answer says it is about; ids are compared and never shown, so they are as they came. */
export interface AnswerOwner {
  readonly userId?: string | undefined;
  readonly accountId?: string | undefined;
  readonly email?: string | undefined;
}

/** A usage answer, read. */
export interface WhamBody {
  readonly report: UsageReport;
  readonly owner: AnswerOwner;
}

type Fields = Readonly<Record<string, unknown>>;

const fields = z.record(z.string(), z.unknown());
const text = z.string().trim().min(1);
/** The provider writes amounts as numbers and as strings (§1.11). */
const numeral = z.union([
  z.number(),
  z
    .string()
    .trim()
    .regex(/^-?\d{1,15}(?:\.\d{1,9})?$/)
    .transform(Number),
]);

const MAX_PERCENT = 100_000;
const MAX_WINDOW_SECONDS = (10 * 366 * DAY) / 1_000;
const MAX_RESET_AHEAD_MS = 400 * DAY;
/** The parts without any of which an answer is not about usage. */
const KNOWN = ["rate_limit", "plan_type", "credits", "additional_rate_limits", "spend_control"];

/** What `json` says at `now`, or undefined where it is not about usage at all. */
export function readWhamBody(json: unknown, now: number): WhamBody | undefined {
  const body = asFields(json);
  if (body === undefined || !KNOWN.some((name) => body[name] !== undefined && body[name] !== null)) return undefined;
  const owner = {
    userId: textOf(body, "user_id"),
    accountId: textOf(body, "account_id"),
    email: textOf(body, "email"),
  };
  return { owner, report: reportOf(body, now) };
}

function reportOf(body: Fields, now: number): UsageReport {
  const main = asFields(body["rate_limit"]);
  const limits = [
    ...(main === undefined ? [] : [limitOf(main, undefined, now)]),
    ...additionalOf(body["additional_rate_limits"], now),
    ...furtherOf(body, now),
  ];
  return {
    planType: label(body, "plan_type")?.toLowerCase(),
    limits: limits.slice(0, USAGE_CHECK.maxLimits),
    credits: creditsOf(asFields(body["credits"])),
    spend: spendOf(asFields(asFields(body["spend_control"])?.["individual_limit"]), now),
    resetCredits: countOf(asFields(body["rate_limit_reset_credits"])?.["available_count"]),
    reachedType: reachedOf(body["rate_limit_reached_type"]),
  };
}

function additionalOf(value: unknown, now: number): readonly UsageLimit[] {
  const entries = Array.isArray(value) ? value.slice(0, USAGE_CHECK.maxLimits) : [];
  return entries.flatMap((entry) => {
    const one = asFields(entry);
    if (one === undefined) return [];
    const name = label(one, "limit_name") ?? label(one, "metered_feature") ?? "another limit";
    return [limitOf(asFields(one["rate_limit"]) ?? {}, name, now)];
  });
}

/** `code_review_rate_limit` and whatever comes to stand beside it. */
function furtherOf(body: Fields, now: number): readonly UsageLimit[] {
  return Object.keys(body)
    .filter((key) => key.endsWith("_rate_limit"))
    .slice(0, USAGE_CHECK.maxLimits)
    .flatMap((key) => {
      const limit = asFields(body[key]);
      const name = cleanText(key.slice(0, -"_rate_limit".length).replaceAll("_", " "), USAGE_CHECK.maxLabelChars);
      return limit === undefined ? [] : [limitOf(limit, name === "" ? "another limit" : name, now)];
    });
}

function limitOf(limit: Fields, name: string | undefined, now: number): UsageLimit {
  const windows = Object.keys(limit)
    .filter((key) => key.endsWith("_window"))
    .map((key) => asFields(limit[key]))
    .filter((window) => window !== undefined)
    .slice(0, USAGE_CHECK.maxWindows)
    .map((window) => windowOf(window, now))
    .toSorted((a, b) => (a.seconds ?? Infinity) - (b.seconds ?? Infinity) || 0);
  return { name, allowed: flag(limit, "allowed"), reached: flag(limit, "limit_reached"), windows };
}

function windowOf(window: Fields, now: number): UsageWindow {
  return {
    seconds: within(window["limit_window_seconds"], 1, MAX_WINDOW_SECONDS),
    usedPercent: within(window["used_percent"], 0, MAX_PERCENT),
    resetAtMs: resetOf(window, now),
  };
}

/**
 * `reset_at` is in seconds, 0 where it is not known; then `reset_after_seconds` counts (§1.11), and also where our clock goes ahead
 * of theirs: figures that have just come are not over.
 */
function resetOf(from: Fields, now: number): number | undefined {
  const at = within(from["reset_at"], 1, 8.64e12);
  if (at !== undefined && at * 1_000 > now && at * 1_000 <= now + MAX_RESET_AHEAD_MS) return Math.floor(at * 1_000);
  const after = within(from["reset_after_seconds"], 1, MAX_RESET_AHEAD_MS / 1_000);
  return after === undefined ? undefined : Math.floor(now + after * 1_000);
}

function creditsOf(credits: Fields | undefined): UsageReport["credits"] {
  if (credits === undefined) return undefined;
  return {
    has: flag(credits, "has_credits"),
    unlimited: flag(credits, "unlimited"),
    balance: amount(credits["balance"]),
  };
}

function spendOf(limit: Fields | undefined, now: number): UsageReport["spend"] {
  if (limit === undefined) return undefined;
  return {
    limit: amount(limit["limit"]),
    used: amount(limit["used"]),
    remaining: amount(limit["remaining"]),
    usedPercent: within(limit["used_percent"], 0, MAX_PERCENT),
    resetAtMs: resetOf(limit, now),
  };
}

/** An object with `type` or `kind`, or the word itself. */
function reachedOf(value: unknown): string | undefined {
  const from = asFields(value) ?? { type: value };
  return label(from, "type") ?? label(from, "kind");
}

function asFields(value: unknown): Fields | undefined {
  const result = fields.safeParse(value);
  return result.success ? result.data : undefined;
}

function textOf(from: Fields, key: string): string | undefined {
  const result = text.safeParse(from[key]);
  return result.success ? result.data : undefined;
}

function label(from: Fields, key: string): string | undefined {
  const clean = cleanText(textOf(from, key) ?? "", USAGE_CHECK.maxLabelChars);
  return clean === "" ? undefined : clean;
}

/** As the provider writes it, where it is a number at all. */
function amount(value: unknown): string | undefined {
  const given = typeof value === "number" ? String(value) : value;
  const clean = typeof given === "string" ? cleanText(given, USAGE_CHECK.maxLabelChars) : "";
  return isAmount(clean) ? clean : undefined;
}

function flag(from: Fields, key: string): boolean | undefined {
  const value = from[key];
  return typeof value === "boolean" ? value : undefined;
}

function within(value: unknown, min: number, max: number): number | undefined {
  const result = numeral.safeParse(value);
  return result.success && result.data >= min && result.data <= max ? result.data : undefined;
}

function countOf(value: unknown): number | undefined {
  const count = within(value, 0, 1_000_000);
  return count === undefined ? undefined : Math.floor(count);
}
