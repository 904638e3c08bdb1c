// What the chats of a fake OpenClaw show: messages by commands and by plugins, edited as Telegram lets them be.

import type { PressResponder, ReplyPayload, TelegramButtons } from "../../src/hosts/openclaw/api.ts";

/** One message that OpenClaw's bot shows in a chat. */
export interface ShownMessage {
  readonly id: number;
  /** `markdown`: an answer of a command or a sent message; `raw`: what `respond` wrote. */
  form: "markdown" | "raw";
  text: string;
  buttons: TelegramButtons;
  presentation?: ReplyPayload["presentation"];
}

/** All chats of one bot. */
export class FakeOpenClawChats {
  /** Telegram refuses what is written below a press. */
  isDeaf = false;
  /** Texts that Telegram refused: OpenClaw shows nothing then. */
  readonly refused: string[] = [];
  readonly #takesPresentation: boolean;
  readonly #chats = new Map<string, ShownMessage[]>();
  #lastId = 0;

  /** `presentation` is overlooked before 2026.9. */
  constructor(takesPresentation: boolean) {
    this.#takesPresentation = takesPresentation;
  }

  /** The messages of a chat, oldest first. */
  of(id: string): readonly ShownMessage[] {
    return this.#chats.get(id) ?? [];
  }

  /** Everything that was ever shown anywhere, as it is now. */
  get everything(): string {
    return [...this.#chats.values()].flat().map(textOf).join("\n");
  }

  /** The number of the next message. */
  nextId(): number {
    return (this.#lastId += 1);
  }

  /** What a press may do with the message under it. */
  responder(message: ShownMessage, chatId: string): PressResponder {
    return {
      reply: async ({ text, buttons = [] }) => {
        if (this.isDeaf) throw new Error("Forbidden: bot was blocked by the user");
        this.#checked(buttons);
        this.#push(chatId, { form: "raw", text, buttons });
      },
      editMessage: async ({ text, buttons = [] }) => {
        if (this.isDeaf) throw new Error("Bad Request: message can't be edited");
        this.#checked(buttons);
        const isSame = message.text === text && JSON.stringify(message.buttons) === JSON.stringify(buttons);
        if (isSame) throw new Error("Bad Request: message is not modified");
        // Without a parse mode, and no buttons means that they go (§5).
        Object.assign(message, { form: "raw", text, buttons });
      },
    };
  }

  /** Shows an answer of a command, or a sent message. */
  show(chatId: string, payload: ReplyPayload): void {
    const buttons = payload.channelData?.telegram.buttons ?? [];
    try {
      this.#checked(buttons);
    } catch {
      // OpenClaw does not look at the length; Telegram refuses, and nothing of the answer is seen (docs, a).
      this.refused.push(payload.text);
      return;
    }
    const presentation = this.#takesPresentation && payload.presentation !== undefined ? payload : {};
    this.#push(chatId, { form: "markdown", text: payload.text, buttons, ...presentation });
  }

  #push(chatId: string, message: Omit<ShownMessage, "id">): void {
    this.#chats.set(chatId, [...this.of(chatId), { ...message, id: this.nextId() }]);
  }

  #checked(buttons: TelegramButtons): void {
    for (const { callback_data: data } of buttons.flat())
      if (Buffer.byteLength(data) > 64) throw new Error("Bad Request: BUTTON_DATA_INVALID");
  }
}

/** A message in words. */
export function textOf({ text, buttons }: ShownMessage): string {
  return [text, ...buttons.flat().map((button) => `[${button.text}]`)].join("\n");
}
