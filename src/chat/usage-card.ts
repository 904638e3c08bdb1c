// The replies of `/codex_usage`: the profiles to choose from, and what came of a check, with the buttons that follow from it.

import { cleanText } from "../clean-text.ts";
import { CHAT, PLUGIN } from "../config/defaults.ts";
import { resolveSelector } from "../profiles/selector.ts";
import { shortName } from "../profiles/profile-id.ts";
import type { StoreSnapshot } from "../profiles/store.ts";
import type { ProfileSummary } from "../profiles/summary.ts";
import type { KeptUsage, ProfileUsage } from "../usage/usage-service.ts";
import { subjectOf } from "./change-preview.ts";
import { clock, zoneNote } from "./clock-words.ts";
import { typedForUsage } from "./codex-usage-command.ts";
import { typedName } from "./command.ts";
import { agentFlag, button, type Turn } from "./context.ts";
import { loginSubject } from "./picker.ts";
import { nameFor } from "./profile-name.ts";
import { bold, code, plainText, type ActionButton, type Line, type Reply } from "./reply.ts";
import { when } from "./time-words.ts";
import { usageForGroup } from "./usage-group.ts";
import { briefWords, keptWords, outcomeWords, planWords, reportLines, type Reader } from "./usage-words.ts";

type Parts = Pick<Turn, "services" | "asker">;

/** How many profiles are shown in full, and how many by their main limit; more of them get one line each. */
const IN_FULL = 4;
const IN_SHORT = 15;
/** What fits into a message of every host. */
const MAX_CHARS = Math.min(CHAT.maxReplyChars, PLUGIN.maxTextChars);
const MAX_BRIEF_NAME = 20;

/** How much is said of each profile. */
type Detail = "full" | "short" | "brief" | "least";

/** What the ref of the picker's button covers. */
export function menuSubject(agentId: string): readonly string[] {
  return ["usage-menu", agentId];
}

/** What the ref of the button for all profiles covers. */
export function allSubject(agentId: string): readonly string[] {
  return ["usage-all", agentId];
}

/** What the ref of one profile's button covers. */
export function oneSubject(agentId: string, profileId: string): readonly string[] {
  return ["usage", agentId, profileId];
}

/** The picker: default, all, and each profile with what was seen last. */
export function usageMenu(turn: Parts, store: StoreSnapshot, known: ReadonlyMap<string, KeptUsage>): Reply {
  const { asker, services } = turn;
  const now = services.now();
  const { agentId, summaries } = store;
  if (summaries.length === 0)
    return { lines: [["There is no Codex profile yet: ", code("/codex_auth"), " makes one."]] };
  const lines = summaries.map(({ id }, index): Line => {
    const kept = known.get(id);
    const words = kept === undefined ? "not seen in the last two weeks" : keptWords(kept, now);
    return [`${index + 1}. `, bold(nameFor(asker, id)), `: ${words}`];
  });
  const head: Line = [bold("Usage"), " — of which profile?"];
  const flag = agentFlag(turn, agentId);
  if (!asker.private) return { lines: [head, ...lines, ["→ Send ", code("/codex_usage <profile>"), "."]] };
  const ids = summaries.map(({ id }) => id);
  const first = resolveSelector("default", ids, store.provider).profileId;
  const look = { label: `Default (${nameFor(asker, first)})`, typed: `/codex_usage default${flag}` };
  return {
    lines: [head, ...lines],
    buttons: [
      [
        button(turn, "codex_usage_one", oneSubject(agentId, first), look),
        allButton(turn, agentId, `All ${summaries.length}`),
      ],
      ...ids.map((id) => [oneButton(turn, agentId, id, nameFor(asker, id), true)]),
    ],
    choices: ids.map((id) => shortName(id)),
    choiceCommand: "/codex_usage",
  };
}

/** What came of a check: as much of each profile as fits, and none of them is missing. */
export async function usageReply(
  turn: Parts,
  store: StoreSnapshot,
  seen: readonly ProfileUsage[],
  scope: "one" | "all",
): Promise<Reply> {
  const usages = turn.asker.private ? seen : seen.map(usageForGroup);
  const found = { usages, renewals: await renewalsOf(turn, store.agentId, usages), scope };
  const details: readonly Detail[] = [
    ...(usages.length <= IN_FULL ? (["full"] as const) : []),
    ...(usages.length <= IN_SHORT ? (["short"] as const) : []),
    "brief",
  ];
  const replies = details.map((detail) => replyWith(turn, store, found, detail));
  return replies.find((reply) => plainText(reply).length <= MAX_CHARS) ?? replyWith(turn, store, found, "least");
}

interface Found {
  readonly usages: readonly ProfileUsage[];
  readonly renewals: Awaited<ReturnType<typeof renewalsOf>>;
  readonly scope: "one" | "all";
}

function replyWith(turn: Parts, store: StoreSnapshot, found: Found, detail: Detail): Reply {
  const { asker, services } = turn;
  const { scope, usages } = found;
  const reader = { now: services.now(), timeZone: services.timeZone };
  const isBrief = detail === "brief" || detail === "least";
  const lines = usages.flatMap((usage, index) => {
    if (isBrief) return [briefLine(turn, usage, reader.now, detail === "least")];
    const profile = store.summaries.find(({ id }) => id === usage.profileId);
    return [...(index === 0 ? [] : [[]]), ...profileLines(turn, usage, profile, reader, detail === "short")];
  });
  if (detail !== "full") lines.push(["In short; ", code("/codex_usage <profile>"), " tells all about one."]);
  const renewals = isBrief ? [] : found.renewals;
  lines.push(...renewals.flatMap(({ line }) => (line === undefined ? [] : [line])));
  const hasTimes = !isBrief && usages.some(({ outcome, kept }) => outcome.kind === "report" || kept !== undefined);
  if (hasTimes) lines.push(...zoneNote(services.timeZone));
  const problem = problemOf(usages, reader);
  const reply = { lines, ...(problem === undefined ? {} : { problem }) };
  if (!asker.private) return reply;
  const again =
    scope === "all"
      ? allButton(turn, store.agentId, "Check again")
      : usages.map(({ profileId }) => oneButton(turn, store.agentId, profileId, "Check again", false));
  const choose = button(turn, "codex_usage_menu", menuSubject(store.agentId), {
    label: "Other profiles",
    typed: `/codex_usage${agentFlag(turn, store.agentId)}`,
  });
  return {
    ...reply,
    buttons: [...renewals.flatMap(({ row }) => (row === undefined ? [] : [[row]])), [again, choose].flat()],
  };
}

function briefLine({ asker }: Parts, usage: ProfileUsage, now: number, isLeast: boolean): Line {
  const name = nameFor(asker, usage.profileId);
  return [bold(isLeast ? cleanText(name, MAX_BRIEF_NAME) : name), `: ${briefWords(usage, now, isLeast)}`];
}

function profileLines(
  { asker }: Parts,
  { atMs, kept, outcome, profileId, renewsItself }: ProfileUsage,
  profile: ProfileSummary | undefined,
  reader: Reader,
  isShort: boolean,
): readonly Line[] {
  const report = outcome.kind === "report" ? outcome.report : kept?.report;
  const email =
    asker.private && profile?.email !== undefined ? cleanText(profile.email, CHAT.maxLabelChars) : undefined;
  const head: Line = [
    bold(nameFor(asker, profileId)),
    email === undefined ? "" : ` · ${email}`,
    report === undefined ? "" : ` (${planWords(report)})`,
  ];
  if (outcome.kind === "report") {
    const doubt: readonly Line[] = outcome.isConfirmed ? [] : [["The answer does not say whose figures these are."]];
    const isOld = reader.now - atMs >= 1_000;
    const age: readonly Line[] = isOld ? [[`As seen ${when(atMs, reader.now)}.`]] : [];
    return [head, ...age, ...reportLines(outcome.report, reader, isShort), ...doubt];
  }
  const why = `⚠️ ${outcomeWords(outcome, renewsItself, reader) ?? ""}`;
  if (kept === undefined) return [head, [why]];
  const ago = reader.now - kept.atMs < 1_000 ? "just now" : when(kept.atMs, reader.now);
  const seen = `As it was ${ago} (${clock(kept.atMs, reader.now, reader.timeZone)}):`;
  return [head, [why], [seen], ...reportLines(kept.report, reader, isShort)];
}

/** The way to a fresh sign-in for whoever needs one; what another program or the lease keeps is renewed there. */
async function renewalsOf(
  turn: Parts,
  agentId: string,
  usages: readonly ProfileUsage[],
): Promise<readonly { readonly line?: Line; readonly row?: ActionButton }[]> {
  const needing = usages.filter(({ outcome }) => outcome.kind === "renew" || outcome.kind === "expired");
  return Promise.all(
    needing.map(async ({ profileId }) => {
      const name = nameFor(turn.asker, profileId);
      const keeper = await subjectOf(turn, agentId, profileId).then(
        (subject) => subject.keeper,
        () => undefined,
      );
      if (keeper?.kind === "lease") return { line: [bold(name), " is the leased login: see ", code("/lease"), "."] };
      if (keeper?.kind === "program") return { line: [bold(name), ` is kept by ${keeper.name}, which renews it.`] };
      const label = `Sign in again: ${name}`;
      const typed = `/codex_auth ${typedName(profileId)}${agentFlag(turn, agentId)}`;
      return { row: button(turn, "codex_auth_login", loginSubject(agentId, profileId), { label, typed }) };
    }),
  );
}

/** A check that brought nobody's figures has failed; the command line makes its exit code of it. */
function problemOf(usages: readonly ProfileUsage[], reader: Reader): Reply["problem"] {
  const [first] = usages;
  if (first === undefined || usages.some(({ outcome }) => outcome.kind === "report")) return undefined;
  const message =
    usages.length === 1
      ? (outcomeWords(first.outcome, first.renewsItself, reader) ?? "")
      : "No profile's usage could be seen now.";
  return {
    code: "ERR_USAGE_UNAVAILABLE",
    message,
    next: "See the reasons with `/codex_usage all`; nothing was changed.",
  };
}

function oneButton(turn: Parts, agentId: string, profileId: string, label: string, inList: boolean): ActionButton {
  const typed = `/codex_usage ${typedForUsage(profileId)}${agentFlag(turn, agentId)}`;
  const look = { label, typed, ...(inList ? { inList: true as const } : {}) };
  return button(turn, "codex_usage_one", oneSubject(agentId, profileId), look);
}

function allButton(turn: Parts, agentId: string, label: string): ActionButton {
  const typed = `/codex_usage all${agentFlag(turn, agentId)}`;
  return button(turn, "codex_usage_all", allSubject(agentId), { label, typed });
}
