// What of an OpenClaw usage export goes to the broker: the numbers that it reads, by day and by session, and no text but ids. Pure.

import { z } from "zod";
import { DAY } from "../config/defaults.ts";
import { fingerprint } from "../secrets/fingerprint.ts";

/** The part of an export that is sent. */
export interface UsageExport {
  readonly totals: Row;
  readonly daily: readonly Row[];
  readonly sessions: readonly Row[];
}
type Row = Readonly<Record<string, string | number | Readonly<Record<string, unknown>>>>;

/** An export, as far as the broker insists on it: it answers 500 to anything else (facts/lease-broker.md §3.7). */
export const usageExportSchema = z.object({
  totals: z.record(z.string(), z.unknown()),
  daily: z.array(z.unknown()),
  sessions: z.array(z.unknown()).nullish(),
});

/** Larger counts are no counts. */
const MAX_COUNT = 1e15;
/** `agent:main:main`: a session that names nobody. */
const PLAIN_KEY = /^agent:[A-Za-z0-9_-]{1,64}:main$/;
const AGENT_ID = /^[A-Za-z0-9_-]{1,64}$/;

const count = z.number().int().min(0).max(MAX_COUNT);
const cost = z.number().min(0).max(MAX_COUNT);
const date = z.iso.date();

/** The name that the broker reads, and the other one that an export may use for the same number. */
const TOTALS = fields(
  ["input", "inputTokens"],
  ["output", "outputTokens"],
  ["cacheRead", "cacheReadTokens"],
  ["cacheWrite", "cacheWriteTokens"],
  ["totalTokens"],
  ["missingCostEntries"],
);
const COSTS = fields(["inputCost"], ["outputCost"], ["cacheReadCost"], ["cacheWriteCost"], ["totalCost"]);
// OpenClaw says `input` in a session's usage; the broker reads `inputTokens` there.
const SESSION = fields(
  ["inputTokens", "input"],
  ["outputTokens", "output"],
  ["cacheReadTokens", "cacheRead"],
  ["cacheWriteTokens", "cacheWrite"],
  ["totalTokens"],
  ["durationMs"],
);

/**
 * Keeps the last `days` days; a date is the gateway's own time zone's, so the day before the first and the one after today may be
 * among them. A row without what names it is left out, as the broker would do.
 */
export function trimUsageExport(
  found: z.infer<typeof usageExportSchema>,
  { days, nowMs }: { readonly days: number; readonly nowMs: number },
): UsageExport {
  const first = isoDate(nowMs - days * DAY);
  const last = isoDate(nowMs + DAY);
  const byDate = found.daily.flatMap((row) => {
    const day = date.safeParse(asRow(row)["date"]);
    if (!day.success || day.data < first || day.data > last) return [];
    return [[day.data, { date: day.data, ...numbers(row) }] as const];
  });
  return {
    totals: numbers(found.totals),
    // The broker keeps the last row of a day and of a session: so do we.
    daily: [...new Map(byDate).entries()].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row),
    sessions: [...new Map((found.sessions ?? []).flatMap(session)).values()],
  };
}

function session(row: unknown): readonly (readonly [string, Row])[] {
  const { key, updatedAt, agentId, usage: nested, ...flat } = asRow(row);
  const when = count.safeParse(updatedAt);
  if (typeof key !== "string" || key.trim() === "" || !when.success) return [];
  const usage = asRow(nested);
  const agent = typeof agentId === "string" && AGENT_ID.test(agentId) ? { agentId } : {};
  // The key of a direct chat holds a telephone number or a person's id, and the broker needs no more
  // than to know it again. (Whoever has the broker's database could still try numbers out.)
  const name = PLAIN_KEY.test(key) ? key : fingerprint(key);
  const sent = {
    key: name,
    ...agent,
    updatedAt: when.data,
    usage: {
      ...pick(flat, SESSION, count),
      ...pick(usage, SESSION, count),
      ...pick({ ...flat, ...usage }, fields(["totalCost"]), cost),
      ...part("messageCounts", pick(asRow(usage["messageCounts"]), fields(["total"], ["errors"]), count)),
      ...part("toolUsage", pick(asRow(usage["toolUsage"]), fields(["totalCalls"]), count)),
    },
    ...pick(flat, fields(["messages"], ["errors"], ["toolCalls"]), count),
  };
  return [[`${"agentId" in agent ? agent.agentId : ""}\n${name}`, sent]];
}

function numbers(row: unknown): Record<string, number> {
  return { ...pick(asRow(row), TOTALS, count), ...pick(asRow(row), COSTS, cost) };
}

function pick(
  row: Record<string, unknown>,
  names: readonly (readonly string[])[],
  type: z.ZodNumber,
): Record<string, number> {
  return Object.fromEntries(
    names.flatMap((aliases) => {
      const value = aliases.map((name) => type.safeParse(row[name]).data).find((found) => found !== undefined);
      return value === undefined ? [] : [[aliases[0] ?? "", value] as const];
    }),
  );
}

function part(name: string, values: Record<string, number>): Record<string, Record<string, number>> {
  return Object.keys(values).length === 0 ? {} : { [name]: values };
}

function fields(...names: readonly (readonly string[])[]): readonly (readonly string[])[] {
  return names;
}

function asRow(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : {};
}

function isoDate(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}
