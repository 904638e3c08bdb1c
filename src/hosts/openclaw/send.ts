// Sends a message of its own into a chat, by the adapter that OpenClaw keeps for each channel: what a command no longer waits for.

import type { Reply } from "../../chat/reply.ts";
import { CodexAuthError } from "../../errors.ts";
import type { Abilities } from "./abilities.ts";
import type { PluginRuntime } from "./api.ts";
import type { SendTo } from "./messages.ts";
import { placeOf } from "./place.ts";
import { renderPayload } from "./render.ts";

/** What a sender is made of. */
export interface SenderParts {
  /** Asked at each message: the gateway may have been reloaded since. */
  readonly runtime: () => PluginRuntime | undefined;
  readonly settings: () => unknown;
  readonly abilities: Abilities;
}

/** Whether messages can be sent into a channel. */
export async function canSendTo(channel: string, runtime: PluginRuntime | undefined): Promise<boolean> {
  const adapter = await runtime?.channel?.outbound?.loadAdapter?.(channel);
  return adapter?.sendPayload !== undefined || adapter?.sendText !== undefined;
}

/** Sends by OpenClaw's outbound adapter. */
export function outboundSender({ runtime, settings, abilities }: SenderParts): SendTo {
  return async (chatId: string, reply: Reply) => {
    const { channel, accountId, chat } = placeOf(chatId);
    const adapter = await runtime()?.channel?.outbound?.loadAdapter?.(channel);
    if (adapter?.sendPayload === undefined && adapter?.sendText === undefined) throw noWay();
    const surface = channel === "telegram" ? "telegram" : abilities.presentation ? "presentation" : "text";
    const payload = renderPayload(reply, surface);
    const message = { cfg: settings(), to: chat, text: payload.text, accountId };
    if (adapter.sendPayload !== undefined) await adapter.sendPayload({ ...message, payload });
    else await adapter.sendText?.(message);
  };
}

function noWay(): CodexAuthError {
  return new CodexAuthError("ERR_GENERATION_UNSUPPORTED", {
    message: "This OpenClaw gives a plugin no way to send a message by itself.",
    next: "The answer is kept and shown with the next command of the person whom it is for.",
  });
}
