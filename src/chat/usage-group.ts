// Usage as a group may see it: what the provider wrote in words may be an address or a link, which is nobody else's business.

import { isAmount, type UsageReport } from "../usage/report.ts";
import type { ProfileUsage } from "../usage/usage-service.ts";

/** `usage` without texts that look like an address or a link, and without amounts that are no numbers. */
export function usageForGroup(usage: ProfileUsage): ProfileUsage {
  const { kept, outcome } = usage;
  return {
    ...usage,
    outcome: outcome.kind === "report" ? { ...outcome, report: reportForGroup(outcome.report) } : outcome,
    ...(kept === undefined ? {} : { kept: { ...kept, report: reportForGroup(kept.report) } }),
  };
}

function reportForGroup(report: UsageReport): UsageReport {
  const { credits, limits, planType, reachedType, spend } = report;
  return {
    ...report,
    planType: harmless(planType),
    // A limit without a name would be taken for the main one.
    limits: limits.map((limit) => (limit.name === harmless(limit.name) ? limit : { ...limit, name: "another limit" })),
    ...(credits === undefined ? {} : { credits: { ...credits, balance: amount(credits.balance) } }),
    ...(spend === undefined
      ? {}
      : {
          spend: {
            ...spend,
            limit: amount(spend.limit),
            used: amount(spend.used),
            remaining: amount(spend.remaining),
          },
        }),
    // That a limit is reached stays.
    reachedType: reachedType === undefined ? undefined : (harmless(reachedType) ?? "rate_limit_reached"),
  };
}

function harmless(text: string | undefined): string | undefined {
  return text === undefined || /[@＠]|:\/\//u.test(text) ? undefined : text;
}

function amount(text: string | undefined): string | undefined {
  return text !== undefined && isAmount(text) ? text : undefined;
}
