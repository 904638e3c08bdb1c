// `/lease`: shows this machine's lease and does what a person asks for; what gives something up is asked back first.

import { CodexAuthError } from "../errors.ts";
import type { LeaseDeed, LeaseView } from "../lease/service.ts";
import { CODEX_PROVIDER, profileIdFor } from "../profiles/profile-id.ts";
import { requirePerson } from "./approval.ts";
import { refOf, staleButton, type ActionName } from "./button.ts";
import { button, requirePrivate, show, type Turn } from "./context.ts";
import { leaseCard, leaseSubject } from "./lease-card.ts";
import { parseLease, type LeaseCommand } from "./lease-command.ts";
import type { LeaseDoor } from "./lease-door.ts";
import { bold, code, type Line, type Reply } from "./reply.ts";

type Asking = Extract<LeaseCommand, { sure: boolean }>["kind"];

/** Answers `/lease <args>`. */
export async function lease(turn: Turn, args: string): Promise<void> {
  return run(turn, parseLease(args));
}

/** Answers a press of one of the lease's buttons. @throws CodexAuthError `ERR_BUTTON_STALE` where the lease is another one now. */
export async function pressLease(turn: Turn, action: LeaseAction, ref: string): Promise<void> {
  requirePrivate(turn);
  if (action === "lease_autorenew" || action === "lease_autorotate") {
    const what = action === "lease_autorenew" ? "renew" : "rotate";
    const on = refOf("lease-auto", what, "on") === ref;
    return run(turn, { kind: `auto-${what}`, on });
  }
  const { word, isSure } = PRESSES[action];
  const view = await doorOf(turn).view();
  // A press on a card of an earlier lease must not renew, rotate or release this one; a look harms nobody.
  if (word !== "refresh" && refOf(...leaseSubject(isSure ? `${word} yes` : word, view)) !== ref) throw staleButton();
  return run(turn, isAsking(word) ? { kind: word, sure: isSure } : { kind: word });
}

/** The actions of the table that are the lease's. */
export type LeaseAction = Extract<ActionName, `lease_${string}`>;

/** Whether an action is one of the lease's. */
export function isLeaseAction(action: ActionName): action is LeaseAction {
  return action.startsWith("lease_");
}

type Word = Asking | "refresh" | "renew" | "materialize" | "flush";

const PRESSES: Readonly<
  Record<
    Exclude<LeaseAction, "lease_autorenew" | "lease_autorotate">,
    { readonly word: Word; readonly isSure: boolean }
  >
> = {
  lease_refresh: { word: "refresh", isSure: false },
  lease_renew: { word: "renew", isSure: false },
  lease_materialize: { word: "materialize", isSure: false },
  lease_flush: { word: "flush", isSure: false },
  lease_rotate: { word: "rotate", isSure: false },
  lease_rotateyes: { word: "rotate", isSure: true },
  lease_release: { word: "release", isSure: false },
  lease_releaseyes: { word: "release", isSure: true },
  lease_reacquire: { word: "reacquire", isSure: false },
  lease_acquireyes: { word: "reacquire", isSure: true },
  lease_takefile: { word: "takefile", isSure: false },
  lease_fileyes: { word: "takefile", isSure: true },
};

async function run(turn: Turn, command: LeaseCommand): Promise<void> {
  const door = doorOf(turn);
  switch (command.kind) {
    case "help":
      await show(turn, leaseHelp());
      return;
    case "card":
      await show(turn, await cardOf(turn, door));
      return;
    case "refresh":
      return perform(turn, "Looking at the lease…", () => door.act({ kind: "refresh" }, addressOf(turn)));
    case "flush":
      return perform(turn, "Telling the broker what was counted…", () => door.flush());
    case "renew":
      return change(turn, "Renewing…", { kind: "renew" });
    case "materialize":
      return change(turn, "Fetching the leased login…", { kind: "materialize" });
    case "auto-renew":
    case "auto-rotate":
      requirePerson(turn, "change by itself what becomes of the lease");
      return change(turn, "Switching…", command);
    case "rotate":
    case "release":
    case "reacquire":
    case "takefile":
      return giveUp(turn, door, command);
  }
}

/** What cannot be taken back is shown and asked first; a script may not do it at all. */
async function giveUp(turn: Turn, door: LeaseDoor, { kind, sure }: { kind: Asking; sure: boolean }): Promise<void> {
  requirePrivate(turn);
  requirePerson(turn, "change by itself what becomes of the lease");
  const view = await door.view();
  // Where there is no lease, asking for one gives nothing up.
  const isHarmless = kind === "reacquire" && view.record?.status === undefined;
  if (!isHarmless) requireSubject(kind, view);
  if (!sure && !isHarmless) {
    await show(turn, question(turn, kind, view));
    return;
  }
  if (kind === "takefile") return change(turn, "Putting the login of the Codex CLI aside…", { kind: "take-file" });
  const doing = { rotate: "Rotating…", release: "Giving the lease back…", reacquire: "Asking for a lease…" }[kind];
  const leaseId = view.record?.status?.leaseId;
  return change(turn, doing, leaseId === undefined ? { kind } : { kind, leaseId });
}

/** Nobody is asked about what cannot be done anyway. @throws CodexAuthError `ERR_LEASE_NONE`, `ERR_USAGE`. */
function requireSubject(kind: Asking, { record, settings, tokens }: LeaseView): void {
  if (kind === "takefile" && !settings.writeAuthFile) {
    throw new CodexAuthError("ERR_USAGE", {
      message: "The leased login is not written into the Codex CLI's file: `lease.writeAuthFile` is off.",
      next: "Switch it on in the settings; docs/lease.md says what that means.",
    });
  }
  if (record?.status !== undefined || (kind === "release" && tokens !== "none")) return;
  throw new CodexAuthError("ERR_LEASE_NONE", {
    message: "This machine has no lease now.",
    next: "Ask for one: `/lease reacquire`.",
  });
}

function question(turn: Turn, kind: Asking, view: LeaseView): Reply {
  const { provider = CODEX_PROVIDER } = turn.services.store;
  const profile = code(profileIdFor(provider, view.settings.leaseProfileId));
  const questions: Record<
    Asking,
    { readonly lines: readonly Line[]; readonly yes: string; readonly action: ActionName }
  > = {
    rotate: {
      lines: [
        ["Exchange this lease for one on another credential?"],
        ["The earlier credential goes back to the broker, and may be given to another machine."],
      ],
      yes: "Rotate",
      action: "lease_rotateyes",
    },
    release: {
      lines: [
        ["Give the lease back?"],
        ["Its tokens are removed from ", profile, " here, and no new lease is asked for until you say so."],
      ],
      yes: "Release",
      action: "lease_releaseyes",
    },
    reacquire: {
      lines: [
        ["Give this lease back and ask for another one?"],
        ["The broker may give the same credential again, or none if all are taken."],
      ],
      yes: "Reacquire",
      action: "lease_acquireyes",
    },
    takefile: {
      lines: [
        ["Use the leased login in the Codex CLI too (", code(view.settings.authFilePath), ")?"],
        ["The login that is there now is kept as a waiting one: see ", code("/codex_auth parked"), "."],
      ],
      yes: "Use the lease there",
      action: "lease_fileyes",
    },
  };
  const { lines, yes, action } = questions[kind];
  const typed = `/lease ${kind} yes`;
  return {
    lines: [[bold("Lease "), code(view.record?.status?.leaseId ?? "none")], ...lines],
    buttons: [
      [button(turn, action, leaseSubject(`${kind} yes`, view), { label: yes, typed, style: "danger" })],
      [button(turn, "lease_refresh", leaseSubject("refresh", view), { label: "Keep it", typed: "/lease" })],
    ],
  };
}

async function change(turn: Turn, doing: string, deed: LeaseDeed): Promise<void> {
  requirePrivate(turn);
  return perform(turn, doing, () => doorOf(turn).act(deed, addressOf(turn)));
}

/** Says what is being done (a slow broker takes seconds), does it, and shows the card in the same message. */
async function perform(turn: Turn, doing: string, work: () => Promise<unknown>): Promise<void> {
  const door = doorOf(turn);
  const messageId = await show(turn, { lines: [[doing]] });
  try {
    await work();
  } catch (error) {
    await turn.out.edit(messageId, await cardAfter(turn, door, error));
    return;
  }
  await turn.out.edit(messageId, await cardOf(turn, door));
}

/** The card says what failed, since the failure is in the record; the command line needs it as its exit code too. */
async function cardAfter(turn: Turn, door: LeaseDoor, error: unknown): Promise<Reply> {
  if (!(error instanceof CodexAuthError)) throw error;
  const { code: name, message, next } = error;
  const [view, totals] = await Promise.all([door.view(), door.totals()]);
  // It stands above the card: once is enough.
  const isTold = view.record?.problem?.code === name;
  const shown = isTold ? { ...view, record: withoutProblem(view.record) } : view;
  const card = leaseCard(turn, shown, totals);
  return { ...card, lines: [["⚠️ ", message], ["→ ", next], ...card.lines], problem: { code: name, message, next } };
}

function withoutProblem(record: LeaseView["record"]): LeaseView["record"] {
  if (record === undefined) return record;
  const { problem: _told, ...rest } = record;
  return rest;
}

async function cardOf(turn: Turn, door: LeaseDoor): Promise<Reply> {
  const [view, totals] = await Promise.all([door.view(), door.totals()]);
  return leaseCard(turn, view, totals);
}

/** @throws CodexAuthError `ERR_BROKER_NOT_SET`, which says what to set. */
function doorOf(turn: Turn): LeaseDoor {
  return turn.services.lease();
}

function addressOf({ asker }: Turn): { host: string; chatId: string; personId: string } {
  return { host: asker.host, chatId: asker.chatId, personId: asker.personId };
}

function isAsking(word: Word): word is Asking {
  return word === "rotate" || word === "release" || word === "reacquire" || word === "takefile";
}

function helpLine(typed: string, what: string): Line {
  return [code(`/lease${typed}`), ` — ${what}`];
}

function leaseHelp(): Reply {
  return {
    lines: [
      [bold("This machine's lease with the Auth Manager broker")],
      helpLine("", "how it is"),
      helpLine(" refresh", "look again, and do what is due"),
      helpLine(" renew", "renew it now"),
      helpLine(" rotate", "exchange it for one on another credential"),
      helpLine(" release", "give it back; its tokens leave this machine"),
      helpLine(" reacquire", "ask for a lease, giving an earlier one back"),
      helpLine(" auto renew on | off", "renew it before it ends"),
      helpLine(" auto rotate on | off", "exchange it when the broker wants that"),
      helpLine(" materialize", "fetch the leased login and write it out again"),
      helpLine(" takefile", "put the Codex CLI's own login aside for the leased one, where that is switched on"),
      helpLine(" flush", "tell the broker the tokens counted so far"),
    ],
  };
}
