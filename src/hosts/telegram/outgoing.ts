// The way back into the chat for one incoming message or press.

import type { Outgoing } from "../../chat/conversation.ts";
import type { ChatWindow } from "./chat-window.ts";
import type { PressAnswer } from "./press-answer.ts";

/** What an incoming update offers for its answer. */
export interface OutgoingParts {
  readonly window: ChatWindow;
  /** The person's own message; absent for a press. */
  readonly incomingMessageId?: number;
  readonly press?: PressAnswer;
}

/** The chat's way to answer one update. */
export function outgoingFor({ window, incomingMessageId, press }: OutgoingParts): Outgoing {
  return {
    send: (reply) => window.send(reply),
    edit: (messageId, reply) => window.edit(messageId, reply),
    // A press has no message of the person to remove: nothing of theirs stays behind.
    deleteIncoming: async () => incomingMessageId === undefined || window.delete(incomingMessageId),
    ...(press === undefined ? {} : { toast: (text: string) => press.toast(text) }),
  };
}
