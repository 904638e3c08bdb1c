// Takes one message out of a Telegram chat: no version of OpenClaw lets a plugin do it, so the Bot API is asked itself.

import { Agent, request } from "undici";
import { PLUGIN } from "../../config/defaults.ts";
import { readCapped } from "../../http/answer.ts";
import type { TelegramAccount } from "./telegram-account.ts";

/** True where the message is gone; false where Telegram refuses or cannot be reached. Never throws, for its errors name the token. */
export async function deleteTelegramMessage(
  { apiRoot, token }: TelegramAccount,
  message: { readonly chatId: string; readonly messageId: string },
): Promise<boolean> {
  const limit = { headersTimeout: PLUGIN.deleteWithinMs, bodyTimeout: PLUGIN.deleteWithinMs };
  const dispatcher = new Agent({ ...limit, connect: { timeout: PLUGIN.deleteWithinMs } });
  try {
    const { statusCode, body } = await request(`${apiRoot}/bot${token.expose()}/deleteMessage`, {
      dispatcher,
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ chat_id: message.chatId, message_id: Number(message.messageId) }),
      signal: AbortSignal.timeout(PLUGIN.deleteWithinMs),
    });
    const answer = (await readCapped(body, 16 * 1024)) ?? "";
    // Gone already: the person was faster, or OpenClaw handed the same update over twice.
    return statusCode === 200 || answer.includes("message to delete not found");
  } catch {
    return false;
  } finally {
    await dispatcher.destroy();
  }
}
