// The port between a host (Telegram, terminal, command line) and the chat behaviour that they all share.

import type { CodexUsageCommand } from "./codex-usage-command.ts";
import type { Reply } from "./reply.ts";

/** The hosts that speak to a person. */
type HostName = "telegram" | "terminal" | "cli" | "openclaw";

/** Who asks, where, and what that place can show. */
export interface Asker {
  readonly host: HostName;
  /** Which bot was asked; buttons of another bot are foreign. */
  readonly botId: string;
  readonly personId: string;
  readonly chatId: string;
  /** Whether nobody else reads this chat. */
  readonly private: boolean;
  readonly hasButtons: boolean;
}

/** The commands that reach the router. */
export type CommandName = "codex_auth" | "lease" | "codex_usage";

/** What a person did: a command, a press of a button, or a plain message. */
export type Incoming =
  | { readonly kind: "command"; readonly name: CommandName; readonly args: string }
  /** `/codex_usage` as a host has read it: no word of it is read again. */
  | { readonly kind: "usage"; readonly command: CodexUsageCommand }
  | { readonly kind: "press"; readonly data: string; readonly messageId?: string }
  | { readonly kind: "text"; readonly text: string };

/** How the chat answers; one value per incoming message. */
export interface Outgoing {
  /** Shows a new message and gives its id. */
  send(reply: Reply): Promise<string>;
  /** Replaces the message `messageId`; gives the id of the message that now shows it (another one where editing is impossible). */
  edit(messageId: string, reply: Reply): Promise<string>;
  /** Removes the person's own message from the chat; false where the host could not. */
  deleteIncoming(): Promise<boolean>;
  /** Answers a press with a short note; absent where the host has none. */
  toast?(text: string): Promise<void>;
}
