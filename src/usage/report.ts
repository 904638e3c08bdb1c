// What is known of an account's usage, in our own words and units; absent always means unknown, never 0.

import { z } from "zod";

/** One window of a limit. */
const usageWindowSchema = z.object({
  /** Its length in seconds. */
  seconds: z.number().optional(),
  /** In percent; may be above 100. */
  usedPercent: z.number().optional(),
  resetAtMs: z.number().optional(),
});

/** One limit with its windows, the shortest first. */
const usageLimitSchema = z.object({
  /** Cleaned; absent for the account's main limit. */
  name: z.string().optional(),
  allowed: z.boolean().optional(),
  reached: z.boolean().optional(),
  windows: z.array(usageWindowSchema),
});

/** Everything that a usage answer says, checked, cleaned and capped; without the account's ids and address. */
export const usageReportSchema = z.object({
  /** Lower case, an open set. */
  planType: z.string().optional(),
  /** The main limit first, where there is one. */
  limits: z.array(usageLimitSchema),
  credits: z
    .object({
      has: z.boolean().optional(),
      unlimited: z.boolean().optional(),
      /** As the provider writes it: a number, in an unknown unit. */
      balance: z.string().optional(),
    })
    .optional(),
  /** A person's own limit in a workspace; amounts as the provider writes them. */
  spend: z
    .object({
      limit: z.string().optional(),
      used: z.string().optional(),
      remaining: z.string().optional(),
      usedPercent: z.number().optional(),
      resetAtMs: z.number().optional(),
    })
    .optional(),
  /** Resets that the person could still ask the provider for; we never do. */
  resetCredits: z.number().optional(),
  /** Which limit was reached, in the provider's words. */
  reachedType: z.string().optional(),
});

/** One window of a limit. */
export type UsageWindow = z.infer<typeof usageWindowSchema>;
/** One limit with its windows. */
export type UsageLimit = z.infer<typeof usageLimitSchema>;
/** What is known of an account's usage. */
export type UsageReport = z.infer<typeof usageReportSchema>;

/** Whether `text` is a finite number, as an amount has to be. */
export function isAmount(text: string): boolean {
  return /^-?\d+(?:\.\d+)?(?:e[+-]?\d+)?$/i.test(text) && Number.isFinite(Number(text));
}

/** Whether `report` has any figure at all; without one it is no reason to forget an earlier one. */
export function hasFigures({ limits, credits, spend }: UsageReport): boolean {
  const windows = limits.flatMap((limit) => limit.windows);
  if (windows.some(({ usedPercent }) => usedPercent !== undefined)) return true;
  return [credits?.balance, spend?.used, spend?.remaining, spend?.usedPercent].some((figure) => figure !== undefined);
}
