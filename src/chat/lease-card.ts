// The card of the lease: what this machine holds, how it is, what is told, and what can be done about it.

import { cleanText } from "../clean-text.ts";
import { CHAT, LEASE } from "../config/defaults.ts";
import type { LeaseView } from "../lease/service.ts";
import { button, type Turn } from "./context.ts";
import type { Asker } from "./conversation.ts";
import type { UsageSum, UsageTotals } from "./lease-door.ts";
import { bar, count, credentialWords, noteLines, stateWords } from "./lease-words.ts";
import { nameFor } from "./profile-name.ts";
import { bold, code, type ActionButton, type Line, type Reply } from "./reply.ts";
import { when } from "./time-words.ts";
import { problemLines } from "./wording.ts";

type Record = NonNullable<LeaseView["record"]>;

/** What the refs of the card's buttons cover: the lease that is meant, so that a press never hits another one. */
export function leaseSubject(what: string, view: LeaseView): readonly string[] {
  return ["lease", what, view.record?.status?.leaseId ?? "none"];
}

/** The card. */
export function leaseCard(
  turn: Pick<Turn, "services" | "asker">,
  view: LeaseView,
  totals: UsageTotals | undefined,
): Reply {
  const { asker, services } = turn;
  const now = services.now();
  const { settings, record, policy } = view;
  const lines: Line[] = [
    [
      bold("Lease of "),
      code(`${cleanText(settings.machineId, CHAT.maxLabelChars)} / ${cleanText(settings.agentId, CHAT.maxLabelChars)}`),
    ],
    ...statusLines(asker, record, now),
    ...totalsLines(totals),
    profileLine(asker, view, now),
    [`Auto renew ${onOff(policy.autoRenew)}, auto rotate ${onOff(policy.autoRotate)}`],
    keeperLine(record, now),
    ...noteOf(record),
    ...problemsOf(record, now),
  ];
  if (!asker.private) return { lines: [...lines, ["→ Change it in a private chat with me."]] };
  return { lines, buttons: buttonsOf(turn, view) };
}

function statusLines(asker: Pick<Asker, "private">, record: Record | undefined, now: number): readonly Line[] {
  const status = record?.status;
  if (record === undefined || status === undefined) return [["No lease now."]];
  const credential = credentialWords(status.credentialState);
  const label = record.label ?? (asker.private ? record.email : undefined) ?? status.credentialId;
  const use = bar(status.utilizationPct);
  const quota = status.quotaRemaining === undefined ? [] : [`quota left ${count(status.quotaRemaining)}`];
  const isLive = status.state === "active" || status.state === "rotation_required";
  const ends = `, ${status.expiresAtMs > now ? "ends" : "ended"} ${when(status.expiresAtMs, now)}`;
  return [
    [code(cleanText(status.leaseId, CHAT.maxLabelChars)), `: ${stateWords(status.state)}${isLive ? ends : ""}`],
    ["Credential ", bold(shown(asker, label)), credential === undefined ? "" : ` (${credential})`],
    [`Last contact ${when(record.lookedAtMs, now)}`],
    ...(use === undefined && quota.length === 0 ? [] : [[[`Used ${use ?? "unknown"}`, ...quota].join(", ")]]),
  ];
}

function totalsLines(totals: UsageTotals | undefined): readonly Line[] {
  if (totals === undefined) return [];
  const { sent, unsent, unattributed } = totals;
  const lines: Line[] = [[`Told the broker: ${sumWords(sent)}`]];
  if (unsent.requests > 0) lines.push([`Not told yet: ${sumWords(unsent)}`]);
  if (unattributed.requests > 0)
    lines.push([`Of no known lease: ${sumWords(unattributed)}; kept here, told to nobody`]);
  return lines;
}

function sumWords({ requests, tokensIn, tokensOut }: UsageSum): string {
  return `${count(requests)} ${requests === 1 ? "request" : "requests"}, tokens ${count(tokensIn)} in, ${count(tokensOut)} out`;
}

const TOKENS: Readonly<globalThis.Record<LeaseView["tokens"], string>> = {
  stored: "stored",
  "on-their-way": "on its way into the store",
  missing: "not in the store any more",
  none: "nothing leased is stored",
  unknown: "the store cannot be read",
};

function profileLine(asker: Pick<Asker, "private">, { settings, record, tokens }: LeaseView, now: number): Line {
  const name = code(nameFor(asker, settings.leaseProfileId));
  const material = record?.material;
  if (material === undefined) return ["Profile ", name, `: ${TOKENS.none}`];
  const until = `access ${material.expiresAtMs > now ? "ends" : "ended"} ${when(material.expiresAtMs, now)}`;
  return ["Profile ", name, `: ${TOKENS[tokens]}, ${until}`];
}

/** Whether somebody keeps the lease: without contact the broker ends it after three minutes. */
function keeperLine(record: Record | undefined, now: number): Line {
  const atMs = record?.keeper?.atMs;
  if (atMs !== undefined && now - atMs <= LEASE.keeperSilentMs) return [`Kept by itself, last ${when(atMs, now)}`];
  return ["Nobody keeps it: run the bot, or ", code("codex-auth-skill lease keep")];
}

function noteOf(record: Record | undefined): readonly Line[] {
  return record?.note === undefined ? [] : noteLines(record.note);
}

function problemsOf(record: Record | undefined, now: number): readonly Line[] {
  const lines: Line[] = [];
  if (record?.problem !== undefined) {
    lines.push([`Last failure, ${when(record.problem.atMs, now)}:`], ...problemLines(record.problem));
  }
  if (record?.fileProblem !== undefined) lines.push(...problemLines(record.fileProblem));
  return lines;
}

function buttonsOf(turn: Pick<Turn, "services" | "asker">, view: LeaseView): readonly (readonly ActionButton[])[] {
  const { record, policy } = view;
  const on = (what: "renew" | "rotate", isOn: boolean): ActionButton => {
    const to = isOn ? "off" : "on";
    return button(turn, what === "renew" ? "lease_autorenew" : "lease_autorotate", ["lease-auto", what, to], {
      label: `Auto ${what} ${to}`,
      typed: `/lease auto ${what} ${to}`,
    });
  };
  const one = (action: Parameters<typeof button>[1], word: string, label: string): ActionButton =>
    button(turn, action, leaseSubject(word, view), { label, typed: `/lease ${word}` });
  const switches = [on("renew", policy.autoRenew), on("rotate", policy.autoRotate)];
  const refresh = one("lease_refresh", "refresh", "🔄 Refresh");
  if (record?.status === undefined) return [[refresh, one("lease_reacquire", "reacquire", "Acquire")], switches];
  const file =
    record.fileProblem?.code === "ERR_LEASE_FILE_TAKEN"
      ? [[one("lease_takefile", "takefile", "Use the lease in the Codex CLI too…")]]
      : [];
  return [
    [refresh, one("lease_renew", "renew", "Renew"), one("lease_rotate", "rotate", "Rotate…")],
    [one("lease_release", "release", "Release…"), one("lease_reacquire", "reacquire", "Reacquire…")],
    switches,
    [one("lease_materialize", "materialize", "Materialize"), one("lease_flush", "flush", "Flush")],
    ...file,
  ];
}

function shown(asker: Pick<Asker, "private">, label: string): string {
  const clean = cleanText(label, CHAT.maxLabelChars);
  return asker.private || !clean.includes("@") ? clean : `${clean.slice(0, 1)}…`;
}

function onOff(isOn: boolean): string {
  return isOn ? "on" : "off";
}
