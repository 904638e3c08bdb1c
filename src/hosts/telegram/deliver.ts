// Where an address lies in Telegram: who is asked there, and how the chat's delivery reaches them.

import type { Api } from "grammy";
import type { Address } from "../../apply/job.ts";
import type { Asker } from "../../chat/conversation.ts";
import type { DeliveryPort } from "../../chat/delivery.ts";
import { ChatWindow } from "./chat-window.ts";
import { errorFields } from "./telegram-error.ts";

/** Telegram as the chat's delivery sees it. */
export function deliveryPort(api: Api, botId: string): DeliveryPort {
  return {
    asker: (address) => askerAt(botId, address),
    out: ({ chatId }) => new ChatWindow(api, chatId),
    errorFields,
  };
}

/** The asker that an address stands for: in a private chat, Telegram's chat id is the person's id. */
export function askerAt(botId: string, { chatId, personId }: Pick<Address, "chatId" | "personId">): Asker {
  return { host: "telegram", botId, personId, chatId, private: chatId === personId, hasButtons: true };
}
