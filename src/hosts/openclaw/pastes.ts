// Addresses that a person pastes as plain text: taken away before the model reads them, and out of the chat.

import { createHash } from "node:crypto";
import { z } from "zod";
import { mayHoldCallback } from "../../chat/command.ts";
import type { Asker } from "../../chat/conversation.ts";
import { PLUGIN } from "../../config/defaults.ts";
import type { Abilities } from "./abilities.ts";
import { askerAt, type Place } from "./place.ts";
import { commandIn } from "./shadowed.ts";

const text = z.string().optional().catch(undefined);
const idText = z.union([z.string(), z.number()]).transform(String).optional().catch(undefined);
const eventSchema = z.object({
  content: z.string(),
  channel: text,
  senderId: text,
  isGroup: z.boolean().optional().catch(undefined),
  messageId: idText,
  metadata: z.object({ messageId: idText }).optional().catch(undefined),
});
const contextSchema = z.object({ channelId: text, accountId: text, conversationId: text, senderId: text }).catch({});

/** A plain message that may hold the address of a sign-in, or is a command that a skill stands before. */
export interface Pasted extends Place {
  readonly text: string;
  readonly senderId: string;
  /** Only where OpenClaw says that it is not a group. */
  readonly isPrivate: boolean;
  /** Absent where OpenClaw did not say which message it is. */
  readonly messageId: string | undefined;
}

/** Whether a plain message is to be looked into: an address or a part of one; anything shorter is the model's. */
export function mayBePasted(content: string): boolean {
  const words = content.trim();
  return mayHoldCallback(words) || /^[\w.~%-]{20,}$/.test(words) || /(?:^|[?&#\s])(?:code|state)=\S/.test(words);
}

/** Brings together what OpenClaw tells of one message in two hooks. */
export class PastedMessages {
  /** Ids of messages by the fingerprint of their text, from `message_received`, which comes first in the same turn. */
  readonly #ids = new Map<string, string>();

  /** `message_received`: to 2026.5 only this hook tells the message's id (docs/openclaw-generations.md, d). */
  received(event: unknown): void {
    const parsed = eventSchema.safeParse(event);
    if (!parsed.success || !mayBePasted(parsed.data.content)) return;
    const { content, messageId, metadata } = parsed.data;
    const id = messageId ?? metadata?.messageId;
    if (id === undefined) return;
    this.#ids.set(printOf(content), id);
    const [oldest] = this.#ids.keys();
    if (this.#ids.size > PLUGIN.pastesKept && oldest !== undefined) this.#ids.delete(oldest);
  }

  /** `before_dispatch`: the message, where it is one to look into. */
  read(event: unknown, context: unknown): Pasted | undefined {
    const parsed = eventSchema.safeParse(event);
    if (!parsed.success) return undefined;
    if (!mayBePasted(parsed.data.content) && commandIn(parsed.data.content) === undefined) return undefined;
    const { content, isGroup, messageId, ...said } = parsed.data;
    const about = contextSchema.parse(context);
    const channel = said.channel ?? about.channelId ?? "";
    const senderId = said.senderId ?? about.senderId;
    const print = printOf(content);
    const id = messageId ?? this.#ids.get(print);
    this.#ids.delete(print);
    if (senderId === undefined) return undefined;
    const chat = (about.conversationId ?? senderId).replace(`${channel}:`, "").replace(/^group:|:topic:.*$/g, "");
    return {
      text: content,
      channel,
      accountId: about.accountId ?? "default",
      senderId,
      chat,
      isPrivate: isGroup === false && chat === senderId,
      messageId: id,
    };
  }
}

/** The asker of a pasted message. */
export function askerOfPaste(pasted: Pasted, abilities: Abilities): Asker {
  const { channel, senderId, isPrivate } = pasted;
  return askerAt(pasted, senderId, isPrivate && channel === "telegram", abilities);
}

/** Takes a message out of a chat; false where that is impossible. */
export type DeleteMessage = (accountId: string, chat: string, messageId: string) => Promise<boolean>;

/** What is kept of a text for a moment: never the text, which may be a key. */
function printOf(content: string): string {
  return createHash("sha256").update(content).digest("base64url");
}
