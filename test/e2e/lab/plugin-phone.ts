// The owner's phone in front of the gateway's own bot: commands, presses by the action of the table, and what the bot then shows.

import { ACTIONS, ButtonCodec, refOf, type ActionName } from "../../../src/chat/button.ts";
import { ownPaths } from "../../../src/config/paths.ts";
import type { SandboxIssuer } from "../../../src/sandbox/issuer.ts";
import type { HistoryEntry } from "../../support/fake-telegram/chat-book.ts";
import { PATIENCE_MS } from "./gateway.ts";
import { OWNER, type PluginLab } from "./plugin.ts";

/** What is looked at of a message: its newest state. */
export type Shown = Pick<HistoryEntry, "messageId" | "text" | "buttons">;

/** Sends and presses in the owner's private chat. */
export class PluginPhone {
  /** The actions whose buttons were pressed where the bot had shown them. */
  readonly pressed = new Set<ActionName>();
  readonly #lab: Pick<PluginLab, "telegram" | "home">;
  readonly #issuer: SandboxIssuer;

  constructor(lab: Pick<PluginLab, "telegram" | "home">, issuer: SandboxIssuer) {
    this.#lab = lab;
    this.#issuer = issuer;
  }

  /** How much has happened in the chat: where to look from. */
  get mark(): number {
    return this.#lab.telegram.everything(OWNER).length;
  }

  /** Everything that the bot has shown since `mark`. */
  since(mark: number): readonly HistoryEntry[] {
    const entries = this.#lab.telegram.everything(OWNER).slice(mark);
    return entries.filter(({ from, kind }) => from === "bot" && kind !== "deleted");
  }

  /** Sends `text`; gives the answer that matches. */
  async asks(text: string, answer: RegExp): Promise<Shown> {
    const { mark } = this;
    this.#lab.telegram.person(OWNER).sends(text);
    return this.shows(answer, mark);
  }

  /** Waits until the bot shows `pattern`, in a new message or an edited one. */
  async shows(pattern: RegExp, mark: number, withinMs = PATIENCE_MS): Promise<Shown> {
    return this.#lab.telegram.waitFor(
      () => this.since(mark).findLast(({ text }) => pattern.test(text)),
      () => `${String(pattern)}; it showed ${JSON.stringify(this.since(mark).map(({ text }) => text))}`,
      withinMs,
    );
  }

  /** Presses the button of `action` under a message once it is there, the one whose label matches; gives what follows. */
  async presses(message: Shown, action: ActionName, answer: RegExp, label = /./): Promise<Shown> {
    const { telegram } = this.#lab;
    const { messageId } = message;
    const isIt = ({ callback_data: data, text }: Shown["buttons"][number]): boolean =>
      data?.startsWith(`${action}:`) === true && label.test(text);
    // As it was shown, or as it is now: a job's message gets its button with the next look at the job.
    const states = (): readonly Shown[] => [
      message,
      ...telegram.everything(OWNER).filter((one) => one.messageId === messageId && one.kind !== "toast"),
    ];
    const data = await telegram.waitFor(
      () => states().flatMap(({ buttons }) => buttons.filter(isIt))[0]?.callback_data,
      () => `${action} ${String(label)} under: ${states().at(-1)?.text ?? ""}`,
      PATIENCE_MS,
    );
    this.pressed.add(action);
    return this.#press(message, data, answer);
  }

  /** Presses a button that the bot never shows, signed as if it had. */
  async pressesUnseen(message: Shown, action: ActionName, answer: RegExp): Promise<Shown> {
    const { chat: folder } = ownPaths(this.#lab.home.stateDir);
    const codec = await ButtonCodec.open({ folder, now: Date.now });
    const owner = {
      personId: `telegram:${OWNER}`,
      chatId: `telegram/default/${OWNER}`,
      botId: "openclaw/telegram/default",
    };
    return this.#press(message, codec.encode(action, refOf("nothing"), owner), answer);
  }

  /** The card of a profile, by buttons. */
  async cardOf(name: string): Promise<Shown> {
    const list = await this.asks("/codex_auth", /Codex logins/);
    const names = await this.presses(list, "codex_auth_manage", /Which profile\?/);
    return this.presses(names, "codex_auth_show", /Stored:/, new RegExp(`^${name} ·`));
  }

  /** Signs `email` in as `profile`, by the link of the card, whose last address is pasted, or by a code; gives the question. */
  async signsIn(way: "paste" | "device", profile: string, email: string): Promise<Shown> {
    const card = await this.asks(`/codex_auth ${way} ${profile}`, /\/authorize\?|Enter this code there/);
    const question = /Signed in as|Another account|cannot tell/;
    if (way === "paste") {
      const [url = ""] = /https?:\/\/[^\s<>]+\/authorize\?[^\s<>]+/.exec(card.text) ?? [];
      return this.asks(this.#issuer.approve(url, email), question);
    }
    const { mark } = this;
    const [, code = ""] = /Enter this code there: (\S+)/.exec(card.text) ?? [];
    this.#issuer.approveDevice(code, email);
    return this.shows(question, mark);
  }

  async #press({ messageId }: Shown, data: string, answer: RegExp): Promise<Shown> {
    const { mark } = this;
    const press = this.#lab.telegram.person(OWNER).pressesData(messageId, data);
    const shown = await this.shows(answer, mark);
    await press.answer;
    return shown;
  }
}

/** The actions of the table, in its order. */
export function allActions(): readonly ActionName[] {
  return Object.keys(ACTIONS).filter((name): name is ActionName => Object.hasOwn(ACTIONS, name));
}
