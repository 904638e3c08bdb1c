// OpenClaw to 2026.5 from inside its process: the files are the truth, and its own code writes them, so its memory has the change at once.

import { existsSync, readFileSync } from "node:fs";
import { CodexAuthError, systemCode } from "../errors.ts";
import { canonicalJson } from "../secrets/fingerprint.ts";
import { ensurePrivateFolder } from "../storage/atomic-write.ts";
import { parseJson } from "../storage/json-file.ts";
import { openClawLockPath, withOpenClawLock, type OpenClawLockHold } from "../storage/openclaw-lock.ts";
import { findAgentPlace, listAgentPlaces, type AgentPlace } from "./agents.ts";
import { keepCorruptCopy } from "./corrupt-copy.ts";
import { assertMayBegin, conflict } from "./json-apply.ts";
import { asObject, entryOf, readAgentFiles, type AgentFiles, type JsonObject, type ReadOptions } from "./json-files.ts";
import type { StoreDocuments } from "./json-patch.ts";
import type { BackendOptions, StoreBackend, Survey } from "./openclaw-backend.ts";
import { readOpenClawConfig } from "./openclaw-config.ts";
import type { FileSdk } from "./openclaw-sdk.ts";
import { dropsFrom, proveWritten, storeFrom, viewOf } from "./openclaw-view.ts";
import { CODEX_PROVIDER } from "./profile-id.ts";
import type { ApplyOptions, FileChange, StoreChange } from "./store.ts";

/**
 * {@link StoreBackend} over files. The lock is OpenClaw's lock file, made as a worker outside makes it: OpenClaw's own `withFileLock` is
 * re-entrant within its process, so it would let us in while the gateway renews a token (it reads before that call and writes the
 * whole store after it); our own file makes each wait for the other. `saveAuthProfileStore` itself takes no lock.
 */
export class FileBackend implements StoreBackend {
  readonly provider = CODEX_PROVIDER;
  readonly #sdk: FileSdk;
  readonly #options: BackendOptions;

  constructor(sdk: FileSdk, options: BackendOptions) {
    this.#sdk = sdk;
    this.#options = options;
  }

  async survey(): Promise<Survey> {
    const config = await readOpenClawConfig(this.#options.paths.configPath);
    const places = await listAgentPlaces(this.#options, config);
    return {
      places,
      config,
      agents: places.map(({ agentId, isMain, storePath }) => ({ agentId, isMain, hasStore: existsSync(storePath) })),
      placeOf: (agentId) => findAgentPlace(places, agentId),
    };
  }

  async read(place: AgentPlace, forChange = false): Promise<AgentFiles> {
    const { corruptFolder, now } = this.#options;
    const read: ReadOptions = {
      generation: this.#sdk.shape === "one-file" ? "json-single" : "json-split",
      now: now(),
      ...(forChange ? { corruptFolder } : {}),
    };
    return await readAgentFiles(place, read);
  }

  async lockPathOf({ agentDir, storePath }: AgentPlace): Promise<string> {
    return existsSync(agentDir) ? await openClawLockPath(storePath) : `${storePath}.lock`;
  }

  translate(change: StoreChange): StoreChange {
    return change;
  }

  /** 2026.5.28 takes out of an order, whenever it writes a store, what that store itself does not have. */
  keepable(change: FileChange, files: AgentFiles, main: AgentFiles): FileChange {
    const { orderBefore, orderAfter, profileId, after } = change;
    if (this.#sdk.shape === "one-file" || canonicalJson(orderBefore) === canonicalJson(orderAfter)) return change;
    const has = (id: string): boolean => (id === profileId ? after !== null : entryOf(files, id) !== undefined);
    const lost = (orderAfter ?? []).filter((id) => !has(id));
    if (!files.place.isMain && lost.some((id) => entryOf(main, id) !== undefined)) throw notKept();
    const kept = (orderAfter ?? []).filter(has);
    return { ...change, orderAfter: kept.length === 0 ? null : kept };
  }

  takenOver(): undefined {
    return undefined;
  }

  assertMayBegin(place: AgentPlace): void {
    assertMayBegin({ place, oauthDir: this.#options.paths.oauthDir });
  }

  async locked<T>(place: AgentPlace, body: (hold: OpenClawLockHold) => Promise<T>, options: ApplyOptions): Promise<T> {
    if (place.isMain) await ensurePrivateFolder(place.agentDir);
    else if (!existsSync(place.agentDir)) throw conflict();
    return await withOpenClawLock(place.storePath, body, options);
  }

  // Nothing waits from the look that is judged to the look that is compared: what OpenClaw writes without its lock cannot come in between.
  async update(
    place: AgentPlace,
    judge: (now: AgentFiles) => StoreDocuments | undefined,
    hold: OpenClawLockHold,
  ): Promise<AgentFiles | undefined> {
    const { corruptFolder, now } = this.#options;
    // OpenClaw's code leaves out what it does not know. It would do so at its next write too, but ours is not to lose it.
    if (dropsFrom(this.#look(place))) await keepCorruptCopy(place.storePath, place.agentId, corruptFolder, now());
    const wanted = judge(this.#look(place));
    if (wanted === undefined) return undefined;
    hold.assertStillOurs();
    this.#sdk.save(storeFrom(viewOf(wanted)), place.isMain ? undefined : place.agentDir);
    return this.#look(place);
  }

  prove(wanted: StoreDocuments, found: AgentFiles, profileIds: readonly string[]): void {
    proveWritten(viewOf(wanted), viewOf(found), this.#sdk.shape, profileIds);
  }

  /** The store at this very moment; that it is sound was seen when it was read under the same lock. */
  #look(place: AgentPlace): AgentFiles {
    const profiles = readObject(place.storePath);
    return { place, profiles, state: this.#sdk.shape === "one-file" ? undefined : readObject(place.statePath) };
  }
}

function notKept(): CodexAuthError {
  return new CodexAuthError("ERR_GENERATION_UNSUPPORTED", {
    message: "This OpenClaw forgets, in an agent's own order, the profiles that the agent only inherits from main.",
    next: "Nothing was changed. Change the order of main, or clear the agent's own: `openclaw models auth order clear`.",
  });
}

function readObject(path: string): JsonObject | undefined {
  try {
    return asObject(parseJson(readFileSync(path, "utf8"), path));
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    throw error;
  }
}
