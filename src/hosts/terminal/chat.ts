// The chat in a terminal: the arrow keys press the buttons of the last answer, commands can be typed, an address is typed unseen.

import type { ActionButton } from "../../chat/reply.ts";
import type { Arrivals } from "./arrivals.ts";
import type { Choice, TerminalUi } from "./ui.ts";
import type { TerminalSession } from "./session.ts";
import { isCodeCard } from "./waiting.ts";

/** What the chat runs on. */
export interface TerminalChat {
  readonly ui: TerminalUi;
  readonly session: TerminalSession;
  /** The store that changes go to, named before the first one; undefined where nothing real can change (the sandbox). */
  readonly realStore: string | undefined;
  /** Further things to choose, asked for each time. */
  readonly extras?: () => readonly { readonly label: string; readonly act: () => Promise<void> }[];
  /** What comes from outside of this terminal, such as a browser that is back. Default: nothing does. */
  readonly arrivals?: Arrivals;
}

type Act =
  | { readonly kind: "press"; readonly button: ActionButton }
  | { readonly kind: "extra"; readonly act: () => Promise<void> }
  | { readonly kind: "show" | "type" | "paste" | "quit" };

// What only shows something needs no consent.
const HARMLESS = /^\/(?:codex_auth(?: (?:status|parked|help|cancel|new|reload)\b.*)?|codex_usage(?: .*)?)$/;

/** Talks until the person quits. */
export async function runTerminalChat(chat: TerminalChat): Promise<void> {
  const { arrivals, session, ui } = chat;
  let hasAgreed = chat.realStore === undefined;
  if (chat.realStore !== undefined) ui.print(`This chat works on the real store ${chat.realStore}.`);
  await session.deliver();
  await session.take({ kind: "command", name: "codex_auth", args: "" });
  // Below the list: what a killed terminal has left is gone on with, and its buttons are those that can be pressed.
  await session.resume();
  for (;;) {
    await arrivals?.settle();
    session.catchUp();
    const act = await ui.choose("What now?", choicesFor(chat), arrivals?.interrupt);
    // What was chosen was chosen before that arrived, from what is no longer shown.
    if ((await arrivals?.settle()) === true) continue;
    if (act === undefined || act.kind === "quit") return;
    const typed =
      act.kind === "press"
        ? act.button.typed
        : act.kind === "type"
          ? await ui.type("Command or answer", arrivals?.interrupt)
          : undefined;
    if (act.kind === "type" && (typed === undefined || typed.trim() === "")) continue;
    const isHarmless = act.kind === "show" || (typed !== undefined && HARMLESS.test(typed.trim()));
    if (!hasAgreed && !isHarmless) {
      hasAgreed = await ui.agree(`This can change ${chat.realStore ?? "the store"}. Go on?`, arrivals?.interrupt);
      if (!hasAgreed) continue;
    }
    await perform(chat, act, typed);
  }
}

async function perform({ arrivals, session, ui }: TerminalChat, act: Act, typed: string | undefined): Promise<void> {
  if (act.kind === "extra") return act.act();
  if (act.kind === "show") {
    await session.take({ kind: "command", name: "codex_auth", args: "" });
    return;
  }
  if (act.kind === "press") {
    await session.take({ kind: "press", data: act.button.data });
    return;
  }
  const entered =
    act.kind === "paste" ? await ui.typeHidden("The address your browser ended on", arrivals?.interrupt) : typed;
  if (entered === undefined || entered.trim() === "") return;
  const command = /^\/(codex_auth|codex_usage)(?:\s+(.*))?$/su.exec(entered.trim());
  const incoming =
    command === null
      ? ({ kind: "text", text: entered } as const)
      : ({
          kind: "command",
          name: command[1] === "codex_usage" ? "codex_usage" : "codex_auth",
          args: command[2] ?? "",
        } as const);
  if ((await session.take(incoming)) === "ignored")
    ui.print("That is no command of mine: /codex_auth help lists them.");
}

function choicesFor({ session, extras }: TerminalChat): readonly Choice<Act>[] {
  const buttons = (session.last?.buttons ?? []).flat();
  const presses = buttons.flatMap((button): Choice<Act>[] =>
    button.kind === "action" ? [{ value: { kind: "press", button }, label: button.label }] : [],
  );
  // An address is only awaited where a link was shown; the page for a code leads to none, and *Paste instead* to a link.
  const hasLink = session.last !== undefined && !isCodeCard(session.last) && buttons.some(({ kind }) => kind === "url");
  const paste: readonly Choice<Act>[] = hasLink
    ? [{ value: { kind: "paste" }, label: "Paste the address", hint: "not shown as you paste" }]
    : [];
  const more = (extras?.() ?? []).map(({ label, act }): Choice<Act> => ({ value: { kind: "extra", act }, label }));
  // Where an answer ends, the way back to the list is one key away.
  const show: readonly Choice<Act>[] =
    presses.length > 0 ? [] : [{ value: { kind: "show" }, label: "Show the profiles" }];
  return [
    ...paste,
    ...presses,
    ...show,
    ...more,
    { value: { kind: "type" }, label: "Type a command", hint: "/codex_auth help" },
    { value: { kind: "quit" }, label: "Quit" },
  ];
}
