// The port to OpenClaw's own code, for a program inside its process: what we need of its plugin SDK, in words of our own.

import type { JsonObject } from "./json-files.ts";
import type { SessionPin } from "./session-pins.ts";

/** `one-file`: 2026.4.5. `two-files`: 2026.5.28. `sqlite`: from 2026.6. */
export type SdkShape = "one-file" | "two-files" | "sqlite";

/** What {@link DatabaseSdk.update} made of an update: `refused` = OpenClaw gave nothing, which is a database that somebody holds, or a write that failed. */
type SdkUpdate = "written" | "unchanged" | "refused";

/** What every shape can do. A missing `agentDir` means the store that all agents share. */
interface CommonSdk {
  /** Which OpenClaw this is, where it says so. */
  readonly version: string | undefined;
  /** The profiles that this very process uses for an agent now, from its memory where it keeps them there. */
  effective(agentDir?: string): JsonObject;
  /** Which of the agent's chats are bound to a profile; undefined where this OpenClaw's code does not list them. */
  pins(agentId: string): Promise<readonly SessionPin[] | undefined>;
  /** Frees the agent's chats that are bound to a profile of which `isMeant` is true; gives how many there were. */
  clearPins(agentId: string, isMeant: (profileId: string) => boolean): Promise<number>;
}

/** OpenClaw to 2026.5, whose stores are files. */
export interface FileSdk extends CommonSdk {
  readonly shape: "one-file" | "two-files";
  /**
   * Writes a whole store, and puts it into the memory of this process. Without a lock: the caller holds OpenClaw's lock file.
   * Where there are two files, order, last good ones and notes go to the second. Throws what OpenClaw throws.
   */
  save(store: JsonObject, agentDir?: string): void;
}

/** OpenClaw from 2026.6, whose stores are databases that only it may write. */
export interface DatabaseSdk extends CommonSdk {
  readonly shape: "sqlite";
  /** True where the agent's own store is the one that all agents share (installs that were moved over from files). */
  isShared(agentDir: string): boolean;
  /** What the store itself has, without what is inherited. @throws CodexAuthError `ERR_STORE_LEGACY`, `ERR_LOCK_TIMEOUT`. */
  load(agentDir?: string): Promise<JsonObject>;
  /**
   * Hands the store to `updater` inside OpenClaw's own write transaction; what it gives takes the store's place, undefined leaves it.
   * It is synchronous there, so `updater` must not wait. A throw of it is passed on, nothing was written.
   */
  update(updater: (store: JsonObject) => JsonObject | undefined, agentDir?: string): Promise<SdkUpdate>;
}

/** OpenClaw's code, whichever it is. */
export type AuthSdk = FileSdk | DatabaseSdk;
