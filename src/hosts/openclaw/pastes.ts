// Addresses that a person pastes as plain text: taken away before the model reads them, and out of the chat.

import { createHash } from "node:crypto";
import { z } from "zod";
import { isPartOfCallback, mayHoldCallback } from "../../chat/command.ts";
import type { Asker } from "../../chat/conversation.ts";
import { PLUGIN } from "../../config/defaults.ts";
import { looksLikeCallbackUrl } from "../../oauth/callback-text.ts";
import type { Abilities } from "./abilities.ts";
import { askerAt, type Place } from "./place.ts";
import { commandIn, isPress } from "./shadowed.ts";

const text = z.string().optional().catch(undefined);
const idText = z.union([z.string(), z.number()]).transform(String).optional().catch(undefined);
const eventSchema = z.object({
  content: z.string(),
  channel: text,
  senderId: idText,
  isGroup: z.boolean().optional().catch(undefined),
  sessionKey: text,
  messageId: idText,
  metadata: z.object({ messageId: idText }).optional().catch(undefined),
});
const contextSchema = z
  .object({ channelId: text, accountId: text, conversationId: idText, senderId: idText, sessionKey: text })
  .catch({});

/** A plain message that may hold the address of a sign-in, or is a command that a skill stands before, or a press that OpenClaw took for one. */
export interface Pasted extends Place {
  readonly text: string;
  /** Absent where OpenClaw did not say who wrote: then it is an address for certain. */
  readonly senderId: string | undefined;
  /** Only where OpenClaw says that it is not a group. */
  readonly isPrivate: boolean;
  /** Absent where OpenClaw did not say which message it is. */
  readonly messageId: string | undefined;
}

/** Whether a plain message is to be looked into: an address or a part of one; anything shorter is the model's. */
function mayBePasted(content: string): boolean {
  const words = content.trim();
  return mayHoldCallback(words) || isPartOfCallback(words);
}

/** Brings together what OpenClaw tells of one message in two hooks. */
export class PastedMessages {
  /** Ids of messages by place and fingerprint of the text, from `message_received`, which comes first in the same turn. */
  readonly #ids = new Map<string, string>();

  /** `message_received`: to 2026.5 only this hook tells the message's id (docs/openclaw-generations.md, d). */
  received(event: unknown, context: unknown): void {
    const parsed = eventSchema.safeParse(event);
    if (!parsed.success || !mayBePasted(parsed.data.content)) return;
    const { content, messageId, metadata } = parsed.data;
    const id = messageId ?? metadata?.messageId;
    const place = placeIn(parsed.data, context);
    // Nobody knows which message of which chat that number would be.
    if (id === undefined || place.chat === "") return;
    this.#ids.set(keyOf(place, content), id);
    const [oldest] = this.#ids.keys();
    if (this.#ids.size > PLUGIN.pastesKept && oldest !== undefined) this.#ids.delete(oldest);
  }

  /** `before_dispatch`: the message, where it is one to look into. */
  read(event: unknown, context: unknown): Pasted | undefined {
    const parsed = eventSchema.safeParse(event);
    if (!parsed.success) return undefined;
    const { content, isGroup, messageId } = parsed.data;
    const isKept = looksLikeCallbackUrl(content) || isPress(content);
    if (!isKept && !mayBePasted(content) && commandIn(content) === undefined) return undefined;
    const place = placeIn(parsed.data, context);
    const senderId = senderIn(parsed.data, context);
    const key = keyOf(place, content);
    const id = messageId ?? this.#ids.get(key);
    this.#ids.delete(key);
    // A key stays away from the model, whoever sent it; everything else of nobody is none of ours.
    if (senderId === undefined && !isKept) return undefined;
    return {
      text: content,
      ...place,
      senderId,
      isPrivate: isGroup === false && place.chat === senderId,
      messageId: id,
    };
  }
}

const SLASH = "slash:";

type Said = z.infer<typeof eventSchema>;

/** Where a message was written; the chat is empty where that was not said. */
function placeIn(said: Said, context: unknown): Place {
  const about = contextSchema.parse(context);
  const channel = said.channel ?? about.channelId ?? "";
  const accountId = about.accountId ?? "default";
  const named = about.conversationId ?? senderIn(said, context) ?? "";
  const chat = named.replace(`${channel}:`, "").replace(/^group:|:topic:.*$/g, "");
  return { channel, accountId, chat: chat.startsWith(SLASH) ? chatOfSlash(chat, said, context) : chat };
}

/**
 * To 2026.5 the command of a skill comes from a conversation that only its sender has, `slash:4242`, wherever it was typed; the session
 * alone says where that was.
 */
function chatOfSlash(named: string, said: Said, context: unknown): string {
  const sessionKey = said.sessionKey ?? contextSchema.parse(context).sessionKey;
  const [, group] = /:group:([^:]+)/.exec(sessionKey ?? "") ?? [];
  if (group !== undefined) return group;
  const sender = named.slice(SLASH.length);
  return said.isGroup === false && sessionKey !== undefined && sender === senderIn(said, context) ? sender : "";
}

function senderIn({ senderId }: Said, context: unknown): string | undefined {
  const found = senderId ?? contextSchema.parse(context).senderId;
  return found === "" ? undefined : found;
}

/** The asker of a pasted message; undefined where nobody is said to have written it. */
export function askerOfPaste(pasted: Pasted, abilities: Abilities): Asker | undefined {
  const { channel, senderId, isPrivate } = pasted;
  if (senderId === undefined) return undefined;
  return askerAt(pasted, senderId, isPrivate && channel === "telegram", abilities);
}

/** Takes a message out of a chat; false where that is impossible. */
export type DeleteMessage = (accountId: string, chat: string, messageId: string) => Promise<boolean>;

/** What is kept of a message for a moment: never the text, which may be a key. Another chat's message has another number. */
function keyOf({ channel, accountId, chat }: Place, content: string): string {
  const print = createHash("sha256").update(content).digest("base64url");
  return JSON.stringify([channel, accountId, chat, print]);
}
