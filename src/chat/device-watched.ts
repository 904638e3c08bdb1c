// One device code that is waited for, as the board keeps it in memory.

import type { Turn } from "./context.ts";
import type { Outgoing } from "./conversation.ts";
import type { DeviceState } from "./device-card.ts";
import type { DeviceSignIn } from "./device-sign-ins.ts";
import type { Received } from "./finish.ts";
import type { Line, Reply } from "./reply.ts";

/** A chat to show a sign-in in. */
export type DeviceChat = Pick<Turn, "asker"> & { readonly out: Outgoing };

/** One code that is waited for. */
export interface Watched {
  signIn: DeviceSignIn;
  chat: DeviceChat;
  readonly head: readonly Line[];
  state: DeviceState;
  troubles: number;
  dueAt: number;
  /** What the message shows; an edit is due when this changes. */
  shown: string;
  /** Set when the outcome is decided: nothing else may be shown in its place. */
  isOver: boolean;
  /** The login that came: from here on it only has to be told. */
  received: Received | undefined;
  /** What is to be said of the end: a second try says the same. */
  ending: Reply | undefined;
  /** Set by whoever wants the card looked at before its time. */
  isWoken: boolean;
  resting: AbortController | undefined;
  turn: Promise<unknown>;
  done: Promise<void>;
}

/** The card of a profile's sign-in in one message. */
export type ShownPlace = Pick<DeviceSignIn, "chatId" | "personId" | "agentId" | "profileId"> & {
  readonly messageId: string;
};

/** A code that nobody has asked about yet. */
export function newlyWatched(parts: Pick<Watched, "signIn" | "chat" | "head"> & { readonly now: number }): Watched {
  const { now, ...rest } = parts;
  return {
    ...rest,
    state: "waiting",
    troubles: 0,
    dueAt: now + rest.signIn.intervalMs,
    shown: "",
    isOver: false,
    received: undefined,
    ending: undefined,
    isWoken: false,
    resting: undefined,
    turn: Promise.resolve(),
    done: Promise.resolve(),
  };
}

/** Whether the card of a sign-in stands at `place`. */
export function isShownAs(signIn: DeviceSignIn, place: ShownPlace): boolean {
  const keys = ["chatId", "personId", "agentId", "profileId", "messageId"] as const;
  return keys.every((key) => signIn[key] === place[key]);
}

/** Ends the rest of a code: its card is looked at now. */
export function wake(entry: Watched): void {
  entry.isWoken = true;
  entry.resting?.abort();
}
