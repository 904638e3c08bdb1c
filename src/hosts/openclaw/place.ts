// Who asks where inside OpenClaw, worked out from what a command or a press says of itself, and the same as a durable address.

import type { Address } from "../../apply/job.ts";
import type { Asker } from "../../chat/conversation.ts";
import type { Abilities } from "./abilities.ts";
import type { CommandContext, PressContext } from "./api.ts";

/** A chat of one channel and account, as it stands in a durable address: `telegram/default/4242`. */
export interface Place {
  readonly channel: string;
  readonly accountId: string;
  /** The chat's own id in its channel. */
  readonly chat: string;
}

const DEFAULT_ACCOUNT = "default";

/** The asker of a typed command; undefined where the channel names no sender. */
export function askerOfCommand(context: CommandContext, abilities: Abilities): Asker | undefined {
  const { channel, senderId } = context;
  if (senderId === undefined || senderId === "") return undefined;
  const chat = chatIn(context, channel) ?? senderId;
  // No version says "group". In a private chat both are the sender's own id, in a group neither is (docs/openclaw-generations.md).
  const own = `${channel}:${senderId}`;
  const isPrivate =
    channel === "telegram"
      ? abilities.tellsGroups && context.from === own && (context.to ?? own) === own
      : hasOwnSession(context, senderId, abilities);
  return askerAt({ channel, accountId: context.accountId ?? DEFAULT_ACCOUNT, chat }, senderId, isPrivate, abilities);
}

/**
 * Whether the session is the private chat of this very sender, as OpenClaw's documents call it (`session.dmScope: "per-channel-peer"` or
 * `"per-account-channel-peer"`). The shared session of all private chats says nothing: then the chat is not taken for private.
 */
function hasOwnSession(
  { channel, sessionKey = "" }: CommandContext,
  senderId: string,
  { directSessions }: Abilities,
): boolean {
  if (!directSessions.includes(channel)) return false;
  const [, found, peer] = /^agent:[^:]+:([^:]+):(?:[^:]+:)?direct:([^:]+)$/i.exec(sessionKey) ?? [];
  return found === channel && peer?.toLowerCase() === senderId.toLowerCase();
}

/** The asker of a pressed button in Telegram; undefined where it is not said who pressed. */
export function askerOfPress(context: PressContext, abilities: Abilities): Asker | undefined {
  const { senderId, callback } = context;
  if (senderId === undefined || senderId === "") return undefined;
  const chat = String(callback.chatId ?? context.conversationId ?? "");
  const isPrivate = context.isGroup === false && chat === senderId;
  return askerAt(
    { channel: "telegram", accountId: context.accountId ?? DEFAULT_ACCOUNT, chat },
    senderId,
    isPrivate,
    abilities,
  );
}

/** The asker that an address stands for: in a private chat of Telegram, the chat's id is the person's id. */
export function askerAtAddress(
  { chatId, personId }: Pick<Address, "chatId" | "personId">,
  abilities: Abilities,
): Asker {
  const place = placeOf(chatId);
  const senderId = personId.slice(personId.indexOf(":") + 1);
  return askerAt(place, senderId, place.channel === "telegram" && place.chat === senderId, abilities);
}

/**
 * Where an owner (`telegram:4242`) is reached alone; undefined on channels where a private chat is not called like its person, so that
 * nobody can tell where it is.
 */
export function privateAddress(personId: string): Address | undefined {
  const [channel = "", id = ""] = personId.split(":", 2);
  if (channel !== "telegram" || id === "") return undefined;
  return { host: "openclaw", chatId: `${channel}/${DEFAULT_ACCOUNT}/${id}`, personId };
}

/** The place of an address's `chatId`. */
export function placeOf(chatId: string): Place {
  const [channel = "", accountId = DEFAULT_ACCOUNT, ...chat] = chatId.split("/");
  return { channel, accountId, chat: chat.join("/") };
}

/** The asker `senderId` in a chat of which is known whether anybody else reads it. */
export function askerAt(place: Place, senderId: string, isPrivate: boolean, abilities: Abilities): Asker {
  const { channel, accountId, chat } = place;
  return {
    host: "openclaw",
    botId: `openclaw/${channel}/${accountId}`,
    // The form of `commands.ownerAllowFrom`.
    personId: `${channel}:${senderId}`,
    chatId: `${channel}/${accountId}/${chat}`,
    private: isPrivate,
    hasButtons: channel === "telegram" || abilities.presentation,
  };
}

/** The chat's id out of `telegram:4242` or `telegram:group:-100123:topic:7`. */
function chatIn({ to, from }: Pick<CommandContext, "to" | "from">, channel: string): string | undefined {
  for (const text of [to, from]) {
    if (text === undefined || !text.startsWith(`${channel}:`)) continue;
    const id = text
      .slice(channel.length + 1)
      .replace(/^group:/, "")
      .replace(/:topic:.*$/, "");
    if (id !== "") return id;
  }
  return undefined;
}
