// Presses of buttons: each query is answered once, and not long after the press.

import { badRequest } from "./api-error.ts";
import { type Arguments, text } from "./arguments.ts";
import type { ChatBook } from "./chat-book.ts";

/** How the bot answered a press. */
export interface PressAnswer {
  readonly text: string;
  readonly alert: boolean;
}

interface OpenQuery {
  readonly chatId: number;
  readonly messageId: number;
  readonly at: number;
  readonly answered: (answer: PressAnswer) => void;
}

const MAX_TOAST_CHARS = 200;
/** The queue keeps a callback query for 150 s (Client.cpp); the answer must come sooner, in milliseconds. */
const ANSWER_WITHIN_MS = 15_000;

/** The callback queries of one bot. */
export class CallbackQueries {
  readonly #book: ChatBook;
  readonly #now: () => number;
  readonly #answerWithinMs: number;
  readonly #open = new Map<string, OpenQuery>();
  #lastId = 0;

  constructor(options: { readonly book: ChatBook; readonly now: () => number; readonly answerWithinMs?: number }) {
    this.#book = options.book;
    this.#now = options.now;
    this.#answerWithinMs = options.answerWithinMs ?? ANSWER_WITHIN_MS;
  }

  /** Opens a query for a press; `answer` resolves when the bot answers. */
  open(chatId: number, messageId: number): { readonly id: string; readonly answer: Promise<PressAnswer> } {
    this.#lastId += 1;
    const id = `44${String(this.#lastId).padStart(16, "0")}`;
    const answer = new Promise<PressAnswer>((answered) => {
      this.#open.set(id, { chatId, messageId, at: this.#now(), answered });
    });
    return { id, answer };
  }

  /** answerCallbackQuery. */
  answer(args: Arguments): true {
    const toast = text(args, "text");
    const query = this.#open.get(text(args, "callback_query_id"));
    if (query === undefined || this.#now() - query.at > this.#answerWithinMs) {
      throw badRequest("query is too old and response timeout expired or query ID is invalid");
    }
    if (toast.length > MAX_TOAST_CHARS) throw badRequest("MESSAGE_TOO_LONG");
    this.#open.delete(text(args, "callback_query_id"));
    if (toast !== "") this.#book.toast(query.chatId, query.messageId, toast);
    query.answered({ text: toast, alert: args["show_alert"] === true });
    return true;
  }

  /** How many presses still spin on a person's screen. */
  unanswered(): number {
    return this.#open.size;
  }
}
