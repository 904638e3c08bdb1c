// The profile store of OpenClaw's JSON generation (to 2026.5), in both its shapes.

import { existsSync } from "node:fs";
import { CodexAuthError, isCodexAuthError } from "../errors.ts";
import { realPathOr } from "../storage/look.ts";
import { openClawLockPath, type OpenClawLockHold } from "../storage/openclaw-lock.ts";
import {
  agentPaths,
  findAgentPlace,
  listAgentPlaces,
  type AgentPlace,
  type AgentPlaces,
  type AgentRoots,
} from "./agents.ts";
import { applyFileChange, assertMayBegin, holdingOf, takingBack } from "./json-apply.ts";
import {
  entriesOf,
  entryOf,
  readAgentFiles,
  type AgentFiles,
  type ReadOptions,
  type StoreGeneration,
} from "./json-files.ts";
import { holdAll } from "./json-hold.ts";
import { planChange } from "./json-plan.ts";
import { planNotes, planRename } from "./json-plan-manage.ts";
import { lookOf, snapshotOf, type Look, type SnapshotInput } from "./json-snapshot.ts";
import { namedIn, readOpenClawConfig, type OpenClawConfig } from "./openclaw-config.ts";
import { findSharedTokens, type SharedToken, type TokenHolder } from "./owners.ts";
import { parseCredential, refreshTokenOf, sealCredential, type SealedCredential } from "./profile.ts";
import type {
  AgentSummary,
  AppliedChange,
  ApplyOptions,
  EntryValues,
  FileChange,
  Hold,
  Holding,
  HoldOptions,
  HoldTarget,
  PlannedChange,
  ProfileStore,
  StoreChange,
  StoreSnapshot,
} from "./store.ts";

/** Where the store is and how it is read. */
export interface JsonStoreOptions extends AgentRoots {
  /** Which generation OpenClaw is, asked before every call (it may be updated while we run). Default: told by the files. */
  readonly generation?: () => Promise<StoreGeneration>;
  /** Where copies of stores that cannot be read are kept (0700). Default: none are kept. */
  readonly corruptFolder?: string;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

/** {@link ProfileStore} over `auth-profiles.json` and `auth-state.json`. */
export class JsonProfileStore implements ProfileStore {
  readonly #options: JsonStoreOptions;
  readonly #now: () => number;
  /** Locks that are held already, by the path of their store. */
  readonly #held: ReadonlyMap<string, OpenClawLockHold>;
  /** What the one look of {@link knownToBe} found. */
  #once: { survey?: Promise<Survey> } | undefined;

  constructor(options: JsonStoreOptions, held: ReadonlyMap<string, OpenClawLockHold> = new Map()) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#held = held;
  }

  /**
   * The same store for looks of somebody who has just asked which generation OpenClaw is: that, the configuration and which stores there
   * are is not asked a second time; the stores themselves are read at each call.
   */
  knownToBe(generation: StoreGeneration): JsonProfileStore {
    const once = new JsonProfileStore({ ...this.#options, generation: () => Promise.resolve(generation) }, this.#held);
    once.#once = {};
    return once;
  }

  /** The files and folders that tell the configuration and which stores there are. */
  async toldBy(): Promise<readonly string[]> {
    const { config } = await this.#survey();
    return [this.#options.paths.configPath, ...agentPaths(this.#options, config)];
  }

  async agents(): Promise<readonly AgentSummary[]> {
    const { places } = await this.#survey();
    return places.map(({ agentId, isMain, storePath }) => ({ agentId, isMain, hasStore: existsSync(storePath) }));
  }

  async read(agentId?: string, options: { readonly forChange?: boolean } = {}): Promise<StoreSnapshot> {
    return snapshotOf(await this.#toShow(agentId, options.forChange));
  }

  /** What {@link read} gives, and for how long. */
  async look(agentId?: string): Promise<Look> {
    return lookOf(await this.#toShow(agentId));
  }

  async readCredential(
    profileId: string,
    agentId?: string,
  ): Promise<{ readonly credential: SealedCredential; readonly inherited: boolean } | undefined> {
    const { main, own } = await this.#open(agentId);
    const local = own === undefined ? undefined : entryOf(own, profileId);
    const credential = parseCredential(local ?? entryOf(main, profileId));
    if (credential === undefined) return undefined;
    return { credential: sealCredential(credential), inherited: own !== undefined && local === undefined };
  }

  async plan(change: StoreChange, agentId?: string): Promise<PlannedChange> {
    const { places, read } = await this.#survey();
    const agent = findAgentPlace(places, agentId);
    const [mainPlace, ...rest] = places;
    const keeping = this.#keeping(read);
    const main = await readAgentFiles(mainPlace, keeping);
    if (main.profiles === undefined) assertMayBegin({ place: mainPlace, oauthDir: this.#options.paths.oauthDir });
    const others: AgentFiles[] = [];
    const unreadable: string[] = [];
    for (const place of rest) {
      const files = await this.#readOther(place, place.storePath === agent.storePath, keeping);
      if (files === undefined) unreadable.push(place.agentId);
      else if (files.profiles !== undefined) others.push(files);
    }
    const locks = new Map<string, string>();
    for (const { place } of [main, ...others]) {
      // A store that is to be begun has no folder yet; it is alone in its plan or sorts by its plain name.
      const path = existsSync(place.agentDir) ? await openClawLockPath(place.storePath) : `${place.storePath}.lock`;
      locks.set(place.storePath, path);
    }
    const planAny = change.renameTo !== undefined ? planRename : change.failures !== undefined ? planNotes : planChange;
    return planAny(change, {
      main,
      others,
      unreadable,
      agent,
      lockPathOf: ({ place }) => locks.get(place.storePath) ?? "",
    });
  }

  async apply(change: FileChange, values: EntryValues, options: ApplyOptions = {}): Promise<AppliedChange> {
    const { places, read } = await this.#survey();
    const place = placeOf(places, change);
    const keeping = this.#keeping(read);
    const hold = this.#held.get(place.storePath);
    const target = { place, oauthDir: this.#options.paths.oauthDir, read: keeping, hold };
    return applyFileChange(target, change, values.next, options);
  }

  async undo(change: FileChange, values: EntryValues, options: ApplyOptions = {}): Promise<AppliedChange> {
    const back = takingBack(change, values);
    return this.apply(back.change, back.values, options);
  }

  async holding<T>(
    target: HoldTarget,
    body: (held: ProfileStore, hold: Hold) => Promise<T>,
    options: HoldOptions = {},
  ): Promise<T> {
    const { places } = await this.#survey();
    findAgentPlace(places, target.agentId);
    // 2026.4.5 renews an inherited login under the lock of the agent that asked, whether that has a store or not.
    const stores = places.filter(({ agentDir }) => existsSync(agentDir));
    assertNoneLinked(stores);
    return holdAll(
      { profileId: target.profileId, stateDir: this.#options.paths.stateDir, stores },
      (holds, hold) => body(new JsonProfileStore(this.#options, holds), hold),
      options,
    );
  }

  async check(change: FileChange): Promise<Holding> {
    const { places, read } = await this.#survey();
    return holdingOf(await readAgentFiles(placeOf(places, change), read), change);
  }

  async namedInConfig(profileId: string): Promise<readonly string[]> {
    return namedIn(this.#options.paths.configPath, profileId);
  }

  async sharedTokens(elsewhere: readonly TokenHolder[] = []): Promise<readonly SharedToken[]> {
    const { places, read } = await this.#survey();
    const holders: TokenHolder[] = [];
    for (const place of places) {
      const files = await this.#readOther(place, false, read);
      for (const [profileId, entry] of Object.entries(files === undefined ? {} : entriesOf(files))) {
        const credential = parseCredential(entry);
        const refreshToken = credential === undefined ? undefined : refreshTokenOf(credential);
        if (refreshToken !== undefined) holders.push({ owner: place.agentId, profileId, refreshToken });
      }
    }
    return findSharedTokens([...holders, ...elsewhere]);
  }

  /** The main store, and the agent's own where it has one besides. */
  async #open(
    agentId: string | undefined,
    forChange = false,
  ): Promise<{
    readonly place: AgentPlace;
    readonly config: OpenClawConfig;
    readonly main: AgentFiles;
    readonly own: AgentFiles | undefined;
  }> {
    const { places, config, read } = await this.#survey();
    const place = findAgentPlace(places, agentId);
    const how = forChange ? this.#keeping(read) : read;
    const main = await readAgentFiles(places[0], how);
    const own = place.isMain ? undefined : await readAgentFiles(place, how);
    return { place, config, main, own };
  }

  async #toShow(agentId: string | undefined, forChange = false): Promise<SnapshotInput> {
    const { place, config, main, own } = await this.#open(agentId, forChange);
    return { agentId: place.agentId, config, main, own, now: this.#now() };
  }

  /** Reads so that a copy is kept of what cannot be read. */
  #keeping(read: ReadOptions): ReadOptions {
    return { ...read, now: this.#now(), corruptFolder: this.#options.corruptFolder };
  }

  async #survey(): Promise<Survey> {
    return await (this.#once === undefined ? this.#look() : (this.#once.survey ??= this.#look()));
  }

  async #look(): Promise<Survey> {
    const generation = await this.#options.generation?.();
    if (generation === "sqlite" || generation === "unknown") throw unsupported(generation);
    const config = await readOpenClawConfig(this.#options.paths.configPath);
    const places = await listAgentPlaces(this.#options, config);
    return { places, config, read: { generation } };
  }

  /** An agent that nobody asked for must not stand in the way with a broken store: undefined where it cannot be read. */
  async #readOther(place: AgentPlace, isAskedFor: boolean, read: ReadOptions): Promise<AgentFiles | undefined> {
    try {
      return await readAgentFiles(place, read);
    } catch (error) {
      if (!isAskedFor && isCodexAuthError(error)) return undefined;
      throw error;
    }
  }
}

/** Which stores there are, and how they are read. */
interface Survey {
  readonly places: AgentPlaces;
  readonly config: OpenClawConfig;
  readonly read: ReadOptions;
}

/** @throws CodexAuthError `ERR_STORE_LINKED` where two stores are one file: what is taken out of a copy would go from its owner. */
function assertNoneLinked(places: readonly AgentPlace[]): void {
  const files = places.map(({ storePath }) => realPathOr(storePath));
  if (new Set(files).size === files.length) return;
  throw new CodexAuthError("ERR_STORE_LINKED", {
    message: "Two agents' auth stores are one file by a link, so it cannot be told who owns this login.",
    next: "Nothing was sent. Remove the link and let the agent inherit main's logins, or sign in again.",
  });
}

function placeOf(places: readonly AgentPlace[], change: FileChange): AgentPlace {
  const place = places.find(({ storePath }) => storePath === change.path);
  if (place !== undefined) return place;
  // A journal names files; only those that are a store today are ever written.
  throw new CodexAuthError("ERR_STORE_CONFLICT", {
    message: "The planned file is no longer the store of an agent.",
    next: "Nothing was written; the change is worked out again.",
    retryable: true,
  });
}

function unsupported(generation: "sqlite" | "unknown"): CodexAuthError {
  if (generation === "sqlite") {
    return new CodexAuthError("ERR_GENERATION_UNSUPPORTED", {
      message:
        "This OpenClaw keeps its logins in a database (2026.6 and later), which must not be written from outside.",
      next: "Nothing was changed. Use `openclaw models auth login` there, or the codex-auth plugin when it is installed.",
    });
  }
  return new CodexAuthError("ERR_GENERATION_UNKNOWN", {
    message: "It cannot be told how this OpenClaw keeps its logins.",
    next: "Nothing was changed. Run `codex-auth-skill doctor` to see what was looked at.",
  });
}
