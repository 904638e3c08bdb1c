// The answer to one press: given once, and given soon enough that the button stops spinning.

import { TELEGRAM } from "../../config/defaults.ts";
import { isQueryTooOld } from "./telegram-error.ts";

/** What a {@link PressAnswer} is made of. */
export interface PressAnswerOptions {
  /** answerCallbackQuery; no text only stops the spinning. */
  readonly answer: (text?: string) => Promise<unknown>;
  /** Shows a note as a message, where the press can no longer be answered with it. */
  readonly tell: (text: string) => Promise<unknown>;
  /** After how many milliseconds it is acknowledged without a text. Default `TELEGRAM.ackAfterMs`. */
  readonly ackAfterMs?: number;
}

/** Answers a press exactly once. */
export class PressAnswer {
  readonly #options: PressAnswerOptions;
  readonly #timer: NodeJS.Timeout;
  #given: Promise<void> | undefined;

  constructor(options: PressAnswerOptions) {
    this.#options = options;
    this.#timer = setTimeout(() => {
      // A failure shows up at `finish`, which awaits the same answer.
      this.#give().catch(() => undefined);
    }, options.ackAfterMs ?? TELEGRAM.ackAfterMs);
  }

  /** Answers with a short note; as a message where the press is answered already. */
  async toast(text: string): Promise<void> {
    if (this.#given === undefined) return this.#give(text.slice(0, TELEGRAM.maxToastChars));
    await this.#options.tell(text);
  }

  /** Answers without a text, unless there was an answer. */
  async finish(): Promise<void> {
    await this.#give();
  }

  #give(text?: string): Promise<void> {
    clearTimeout(this.#timer);
    this.#given ??= this.#answer(text);
    return this.#given;
  }

  /** Telegram takes an answer for seconds only: a press made while the bot was away cannot be answered, and need not be. */
  async #answer(text: string | undefined): Promise<void> {
    try {
      await this.#options.answer(text);
    } catch (error) {
      if (!isQueryTooOld(error)) throw error;
      if (text !== undefined) await this.#options.tell(text);
    }
  }
}
