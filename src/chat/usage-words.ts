// Usage in words: windows as bars, what is left and when it comes back; what is not known is called unknown, never 0.

import { cleanText } from "../clean-text.ts";
import { CHAT, USAGE_CHECK } from "../config/defaults.ts";
import type { UsageLimit, UsageReport, UsageWindow } from "../usage/report.ts";
import type { KeptUsage, ProfileUsage, UsageOutcome } from "../usage/usage-service.ts";
import { leftPercent, windowAt, windowLabel } from "../usage/windows.ts";
import { clock } from "./clock-words.ts";
import { bold, code, type Line } from "./reply.ts";
import { when } from "./time-words.ts";

/** When and where a reply is read. */
export interface Reader {
  readonly now: number;
  /** Default: UTC. */
  readonly timeZone?: string | undefined;
}

const CELLS = 10;

/** Why there are no figures, where there is no room for a sentence. */
const BRIEF = {
  renew: "sign-in",
  expired: "expired",
  "no-token": "no token",
  blocked: "blocked",
  refused: "refused",
  busy: "asked too often",
  "other-account": "another account answered",
  trouble: "no answer",
} as const satisfies Record<Exclude<UsageOutcome["kind"], "report">, string>;

const NO_ANSWER = {
  unreachable: "The provider could not be reached from this machine.",
  timeout: "The provider did not answer in time.",
  broken: "The connection to the provider broke off.",
} as const;

/** Everything that `report` says; `isShort` leaves out what stands beside the main limit. */
export function reportLines(report: UsageReport, reader: Reader, isShort = false): readonly Line[] {
  const main = report.limits.filter(({ name }) => name === undefined);
  const others = report.limits.filter(({ name }) => name !== undefined);
  const windows = main.flatMap(({ windows: all }) => all);
  const lines: Line[] = windows.length === 0 ? [["The windows of its limit are unknown: the answer names none."]] : [];
  lines.push(...windows.map((window) => windowLine(window, reader)));
  const reached = reachedLine(report, reader.now);
  if (reached !== undefined) lines.push(reached);
  if (isShort) return lines;
  return [
    ...lines,
    ...creditLines(report),
    ...spendLines(report, reader),
    ...others.flatMap((one) => otherLines(one, reader)),
  ];
}

/** "5 h 32 % used, week 71 % used, seen 12 min ago": what fits under a profile in a list. */
export function keptWords({ atMs, report }: KeptUsage, now: number): string {
  const main = report.limits.find(({ name }) => name === undefined);
  const words = (main?.windows ?? []).map((window) => {
    const { seconds, usedPercent } = windowAt(window, now);
    const isOver = usedPercent === undefined && window.usedPercent !== undefined;
    return `${windowLabel(seconds)} ${isOver ? "has reset since" : usedWords(usedPercent)}`;
  });
  return `${words.length === 0 ? "use unknown" : words.join(", ")}, seen ${when(atMs, now)}`;
}

/** A profile in a few words, where there are too many for more; `isLeast` gives the figures alone. */
export function briefWords(
  { kept, outcome }: Pick<ProfileUsage, "kept" | "outcome">,
  now: number,
  isLeast: boolean,
): string {
  const report = outcome.kind === "report" ? outcome.report : kept?.report;
  const main = report?.limits.filter(({ name }) => name === undefined) ?? [];
  const windows = main.flatMap((limit) => limit.windows.map((window) => windowAt(window, now)));
  const isReached = report !== undefined && reachedLine(report, now) !== undefined;
  const figures = isLeast
    ? windows.map(({ usedPercent }) => (usedPercent === undefined ? "?" : percent(usedPercent))).join(", ")
    : windows.map(({ seconds, usedPercent }) => `${windowLabel(seconds)} ${usedWords(usedPercent)}`).join(", ");
  const known = `${isReached ? "⛔ " : ""}${figures === "" ? "use unknown" : figures}`;
  if (outcome.kind === "report") return known;
  const seen = kept === undefined ? "" : isLeast ? ` (${known})` : `; ${known}, seen ${when(kept.atMs, now)}`;
  return `⚠️ ${BRIEF[outcome.kind]}${seen}`;
}

/** Why there are no figures; undefined where there are. */
export function outcomeWords(outcome: UsageOutcome, renewsItself: boolean, reader: Reader): string | undefined {
  switch (outcome.kind) {
    case "report":
      return undefined;
    case "renew":
      return "The sign-in needs renewal: its access token is not taken any more. Nothing was changed.";
    case "expired": {
      const ago = when(outcome.expiredAtMs, reader.now);
      const then = renewsItself
        ? "OpenClaw renews it at its next use, or you sign in again."
        : "The sign-in needs renewal.";
      return `Its access token expired ${ago}, so nobody was asked. ${then}`;
    }
    case "no-token":
      return "There is no access token to ask with, or it is being renewed right now.";
    case "blocked":
      return "The provider blocked the check. That says nothing about the sign-in.";
    case "refused":
      return `The provider does not give this account's usage (HTTP ${outcome.status}): its plan or workspace may not have Codex.`;
    case "busy":
      return `The provider wants fewer questions; ask again ${when(outcome.retryAtMs, reader.now)}.`;
    case "other-account":
      return "Unavailable (another account answered).";
    case "trouble":
      return outcome.status === undefined
        ? NO_ANSWER[outcome.how ?? "broken"]
        : `The provider gave no usable answer (HTTP ${outcome.status}).`;
  }
}

/** The plan as the provider calls it. */
export function planWords({ planType }: UsageReport): string {
  return planType === undefined ? "plan unknown" : cleanText(planType, USAGE_CHECK.maxLabelChars);
}

function windowLine(window: UsageWindow, { now, timeZone }: Reader): Line {
  const current = windowAt(window, now);
  const { seconds, usedPercent, resetAtMs } = current;
  const label = bold(windowLabel(seconds));
  if (usedPercent === undefined && window.usedPercent !== undefined && resetAtMs !== undefined)
    return [label, `: has reset since, ${when(resetAtMs, now)}; use unknown`];
  const reset =
    resetAtMs === undefined
      ? "reset unknown"
      : `${resetAtMs > now ? "resets" : "has reset"} ${when(resetAtMs, now)} (${clock(resetAtMs, now, timeZone)})`;
  const left = leftPercent(current);
  if (usedPercent === undefined || left === undefined) return [label, `: use unknown; ${reset}`];
  const filled = Math.min(CELLS, Math.round((usedPercent / 100) * CELLS));
  const bar = "▓".repeat(filled) + "░".repeat(CELLS - filled);
  return [label, `: ${bar} ${usedWords(usedPercent)}, ${percent(left)} left; ${reset}`];
}

function reachedLine(report: UsageReport, now: number): Line | undefined {
  const main = report.limits.filter(({ name }) => name === undefined);
  const windows = main.flatMap(({ windows: all }) => all);
  const isReached =
    main.some(({ allowed, reached }) => reached === true || allowed === false) || report.reachedType !== undefined;
  return isReached && !haveAllReset(windows, now) ? [`⛔ The limit is reached${reachedWords(report)}.`] : undefined;
}

/** An earlier "reached" holds no longer than the windows that it was said of. */
function haveAllReset(windows: readonly UsageWindow[], now: number): boolean {
  return windows.length > 0 && windows.every(({ resetAtMs }) => resetAtMs !== undefined && resetAtMs <= now);
}

function otherLines({ name = "", windows, reached }: UsageLimit, reader: Reader): readonly Line[] {
  const label = cleanText(name, CHAT.maxLabelChars);
  const lines = windows.map((window): Line => [`${label} · `, ...windowLine(window, reader)]);
  if (windows.length === 0) lines.push([`${label}: unknown`]);
  return reached === true && !haveAllReset(windows, reader.now)
    ? [...lines, [`⛔ ${label}: the limit is reached.`]]
    : lines;
}

function creditLines({ credits, resetCredits }: UsageReport): readonly Line[] {
  const resets: readonly Line[] =
    resetCredits === undefined || resetCredits === 0
      ? []
      : [[`Limit resets to spend: ${resetCredits}. Only you can spend them, at the provider.`]];
  if (credits === undefined) return resets;
  const { has, unlimited, balance } = credits;
  if (unlimited === true) return [["Credits: unlimited"], ...resets];
  if (balance !== undefined) return [["Credits: ", code(balance)], ...resets];
  return [[`Credits: ${has === false ? "none" : "unknown"}`], ...resets];
}

function spendLines({ spend }: UsageReport, { now, timeZone }: Reader): readonly Line[] {
  if (spend === undefined) return [];
  const { limit, used, remaining, usedPercent, resetAtMs } = spend;
  const share = usedPercent === undefined ? "" : ` (${percent(usedPercent)})`;
  const reset = resetAtMs === undefined ? "" : `; resets ${when(resetAtMs, now)} (${clock(resetAtMs, now, timeZone)})`;
  const of = limit === undefined ? "" : ` of ${limit}`;
  return [[`Your spending: ${used ?? "unknown"}${of} used${share}, ${remaining ?? "unknown"} left${reset}`]];
}

function reachedWords({ reachedType }: UsageReport): string {
  return reachedType === undefined || reachedType === "rate_limit_reached"
    ? ""
    : ` (${reachedType.replaceAll("_", " ")})`;
}

function usedWords(usedPercent: number | undefined): string {
  return usedPercent === undefined ? "use unknown" : `${percent(usedPercent)} used`;
}

/** A little that is used is not called nothing, and a little that is left neither. */
function percent(value: number): string {
  return value > 0 && value < 1 ? "<1 %" : `${Math.round(value)} %`;
}
