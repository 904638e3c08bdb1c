// One conversation turn: who asked, what the chat is made of, and how to answer.

import { CodexAuthError } from "../errors.ts";
import { describeCredential } from "../profiles/credential-facts.ts";
import { refOf, type ActionName } from "./button.ts";
import type { Asker, Outgoing } from "./conversation.ts";
import type { DeviceBoard } from "./device-board.ts";
import type { ProgressBoard } from "./progress.ts";
import type { ActionButton, Reply } from "./reply.ts";
import type { ChatServices } from "./services.ts";

/** What every handler is given. */
export interface Turn {
  readonly services: ChatServices;
  readonly progress: ProgressBoard;
  /** The device codes that are waited for; absent where only links are offered. */
  readonly devices?: DeviceBoard;
  readonly asker: Asker;
  readonly out: Outgoing;
  /** The message whose button was pressed: the answer takes its place. */
  readonly pressed?: string;
}

/** Shows `reply`: in place of the message whose button was pressed, else as a new one. Gives the id of the message. */
export async function show(turn: Turn, reply: Reply): Promise<string> {
  return turn.pressed === undefined ? turn.out.send(reply) : turn.out.edit(turn.pressed, reply);
}

/** A button for the person of this turn; `subject` is what it acts on, `typed` the same as a command. */
export function button(
  turn: Pick<Turn, "services" | "asker">,
  action: ActionName,
  subject: readonly string[],
  look: Omit<ActionButton, "kind" | "data">,
): ActionButton {
  return { kind: "action", data: turn.services.buttons.encode(action, refOf(...subject), turn.asker), ...look };
}

/** The agent of a command, or the configured one; `typedAgent` is what to add to a typed command to mean it. */
export function agentOf(turn: Pick<Turn, "services">, agentId: string | undefined): string {
  return agentId ?? turn.services.agentId;
}

/** What a typed command needs behind it to mean `agentId`. */
export function agentFlag(turn: Pick<Turn, "services">, agentId: string): string {
  return agentId === turn.services.agentId ? "" : ` --agent ${agentId}`;
}

/** What `agentId` has stored for a profile now, as a fingerprint; "none" where there is nothing. */
export async function storedFingerprint(
  turn: Pick<Turn, "services">,
  agentId: string,
  profileId: string,
): Promise<string> {
  return (await describeCredential(turn.services.store, profileId, agentId))?.sealed ?? "none";
}

/** Refuses what only a private chat may do. @throws CodexAuthError `ERR_PRIVATE_CHAT_ONLY`. */
export function requirePrivate(turn: Pick<Turn, "asker">): void {
  if (turn.asker.private) return;
  throw new CodexAuthError("ERR_PRIVATE_CHAT_ONLY", {
    message: "Logins are handled in a private chat only: everybody here could read them.",
    next: "Write to me directly and send /codex_auth there.",
  });
}
