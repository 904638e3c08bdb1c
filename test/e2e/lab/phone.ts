// The owner's phone in front of a lab's bot: what they send, which button they press, and the message that answers it.

import type { VisibleMessage } from "../../support/fake-telegram/chat-book.ts";
import { OWNER, type LabBot } from "./bot.ts";
import { PATIENCE_MS } from "./gateway.ts";

/** Whose bot the phone talks to: our own, or OpenClaw's with the plugin in it. */
export type PhoneBot = Pick<LabBot, "telegram" | "issuer">;

/** Sends and presses as the owner, and waits for the answer that a pattern describes. */
export class Phone {
  readonly #bot: PhoneBot;

  constructor(bot: PhoneBot) {
    this.#bot = bot;
  }

  /** Sends `text`; gives the answer that matches. */
  async asks(text: string, answer: RegExp): Promise<VisibleMessage> {
    const sent = this.#bot.telegram.person(OWNER).sends(text);
    return this.#shown(sent + 1, answer);
  }

  /** Presses the button whose label matches; gives that message, or a newer one, when it says `answer`. */
  async presses({ messageId }: VisibleMessage, label: RegExp, answer: RegExp): Promise<VisibleMessage> {
    const message = this.#bot.telegram.visible(OWNER).find((one) => one.messageId === messageId);
    const found = message === undefined ? undefined : labels(message).find((text) => label.test(text));
    if (found === undefined) throw new Error(`no ${String(label)} under: ${message?.text ?? "(gone)"}`);
    await this.#bot.telegram.person(OWNER).presses(messageId, found).answer;
    return this.#shown(messageId, answer);
  }

  /** A change with its question: pressed, read, confirmed by the button `yes`. */
  async confirms(from: VisibleMessage, label: RegExp, yes: RegExp, answer: RegExp): Promise<VisibleMessage> {
    return this.presses(await this.presses(from, label, /\?/), yes, answer);
  }

  /** The card of a profile, by buttons from the picker on. */
  async cardOf(name: string): Promise<VisibleMessage> {
    const list = await this.presses(await this.asks("/codex_auth", /Codex logins/), /Manage/, /Which profile\?/);
    return this.presses(list, new RegExp(`^${name} ·`), new RegExp(`openai(?:-codex)?:${name}[\\s\\S]*Stored:`));
  }

  /** Enters the code that the card shows on the sign-in page, and signs in there. */
  enter({ text }: VisibleMessage, email: string): void {
    const [, userCode = ""] = /Enter this code there: (\S+)/.exec(text) ?? [];
    this.#bot.issuer.approveDevice(userCode, email);
  }

  #shown(fromId: number, answer: RegExp): Promise<VisibleMessage> {
    const { telegram } = this.#bot;
    const isAnswer = ({ from, messageId, text }: VisibleMessage): boolean =>
      from === "bot" && messageId >= fromId && answer.test(text);
    return telegram.waitFor(
      () => telegram.visible(OWNER).findLast(isAnswer),
      () => `${String(answer)}; it shows ${telegram.visible(OWNER).at(-1)?.text ?? ""}`,
      PATIENCE_MS,
    );
  }
}

/** The labels of a message's buttons, row by row. */
export function labels({ buttons }: VisibleMessage): readonly string[] {
  return buttons.flat();
}
