// OpenClaw from 2026.6 from inside its process: its databases are read and written through its own locked update, and never as files.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { OPENCLAW_LOCK } from "../config/defaults.ts";
import { CodexAuthError } from "../errors.ts";
import type { OpenClawLockHold } from "../storage/openclaw-lock.ts";
import { findAgentPlace, listAgentPlaces, type AgentPlace, type AgentPlaces } from "./agents.ts";
import type { AgentFiles, JsonObject } from "./json-files.ts";
import type { StoreDocuments } from "./json-patch.ts";
import type { BackendOptions, StoreBackend, Survey } from "./openclaw-backend.ts";
import { readOpenClawConfig } from "./openclaw-config.ts";
import { entryForDatabase } from "./openclaw-entry.ts";
import type { DatabaseSdk } from "./openclaw-sdk.ts";
import { documentFrom, proveWritten, storeFrom, viewOf } from "./openclaw-view.ts";
import { openCredential, sealCredential } from "./profile.ts";
import { OPENAI_PROVIDER, profileIdFor } from "./profile-id.ts";
import type { ApplyOptions, FileChange, StoreChange } from "./store.ts";

const OURS = "openclaw:";
const SHARED = `${OURS}shared`;

/**
 * {@link StoreBackend} over OpenClaw's databases. Their lock is held only inside OpenClaw's own update, which is synchronous: what a
 * change does before its write and after it happens outside of that, and the write judges the store once more.
 */
export class DatabaseBackend implements StoreBackend {
  readonly provider = OPENAI_PROVIDER;
  readonly #sdk: DatabaseSdk;
  readonly #options: BackendOptions;

  constructor(sdk: DatabaseSdk, options: BackendOptions) {
    this.#sdk = sdk;
    this.#options = options;
  }

  async survey(): Promise<Survey> {
    const { configPath, mainAgentDir } = this.#options.paths;
    const config = await readOpenClawConfig(configPath, this.provider);
    const folders = await listAgentPlaces(this.#options, config);
    const own = folders.map((place) => ownPlace(place));
    const shared: AgentPlace = {
      agentId: folders[0].agentId,
      agentIds: [],
      agentDir: mainAgentDir,
      storePath: SHARED,
      statePath: SHARED,
      isMain: true,
    };
    // Asked for the store of an agent that has none, OpenClaw would make one.
    const stores = own.filter(({ agentDir }) => hasDatabase(agentDir) && !this.#sdk.isShared(agentDir));
    const places: AgentPlaces = [shared, ...stores];
    return {
      places,
      config,
      agents: folders.map(({ agentId, isMain, agentDir }) => ({
        agentId,
        isMain,
        hasStore: isMain || hasDatabase(agentDir),
      })),
      placeOf: (agentId) => {
        const { agentId: id, agentDir } = findAgentPlace(folders, agentId);
        const place = own.find((one) => one.agentIds.includes(id)) ?? shared;
        return { ...(this.#sdk.isShared(agentDir) ? shared : place), agentId: id };
      },
    };
  }

  async read(place: AgentPlace): Promise<AgentFiles> {
    if (!place.isMain && !hasDatabase(place.agentDir)) return this.#files(place, undefined);
    return this.#files(place, documentFrom(await this.#sdk.load(dirOf(place))));
  }

  lockPathOf({ storePath }: AgentPlace): Promise<string> {
    return Promise.resolve(storePath);
  }

  /** Ids and provider of the JSON generation mean the same profiles here, and only such fields are written as OpenClaw gives back. */
  translate(change: StoreChange): StoreChange {
    const idOf = (id: string): string => profileIdFor(this.provider, id);
    const { credential, order, renameTo } = change;
    return {
      ...change,
      provider: this.provider,
      profileId: idOf(change.profileId),
      ...(credential == null ? {} : { credential: sealCredential(entryForDatabase(openCredential(credential))) }),
      ...(order == null ? {} : { order: order.map(idOf) }),
      ...(renameTo === undefined ? {} : { renameTo: idOf(renameTo) }),
    };
  }

  keepable(change: FileChange): FileChange {
    return change;
  }

  /** OpenClaw has taken its files over, names and orders included. */
  takenOver(change: FileChange): FileChange | undefined {
    if (change.path.startsWith(OURS)) return undefined;
    const idOf = (id: string): string => profileIdFor(this.provider, id);
    const { profileId, renameTo, orderBefore, orderAfter } = change;
    return {
      ...change,
      profileId: idOf(profileId),
      orderBefore: orderBefore?.map(idOf) ?? null,
      orderAfter: orderAfter?.map(idOf) ?? null,
      ...(renameTo === undefined ? {} : { renameTo: idOf(renameTo) }),
    };
  }

  assertMayBegin(): void {
    // OpenClaw has begun it, and refuses itself where older logins wait to be moved over.
  }

  async locked<T>(
    { storePath }: AgentPlace,
    body: (hold: OpenClawLockHold) => Promise<T>,
    { signal }: ApplyOptions,
  ): Promise<T> {
    if (signal?.aborted === true) throw cancelled();
    const until = this.#options.now() + OPENCLAW_LOCK.maxHoldMs;
    return await body({
      lockPath: storePath,
      assertStillOurs: () => undefined,
      remainingMs: () => until - this.#options.now(),
    });
  }

  async update(
    place: AgentPlace,
    judge: (now: AgentFiles) => StoreDocuments | undefined,
  ): Promise<AgentFiles | undefined> {
    const result = await this.#sdk.update((store) => {
      const wanted = judge(this.#files(place, documentFrom(store)));
      return wanted === undefined ? undefined : storeFrom(viewOf(wanted));
    }, dirOf(place));
    if (result === "refused") throw refused();
    return result === "unchanged" ? undefined : await this.read(place);
  }

  prove(wanted: StoreDocuments, found: AgentFiles, profileIds: readonly string[]): void {
    proveWritten(viewOf(wanted), viewOf(found), this.#sdk.shape, profileIds);
  }

  #files(place: AgentPlace, profiles: JsonObject | undefined): AgentFiles {
    return { place, provider: this.provider, profiles, state: undefined };
  }
}

function ownPlace(place: AgentPlace): AgentPlace {
  const path = `${OURS}agent:${place.agentId}`;
  return { ...place, storePath: path, statePath: path, isMain: false };
}

function dirOf({ isMain, agentDir }: AgentPlace): string | undefined {
  return isMain ? undefined : agentDir;
}

function hasDatabase(agentDir: string): boolean {
  return existsSync(join(agentDir, "openclaw-agent.sqlite"));
}

function cancelled(): CodexAuthError {
  return new CodexAuthError("ERR_CANCELLED", {
    message: "The change was given up before anything was written.",
    next: "Nothing was changed.",
  });
}

function refused(): CodexAuthError {
  return new CodexAuthError("ERR_LOCK_TIMEOUT", {
    message:
      "OpenClaw did not carry out the change of its auth store: somebody holds the database, or writing it failed.",
    next: "Nothing was changed. Try again; if it stays so, look at the gateway's log and at the disk.",
    retryable: true,
  });
}
