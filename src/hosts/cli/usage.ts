// `usage`: how much of the logins' limits is used; asks the provider and changes nothing.

import { cleanText } from "../../clean-text.ts";
import { CHAT } from "../../config/defaults.ts";
import { CodexAuthError } from "../../errors.ts";
import { resolveSelector } from "../../profiles/selector.ts";
import { shortName } from "../../profiles/profile-id.ts";
import type { StoreSnapshot } from "../../profiles/store.ts";
import type { ProfileSummary } from "../../profiles/summary.ts";
import type { ProfileUsage, UsageService } from "../../usage/usage-service.ts";
import { openUsage } from "../usage.ts";
import type { CommandRun } from "./call.ts";
import type { Result } from "./io.ts";
import { atNumber, openSession, profileWord } from "./open.ts";
import { plotUsage } from "./usage-plot.ts";

/** Checks one profile, or all where none is named; with `--json` as data, with `--plot` also the last two weeks. */
export const usage: CommandRun = async (call) => {
  const { session, parts, result } = await openSession(call, { readOnly: true });
  const { agentId } = parts.config;
  const store = await parts.store.read(agentId);
  const word = profileWord(call) ?? "all";
  const isAll = word.toLowerCase() === "all";
  const wanted = isAll ? store.summaries : selected(word, store);
  const isPlot = call.options["plot"] === true;
  const service = openUsage(parts);
  if (call.output.isJson) return asData(service, { agentId, wanted, isPlot });
  const one = isAll ? undefined : wanted[0]?.id;
  const what = one === undefined ? ({ kind: "all" } as const) : ({ kind: "profile", profileId: one } as const);
  await session.take({ kind: "usage", command: { ...what, agentId } });
  if (isPlot) {
    for (const profile of wanted) {
      const title = cleanText(shortName(profile.id), CHAT.maxLabelChars);
      const chart = plotUsage(title, await service.history(agentId, profile), parts.now());
      call.output.progress(`\n${chart}`);
    }
  }
  return result();
};

interface Wanted {
  readonly agentId: string;
  readonly wanted: readonly ProfileSummary[];
  readonly isPlot: boolean;
}

async function asData(service: UsageService, { agentId, wanted, isPlot }: Wanted): Promise<Result> {
  const usages = await service.check(
    agentId,
    wanted.map(({ id }) => id),
  );
  const profiles = await Promise.all(
    wanted.map(async (profile, index) => {
      const history = isPlot ? { history: await service.history(agentId, profile) } : {};
      const found = usages[index];
      return { id: profile.id, ...(found === undefined ? {} : dataOf(found)), ...history };
    }),
  );
  const isNone = usages.length > 0 && usages.every(({ outcome }) => outcome.kind !== "report");
  return { data: { agentId, profiles }, ...(isNone ? { problem: unavailable } : {}) };
}

const unavailable = {
  code: "ERR_USAGE_UNAVAILABLE",
  message: "No profile's usage could be seen now.",
  next: "The outcome of each profile says why; nothing was changed.",
};

/** `seenAtMs` tells how old the report is: it is an earlier one wherever the outcome is not `report`. */
function dataOf({ atMs, kept, outcome }: ProfileUsage): Readonly<Record<string, unknown>> {
  if (outcome.kind === "report") {
    const { report, isConfirmed } = outcome;
    return { outcome: "report", isConfirmed, checkedAtMs: atMs, seenAtMs: atMs, report };
  }
  const { kind, ...details } = outcome;
  return { outcome: kind, ...details, checkedAtMs: atMs, seenAtMs: kept?.atMs ?? null, report: kept?.report ?? null };
}

/** @throws CodexAuthError `ERR_PROFILE_UNKNOWN` where there is no such profile, and what a selector throws. */
function selected(word: string, { provider, summaries }: StoreSnapshot): readonly ProfileSummary[] {
  const ids = summaries.map(({ id }) => id);
  const { profileId } = resolveSelector(atNumber(word, ids, "list"), ids, provider);
  const profile = summaries.find(({ id }) => id === profileId);
  if (profile !== undefined) return [profile];
  throw new CodexAuthError("ERR_PROFILE_UNKNOWN", {
    message: "There is no Codex profile of that name.",
    next: "See them with `codex-auth-skill list`.",
  });
}
