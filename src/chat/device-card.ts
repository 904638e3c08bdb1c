// The card of a sign-in by device code: the code and its page, or the link of the same attempt; how it stands, and how it ended.

import { DEVICE } from "../config/defaults.ts";
import type { EndReason } from "../oauth/attempt.ts";
import type { DeviceTrouble } from "../oauth/device-code.ts";
import { shortName } from "../profiles/profile-id.ts";
import { typedName } from "./command.ts";
import { agentFlag, button, type Turn } from "./context.ts";
import type { DeviceSignIn } from "./device-sign-ins.ts";
import { attemptSubject } from "./login-card.ts";
import { nameFor } from "./profile-name.ts";
import { bold, code, type Button, type Line, type Reply } from "./reply.ts";
import { stepLines } from "./sign-in-steps.ts";
import { span } from "./time-words.ts";
import { problemLines } from "./wording.ts";

/** What is known about a sign-in that is not over. */
export type DeviceState = "waiting" | "slowed" | "entered" | DeviceTrouble;

/** What a card is made of. */
export interface DeviceCard {
  readonly signIn: DeviceSignIn;
  /** What the profile holds, and what will become of that. */
  readonly head: readonly Line[];
  readonly page: string;
  /** The link of the same attempt; absent where it has ended. */
  readonly link: string | undefined;
  readonly state: DeviceState;
  readonly now: number;
}

type CardTurn = Pick<Turn, "services" | "asker">;

/** The card as it is now. */
export function deviceCard(turn: CardTurn, card: DeviceCard): Reply {
  const { signIn, head, state } = card;
  if (state === "entered") {
    const name = bold(nameFor(turn.asker, signIn.profileId));
    return { lines: [[name, ": the code was entered, getting the login …"]], isPassing: true };
  }
  const isLink = signIn.view === "link" && card.link !== undefined;
  return {
    lines: [...head, [], ...(isLink ? linkLines(card) : codeLines(card)), [stateWords(card)], ...hintLines(turn, card)],
    buttons: buttonsOf(turn, card, isLink),
    isPassing: true,
  };
}

/** What takes the place of the card when the attempt has ended without our doing, or was given up. */
export function endedCard(turn: CardTurn, { agentId, profileId }: DeviceSignIn, reason: EndReason): Reply {
  const name = bold(nameFor(turn.asker, profileId));
  const again: Line = ["→ Start again with ", code(startCommand(turn, { agentId, profileId })), "."];
  const lines: Record<EndReason, readonly Line[]> = {
    // Whether the link's login came is not known here: its answer tells, and may be an error.
    used: [
      ["The sign-in for ", name, " was taken over by its link; the code is of no use any more."],
      ["See the answer to the link."],
    ],
    denied: [["The sign-in for ", name, " was declined on the sign-in page. Nothing was changed."], again],
    replaced: [["A newer sign-in for ", name, " has replaced this one."]],
    cancelled: [["The sign-in for ", name, " is given up; its code and its link are of no use any more."]],
    leaked: [["The sign-in for ", name, " was stopped: its address was shown where others could read it."], again],
    expired: [["The code for ", name, " has expired. Nothing was changed."], again],
  };
  return { lines: lines[reason] };
}

/** What is said after a kill between the entered code and the login: the code is spent, whatever came of it. */
export function interruptedCard(turn: CardTurn, { agentId, profileId }: DeviceSignIn): Reply {
  const problem = {
    code: "ERR_LOGIN_BURNT",
    message: `This program was stopped while it was getting the login for ${nameFor(turn.asker, profileId)}. Nothing was changed.`,
    next: `Start again with \`${startCommand(turn, { agentId, profileId })}\`: a code works only once.`,
  };
  return { lines: problemLines(problem), problem };
}

/** What the old message says after the card has moved to a new one. */
export const movedCard: Reply = { lines: [["This sign-in goes on below."]], isPassing: true };

function codeLines({ signIn }: DeviceCard): readonly Line[] {
  return [
    ["1. Open the page and sign in with the account for this profile."],
    ["2. Enter this code there: ", code(signIn.userCode)],
    ["It goes on here by itself then; nothing has to be pasted."],
    [
      "⚠️ Enter it only because you have just asked for it here. If a website or another person gives you a code, never enter that one.",
    ],
  ];
}

function linkLines({ signIn }: DeviceCard): readonly Line[] {
  return [...stepLines(undefined), ["The code ", code(signIn.userCode), " goes on working until then."]];
}

function stateWords({ signIn, state, now }: DeviceCard): string {
  const left = Math.max(0, signIn.expiresAtMs - now);
  const steps = span(Math.max(DEVICE.leftStepMs, Math.ceil(left / DEVICE.leftStepMs) * DEVICE.leftStepMs));
  const words: Record<DeviceState, string> = {
    waiting: "Waiting for you",
    slowed: "Waiting for you; the sign-in server asks me to look less often",
    silent: "The sign-in server does not answer at the moment; I go on asking",
    busy: "The sign-in server asks for fewer requests; I wait as long as it says",
    server: "The sign-in server has a problem of its own at the moment; I go on asking",
    blocked: "Something in front of the sign-in server blocks this machine at the moment; I go on asking",
    entered: "The code was entered",
  };
  return `⏳ ${words[state]}. At most ${steps} are left.`;
}

/** Most people meet this setting only behind their second factor (§1.6), so it is named before they give up. */
function hintLines({ asker, services }: CardTurn, { signIn, now }: DeviceCard): readonly Line[] {
  if (signIn.view === "link" || now - signIn.startedAtMs < DEVICE.hintAfterMs) return [];
  return [
    [
      "Is the code refused? Device codes are off at first: in ChatGPT, Settings → Security, switch on ",
      bold("device code authorization for Codex"),
      " (in a workspace its admin does).",
      ...(services.codesOnly?.(asker) === true ? [] : [" Or choose ", bold("Paste instead"), "."]),
    ],
  ];
}

function buttonsOf(turn: CardTurn, card: DeviceCard, isLink: boolean): readonly (readonly Button[])[] {
  const { signIn, page, link } = card;
  const name = `${shortName(signIn.profileId)}${agentFlag(turn, signIn.agentId)}`;
  const cancel = button(turn, "codex_auth_stop", attemptSubject(signIn), {
    label: "Cancel",
    typed: "/codex_auth cancel",
  });
  if (isLink && link !== undefined) {
    const back = button(turn, "codex_auth_device", attemptSubject(signIn), {
      label: "Use the code",
      typed: `/codex_auth device ${name}`,
    });
    return [[{ kind: "url", label: "Open the sign-in page", url: link }], [back], [cancel]];
  }
  const open: Button = { kind: "url", label: "Open the page for the code", url: page };
  if (turn.services.codesOnly?.(turn.asker) === true) return [[open], [cancel]];
  const paste = button(turn, "codex_auth_paste", attemptSubject(signIn), {
    label: "Paste instead",
    typed: `/codex_auth paste ${name}`,
  });
  return [[open], [paste], [cancel]];
}

function startCommand(turn: CardTurn, { agentId, profileId }: Pick<DeviceSignIn, "agentId" | "profileId">): string {
  return `/codex_auth ${typedName(profileId)}${agentFlag(turn, agentId)}`;
}
