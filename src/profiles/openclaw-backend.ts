// What differs between OpenClaw's generations for a store inside the gateway: where stores lie, and how one is read and written.

import type { OpenClawLockHold } from "../storage/openclaw-lock.ts";
import type { AgentPlace, AgentPlaces, AgentRoots } from "./agents.ts";
import type { AgentFiles, JsonObject } from "./json-files.ts";
import type { StoreDocuments } from "./json-patch.ts";
import type { OpenClawConfig } from "./openclaw-config.ts";
import type { CodexProvider } from "./profile-id.ts";
import type { AgentSummary, ApplyOptions, FileChange, StoreChange } from "./store.ts";

/** Where the stores are and how they are read. */
export interface BackendOptions extends AgentRoots {
  /** Where copies of files that cannot be read are kept (0700). Default: none are kept. */
  readonly corruptFolder?: string | undefined;
  readonly now: () => number;
}

/** What there is now. */
export interface Survey {
  /** Every store, the one that is inherited first. */
  readonly places: AgentPlaces;
  readonly agents: readonly AgentSummary[];
  readonly config: OpenClawConfig;
  /** The store of `agentId` (main where none is given), whether or not there is one. @throws CodexAuthError `ERR_AGENT_UNKNOWN`. */
  readonly placeOf: (agentId: string | undefined) => AgentPlace;
}

/** One generation's stores. */
export interface StoreBackend {
  readonly provider: CodexProvider;
  survey(): Promise<Survey>;
  /** One store's own documents. @throws CodexAuthError `ERR_STORE_CORRUPT` and the like. */
  read(place: AgentPlace, forChange?: boolean): Promise<AgentFiles>;
  /** By what the stores of a plan are ordered. */
  lockPathOf(place: AgentPlace): Promise<string>;
  /** `change` in the words of this generation. */
  translate(change: StoreChange): StoreChange;
  /**
   * One store's part of a plan as OpenClaw can keep it; `main` is the store that is inherited.
   *
   * @throws CodexAuthError `ERR_GENERATION_UNSUPPORTED` where it would lose what was asked for.
   */
  keepable(change: FileChange, files: AgentFiles, main: AgentFiles): FileChange;
  /** What was planned before OpenClaw was updated to this generation, in its words; undefined where it was not. */
  takenOver(change: FileChange): FileChange | undefined;
  /** Refuses to begin a store that would hide older logins. @throws CodexAuthError `ERR_STORE_LEGACY`. */
  assertMayBegin(place: AgentPlace): void;
  /** Runs `body` while nobody else changes the store, as far as this generation allows that. */
  locked<T>(place: AgentPlace, body: (hold: OpenClawLockHold) => Promise<T>, options: ApplyOptions): Promise<T>;
  /**
   * Hands the store as it is at this moment to `judge` and writes what it gives; gives the store as it was read back, undefined where
   * `judge` left it alone. What `judge` throws is passed on.
   */
  update(
    place: AgentPlace,
    judge: (now: AgentFiles) => StoreDocuments | undefined,
    hold: OpenClawLockHold,
  ): Promise<AgentFiles | undefined>;
  /** Proves that `found` holds `wanted` and nothing else that `before` had not. @throws CodexAuthError `ERR_STORE_DRIFT`. */
  prove(wanted: StoreDocuments, found: AgentFiles, profileIds: readonly string[]): void;
}

/** One store as OpenClaw has it in its memory, whichever files it was read from. */
export interface StoreView {
  readonly profiles: JsonObject;
  readonly order: JsonObject;
  readonly lastGood: JsonObject;
  readonly usageStats: JsonObject;
}
