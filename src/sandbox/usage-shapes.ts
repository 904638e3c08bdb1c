// Usage answers in the shapes that are known (facts/codex-oauth.md §1.11), each a body that the sandbox's usage server can give.

import { DAY, HOUR } from "../config/units.ts";

/** A body of the usage endpoint, without the account that it is about. */
export type UsageBody = Readonly<Record<string, unknown>>;

function window(usedPercent: unknown, ms: number, now: number, resetInMs: number): Record<string, unknown> {
  return {
    used_percent: usedPercent,
    limit_window_seconds: ms / 1_000,
    reset_after_seconds: Math.floor(resetInMs / 1_000),
    reset_at: Math.floor((now + resetInMs) / 1_000),
  };
}

function limit(windows: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return { allowed: true, limit_reached: false, primary_window: null, secondary_window: null, ...windows };
}

/** The shapes by name, as they are at `now`. */
export const USAGE_SHAPES = {
  /** The usual one: 5 hours and a week. */
  plus: (now: number): UsageBody => ({
    plan_type: "plus",
    rate_limit: limit({
      primary_window: window(32, 5 * HOUR, now, 3 * HOUR),
      secondary_window: window(71, 7 * DAY, now, 2 * DAY),
    }),
    credits: { has_credits: true, unlimited: false, balance: "12.5", approx_local_messages: [3, 9] },
    rate_limit_reset_credits: { available_count: 2 },
  }),
  /** The week in the first slot, and none in the second. */
  weekFirst: (now: number): UsageBody => ({
    plan_type: "pro",
    rate_limit: limit({ primary_window: window(11, 7 * DAY, now, 6 * DAY) }),
    credits: { has_credits: true, unlimited: true, balance: null },
  }),
  /** Free: one month. */
  free: (now: number): UsageBody => ({
    plan_type: "free",
    rate_limit: limit({ primary_window: window(4, 30 * DAY, now, 20 * DAY) }),
    credits: null,
  }),
  /** Above its limit, with a number for a balance and the reset only as a span. */
  over: (now: number): UsageBody => ({
    plan_type: "team",
    rate_limit: {
      allowed: false,
      limit_reached: true,
      primary_window: { ...window(104, 5 * HOUR, now, 1 * HOUR), reset_at: 0 },
      secondary_window: { ...window("88", 7 * DAY, now, 1 * DAY), reset_at: null },
    },
    credits: { has_credits: false, unlimited: false, balance: 0 },
    rate_limit_reached_type: { kind: "workspace_member_usage_limit_reached" },
  }),
  /** Limits beside the main one, a person's own in a workspace, and things nobody has seen before. */
  rich: (now: number): UsageBody => ({
    plan_type: "self_serve_business_usage_based",
    rate_limit: limit({
      primary_window: window(1, 5 * HOUR, now, 4 * HOUR),
      tertiary_window: window(9, 3 * DAY, now, 1 * DAY),
    }),
    code_review_rate_limit: limit({ primary_window: window(50, 7 * DAY, now, 3 * DAY) }),
    additional_rate_limits: [
      {
        limit_name: "Example-Spark",
        metered_feature: "example_spark",
        rate_limit: limit({ primary_window: window(20, 1 * DAY, now, 5 * HOUR) }),
      },
      { limit_name: "Without windows" },
      null,
    ],
    spend_control: {
      individual_limit: {
        limit: "100.00",
        used: "40.00",
        remaining: "60.00",
        used_percent: 40,
        remaining_percent: 60,
        reset_at: Math.floor((now + 9 * DAY) / 1_000),
      },
    },
    rate_limit_upsell: { text: "Buy more!" },
    promo: ["something new"],
  }),
  /** Everything null. */
  nulls: (): UsageBody => ({
    plan_type: "plus",
    rate_limit: {
      allowed: null,
      limit_reached: null,
      primary_window: { used_percent: null, limit_window_seconds: null, reset_after_seconds: null, reset_at: null },
      secondary_window: null,
    },
    credits: { has_credits: null, unlimited: null, balance: null },
    additional_rate_limits: null,
    code_review_rate_limit: null,
    rate_limit_reached_type: null,
    spend_control: null,
    rate_limit_reset_credits: null,
  }),
} as const;
