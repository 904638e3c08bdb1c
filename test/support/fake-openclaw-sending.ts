// What may happen to a message that a plugin sends into a chat by itself.

import type { ReplyPayload } from "../../src/hosts/openclaw/api.ts";

/** The way of such messages to Telegram. */
export class FakeSending {
  /** Telegram takes no buttons of what a plugin sends. */
  refusesButtons = false;
  /** Telegram cannot be reached by what a plugin sends. */
  isDown = false;
  /** What a plugin sends is on its way until this resolves. */
  sendGate: Promise<unknown> | undefined;
  /** How many of its messages are on their way. */
  sending = 0;
  /** Called when a message that a plugin sent is seen in the chat, which is before the plugin hears so. */
  whenSeen: () => void = () => undefined;

  /** Brings `payload` to Telegram, where `show` shows it. */
  protected async passOn(payload: ReplyPayload, show: () => void): Promise<void> {
    this.sending += 1;
    await this.sendGate;
    this.sending -= 1;
    if (this.isDown) throw new Error("HttpError: Network request for 'sendMessage' failed!");
    if (this.refusesButtons && payload.channelData !== undefined) throw new Error("Bad Request: BUTTON_TYPE_INVALID");
    show();
    this.whenSeen();
  }
}
