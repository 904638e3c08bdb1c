// What the chat needs of the domains, as narrow ports; `src/hosts/services.ts` fills them for every host.

import type { ApplyEngine } from "../apply/engine.ts";
import type { Activation, Address } from "../apply/job.ts";
import type { LoginTokens } from "../apply/parked.ts";
import type { Rotations } from "../apply/rotations.ts";
import type { Identity } from "../profiles/claims.ts";
import type { SessionPin } from "../profiles/session-pins.ts";
import type { ProfileStore } from "../profiles/store.ts";
import type { Log } from "../secrets/log.ts";
import type { ButtonCodec } from "./button.ts";
import type { Asker } from "./conversation.ts";
import type { DeviceSignIns } from "./device-sign-ins.ts";
import type { Invitations } from "./invitations.ts";
import type { LeaseDoor } from "./lease-door.ts";
import type { ShownLists } from "./lists.ts";
import type { Reply } from "./reply.ts";
import type { Revocations } from "./revocations.ts";
import type { UsageDoor } from "./usage-door.ts";

/** A sign-in that waits for its callback. */
export interface SignInAttempt {
  readonly id: string;
  readonly agentId: string;
  readonly profileId: string;
  readonly expiresAtMs: number;
}

/** What the issuer gave, checked and read. */
export interface SignedIn {
  readonly tokens: LoginTokens;
  readonly email?: string;
  readonly planType?: string;
  readonly identity?: Identity;
}

/** What a sign-in is for. */
export interface SignInTarget {
  readonly agentId: string;
  readonly profileId: string;
  /** The address that the profile holds now: suggested on the sign-in page, so that the wrong account is rare. */
  readonly email?: string;
  /** Ask for a fresh sign-in: without it the browser silently reuses the account that it is signed in with. */
  readonly forceSignIn: boolean;
  /** The workspace that the profile belongs to: the only one that the sign-in page may offer. */
  readonly workspaceId?: string;
  /** Where the browser ends up. Default: the address that nobody listens on, for a paste. */
  readonly redirectUri?: string;
}

/** On the person's own machine: where their browser comes back to. */
export interface Landing {
  /** The beginning of the address that the browser ends on. */
  readonly origin: string;
  /** Whether we listen there; false where somebody else does. */
  readonly heard: boolean;
  /** The command that leads a browser on another machine here; set where the person has come from there. */
  readonly tunnel?: string;
}

/** A sign-in that was started. */
export interface StartedSignIn {
  readonly attempt: SignInAttempt;
  readonly url: string;
  /** Absent where no browser comes back to this machine. */
  readonly landing?: Landing;
}

/** Sign-in attempts, each bound to one person in one chat and one profile. */
export interface SignIns {
  /** Starts an attempt; an earlier one for the same person, chat and profile is over. */
  start(asker: Asker, target: SignInTarget): Promise<StartedSignIn>;
  /** The attempts of this person in this chat that still wait. */
  waiting(asker: Asker): Promise<readonly SignInAttempt[]>;
  /** True for text that is a sign-in's callback address, whoever it belongs to. */
  isCallback(text: string): boolean;
  /**
   * Takes the attempt that `pasted` belongs to, once and for all, and gives what is needed to finish it.
   *
   * @throws CodexAuthError of the `ERR_LOGIN_*` and `ERR_CALLBACK_*` kinds.
   */
  claim(asker: Asker, pasted: string, profileId?: string): Promise<ClaimedSignIn>;
  /** Ends whatever attempt a callback seen by others belongs to; true where there was one. */
  burn(pasted: string): Promise<boolean>;
  cancel(asker: Asker, attemptId: string): Promise<boolean>;
}

/** A claimed attempt: only the exchange is left, and it can be tried once. */
export interface ClaimedSignIn {
  readonly attempt: SignInAttempt;
  /** Under which id the login is to be parked. Default: a new one. */
  readonly parkedId?: string;
  /** @throws CodexAuthError of the `ERR_TOKEN_*` kinds. */
  exchange(): Promise<SignedIn>;
}

/** What a restart of the gateway would interrupt, in the gateway's own words, cleaned; empty where it does not tell. */
interface ChatGateway {
  interruptedByRestart(): Promise<readonly string[]>;
  /** The profiles that the running gateway has in memory; absent where it cannot be asked. */
  loaded?(agentId: string): Promise<Loaded>;
  /** Has it read its logins again; absent where it cannot be told. @throws CodexAuthError where it did not do so. */
  reload?(): Promise<Reloaded>;
}

/** What was seen of a reload. */
export type Reloaded =
  | { readonly kind: "reloaded"; readonly durationMs: number; readonly warningCount: number }
  | { readonly kind: "stopped" };

/** What the gateway has read: nothing where it is stopped, unknown where its version or its state does not tell. */
export type Loaded =
  | { readonly kind: "listed"; readonly profileIds: readonly string[] }
  | { readonly kind: "stopped" | "unknown" };

/** Everything the chat is made of. */
export interface ChatServices {
  /** The profile stores, read only: nothing but `apply/` writes them. */
  readonly store: Pick<
    ProfileStore,
    "provider" | "agents" | "read" | "readCredential" | "describe" | "plan" | "namedInConfig" | "sharedTokens"
  >;
  readonly signIns: SignIns;
  /** Sign-ins by device code; absent where only links are offered. */
  readonly devices?: DeviceSignIns;
  /** Whether an address that is pasted there could not be kept from others' eyes (a model's): only codes are offered. Default: it could. */
  readonly codesOnly?: (asker: Asker) => boolean;
  /** Waiting logins that are to be ended at the sign-in server. */
  readonly revocations: Pick<Revocations, "look" | "carryOut">;
  readonly engine: Pick<
    ApplyEngine,
    "parked" | "queue" | "receipts" | "outbox" | "kick" | "isExecutorAlive" | "overview"
  >;
  readonly gateway: ChatGateway;
  /**
   * Chats of an agent that are bound to one profile, whatever the order says; undefined where that cannot be told of this agent,
   * absent where nobody can tell.
   */
  readonly pins?: (agentId: string) => Promise<readonly SessionPin[] | undefined>;
  /** Lets go of an agent's chats that are bound to a profile, and gives how many; absent where nobody here can. */
  readonly freeChats?: (agentId: string) => Promise<number>;
  /** What is known of refresh tokens that were presented to the sign-in server. Default: nothing is. */
  readonly rotations?: Pick<Rotations, "doubt">;
  /** The login files of the Codex CLI on this machine, where a login may have a second owner. Default: none is looked at. */
  readonly codexFiles?: readonly string[];
  /** This machine's lease. @throws CodexAuthError `ERR_BROKER_NOT_SET` where there is no broker. */
  readonly lease: () => LeaseDoor;
  /** The usage of logins. @throws CodexAuthError `ERR_CONFIG_INVALID` where another server is set that may not be asked. */
  readonly usage: () => UsageDoor;
  /** The IANA name of the readers' time zone. Default: times are shown in UTC. */
  readonly timeZone?: string;
  /** Whether changes wait for OpenClaw's plugin, which alone may write and is not at work now. Default: they do not. */
  readonly waitsForPlugin?: () => Promise<boolean>;
  /** Whether a login can be renewed on demand, which nobody can inside the gateway: OpenClaw renews its own. Default: it can. */
  readonly mayRenew?: () => Promise<boolean>;
  /** What this host finds in its surroundings; absent where another program looks. */
  readonly doctor?: () => Promise<Reply>;
  /** The agent that is meant where none is named. */
  readonly agentId: string;
  readonly activation: Activation;
  /**
   * Set where nobody sits at this host (a script without a terminal): its changes wait for the press of one of these people.
   * Empty means that there is nobody to ask, so they are refused (design, decision 12). Absent means that the asker decides.
   */
  readonly approvers?: readonly Address[];
  /** What scripts have asked people for. */
  readonly invitations: Pick<Invitations, "get" | "open" | "list" | "answered">;
  /** Asked again at each message, press, and delivery. It does not wait: updates of one chat must keep their order. */
  readonly allow: (asker: Asker) => boolean;
  readonly buttons: ButtonCodec;
  readonly lists: ShownLists;
  /** The least time between two edits of a progress message, in milliseconds. Default `CHAT.progressEveryMs`. */
  readonly progressEveryMs?: number;
  readonly now: () => number;
  readonly log: Log;
}
