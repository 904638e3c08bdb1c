// OpenClaw's notes on how a profile fared: when it was used, and until when it is not to be tried.

import { z } from "zod";

// OpenClaw itself ignores a field of the wrong type here, so one such field must not hide the profile.
const optionalNumber = z.number().optional().catch(undefined);
const optionalText = z.string().optional().catch(undefined);
const usageStatsSchema = z.object({
  lastUsed: optionalNumber,
  cooldownUntil: optionalNumber,
  cooldownReason: optionalText,
  disabledUntil: optionalNumber,
  disabledReason: optionalText,
  /** Only 2026.5.28: the subscription's limit is reached. */
  blockedUntil: optionalNumber,
  blockedReason: optionalText,
});

/** The part of `usageStats[<id>]` that we look at. */
export type UsageStats = z.infer<typeof usageStatsSchema>;

/** Why and until when OpenClaw leaves a profile alone. */
export interface Unusable {
  readonly state: "cooldown" | "disabled";
  readonly untilMs: number;
  readonly reason?: string;
}

/** An entry of `usageStats`, or undefined where it is not an object. */
export function parseUsageStats(entry: unknown): UsageStats | undefined {
  const result = usageStatsSchema.safeParse(entry);
  return result.success ? result.data : undefined;
}

/** Why OpenClaw would not try this profile now, or undefined where it would. */
export function unusableWindow(usage: UsageStats, now: number): Unusable | undefined {
  const windows: readonly (readonly [Unusable["state"], number | undefined, string | undefined])[] = [
    ["disabled", usage.disabledUntil, usage.disabledReason],
    ["cooldown", usage.cooldownUntil, usage.cooldownReason],
    ["cooldown", usage.blockedUntil, usage.blockedReason],
  ];
  const active = windows.flatMap(([state, untilMs, reason]) =>
    untilMs === undefined || untilMs <= now ? [] : [{ state, untilMs, ...safeReason(reason) }],
  );
  const first = active[0];
  // The words are those of the first (a disabled profile needs a person), the end is the last to pass.
  return first === undefined ? undefined : { ...first, untilMs: Math.max(...active.map(({ untilMs }) => untilMs)) };
}

/** OpenClaw's notes of failures about one profile: what {@link withoutCooldown} takes away. No secret is among them. */
export const failureNotesSchema = z.record(z.string(), z.json());
/** One profile's notes of failures, by field; empty = none. */
export type FailureNotes = z.infer<typeof failureNotesSchema>;

const FAILURE_FIELDS =
  /^(cooldown(Until|Reason|Model)|disabled(Until|Reason)|blocked(Until|Reason|Source|Model)|failureCounts)$/;

/** The notes of failures in an entry of `usageStats`. */
export function failureNotes(stats: Readonly<Record<string, unknown>> | undefined): FailureNotes {
  const kept = Object.entries(stats ?? {}).filter(
    ([name, value]) => FAILURE_FIELDS.test(name) || (name === "errorCount" && value !== 0),
  );
  return failureNotesSchema.safeParse(Object.fromEntries(kept)).data ?? {};
}

/** `stats` without the fields that keep a profile from being tried, as OpenClaw's own `clearAuthProfileCooldown` resets them. */
export function withoutCooldown(stats: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const kept = Object.entries(stats).filter(([name]) => !FAILURE_FIELDS.test(name));
  return Object.fromEntries(kept.map(([name, value]) => [name, name === "errorCount" ? 0 : value]));
}

function safeReason(reason: string | undefined): { readonly reason?: string } {
  return reason !== undefined && /^[a-z_]{1,40}$/.test(reason) ? { reason } : {};
}
