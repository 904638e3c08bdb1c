// The profile store from inside the gateway's process: planned like files, carried out by OpenClaw's own code, in force at once.

import { isCodexAuthError } from "../errors.ts";
import type { GatewayProfile } from "../gateway/instance.ts";
import type { Secret } from "../secrets/secret.ts";
import type { AgentRoots } from "./agents.ts";
import { conflict, holdingOf, patchOf, takingBack } from "./json-apply.ts";
import { entriesOf, entryOf, type AgentFiles } from "./json-files.ts";
import { assertOnlyTargetChanged, patchStore, type StoreDocuments } from "./json-patch.ts";
import { planChange } from "./json-plan.ts";
import { planNotes, planRename } from "./json-plan-manage.ts";
import { snapshotOf } from "./json-snapshot.ts";
import type { BackendOptions, StoreBackend, Survey } from "./openclaw-backend.ts";
import { namedIn } from "./openclaw-config.ts";
import { DatabaseBackend } from "./openclaw-database.ts";
import { withoutFence } from "./openclaw-entry.ts";
import { FileBackend } from "./openclaw-files.ts";
import type { AuthSdk } from "./openclaw-sdk.ts";
import { viewOf } from "./openclaw-view.ts";
import { outlineOf, type StoresOutline } from "./outline.ts";
import { findSharedTokens, type SharedToken, type TokenHolder } from "./owners.ts";
import { parseCredential, refreshTokenOf, sealCredential, unsealEntry } from "./profile.ts";
import { type CodexProvider, profileIdFor } from "./profile-id.ts";
import type { SealedCredential } from "./profile.ts";
import { isOfProvider, type SessionPin } from "./session-pins.ts";
import type {
  AgentSummary,
  AppliedChange,
  ApplyOptions,
  EntryValues,
  FileChange,
  Holding,
  PlannedChange,
  ProfileStore,
  StoreChange,
  StoreSnapshot,
} from "./store.ts";

/** What {@link OpenClawProfileStore} is made from. */
export interface OpenClawStoreOptions extends AgentRoots {
  readonly sdk: AuthSdk;
  /** Where copies of files that cannot be read are kept (0700). Default: none are kept. */
  readonly corruptFolder?: string;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

/**
 * {@link ProfileStore} over OpenClaw's plugin SDK. To 2026.5 a {@link FileChange} names the real `auth-profiles.json`, so that a
 * job begun by a worker outside is finished here and the reverse; from 2026.6 it names `openclaw:shared` or `openclaw:agent:<id>`.
 *
 * What {@link ApplyOptions} promise is kept so: to 2026.5 all of it happens under OpenClaw's lock file, as outside. From 2026.6
 * `beforeWrite` runs before the update, which then judges the store once more in its transaction; `whileLocked` runs after the result
 * was read back, with a hold that only counts the time, since nothing can write an old value back over a database.
 */
export class OpenClawProfileStore implements ProfileStore {
  readonly provider: CodexProvider;
  readonly #backend: StoreBackend;
  readonly #sdk: AuthSdk;
  readonly #options: BackendOptions;

  constructor({ sdk, now = Date.now, ...rest }: OpenClawStoreOptions) {
    this.#options = { ...rest, now };
    this.#sdk = sdk;
    this.#backend =
      sdk.shape === "sqlite" ? new DatabaseBackend(sdk, this.#options) : new FileBackend(sdk, this.#options);
    this.provider = this.#backend.provider;
  }

  async agents(): Promise<readonly AgentSummary[]> {
    return (await this.#backend.survey()).agents;
  }

  async read(agentId?: string, { forChange = false }: { readonly forChange?: boolean } = {}): Promise<StoreSnapshot> {
    const survey = await this.#backend.survey();
    const { main, own, name } = await this.#open(survey, agentId, forChange);
    const snapshot = snapshotOf({ agentId: name, config: survey.config, main, own, now: this.#options.now() });
    if (!isMainAgent(survey, name)) return snapshot;
    // Where main has a store of its own besides the shared one, what it has from there is no less its own.
    return { ...snapshot, summaries: snapshot.summaries.map((summary) => ({ ...summary, inherited: false })) };
  }

  async readCredential(
    profileId: string,
    agentId?: string,
  ): Promise<{ readonly credential: SealedCredential; readonly inherited: boolean } | undefined> {
    const survey = await this.#backend.survey();
    const { main, own, name } = await this.#open(survey, agentId, false);
    const id = profileIdFor(this.provider, profileId);
    const local = own === undefined ? undefined : entryOf(own, id);
    const credential = parseCredential(local ?? entryOf(main, id));
    if (credential === undefined) return undefined;
    const inherited = own !== undefined && local === undefined && !isMainAgent(survey, name);
    return { credential: sealCredential(credential), inherited };
  }

  async outline(): Promise<StoresOutline> {
    const [mainPlace, ...rest] = (await this.#backend.survey()).places;
    const main = await this.#backend.read(mainPlace);
    const outline = [outlineOf(mainPlace, main, main)];
    for (const place of rest)
      outline.push(outlineOf(place, await this.#readOther(() => this.#backend.read(place), false), main));
    return outline;
  }

  async plan(wanted: StoreChange, agentId?: string): Promise<PlannedChange> {
    const change = this.#backend.translate(wanted);
    const { places, placeOf } = await this.#backend.survey();
    const agent = placeOf(agentId);
    const [mainPlace, ...rest] = places;
    const main = await this.#backend.read(mainPlace, true);
    if (main.profiles === undefined) this.#backend.assertMayBegin(mainPlace);
    const others: AgentFiles[] = [];
    const unreadable: string[] = [];
    for (const place of rest) {
      const files = await this.#readOther(() => this.#backend.read(place, true), place.storePath === agent.storePath);
      if (files === undefined) unreadable.push(place.agentId);
      else if (files.profiles !== undefined) others.push(files);
    }
    const locks = new Map<string, string>();
    for (const { place } of [main, ...others]) locks.set(place.storePath, await this.#backend.lockPathOf(place));
    const planAny = change.renameTo !== undefined ? planRename : change.failures !== undefined ? planNotes : planChange;
    const lockPathOf = ({ place }: AgentFiles): string => locks.get(place.storePath) ?? "";
    const { plan, values } = planAny(change, { main, others, unreadable, agent, lockPathOf });
    const stores = [main, ...others];
    const files = plan.files.map((file) => {
      const own = stores.find(({ place }) => place.storePath === file.path);
      return own === undefined ? file : this.#backend.keepable(file, own, main);
    });
    const kept = new Map([...values].map(([path, value]) => [path, withoutFences(value)]));
    return { plan: { ...plan, files }, values: kept };
  }

  async apply(planned: FileChange, values: EntryValues, options: ApplyOptions = {}): Promise<AppliedChange> {
    const { place, change } = await this.#today(planned);
    return await this.#backend.locked(
      place,
      async (hold) => {
        const files = await this.#backend.read(place, true);
        if (files.profiles === undefined) {
          if (!change.creates || !place.isMain) throw conflict();
          this.#backend.assertMayBegin(place);
        }
        const isOpen = mustWrite(files, change);
        // An entry of the files would be written as no database has it.
        if (isOpen && change !== planned) throw conflict();
        if (isOpen) await options.beforeWrite?.();
        const hasWritten = isOpen && (await this.#write(files, change, values, hold));
        await options.whileLocked?.(hold);
        return hasWritten ? { outcome: "written", written: [change.path] } : { outcome: "already", written: [] };
      },
      options,
    );
  }

  async undo(change: FileChange, values: EntryValues, options: ApplyOptions = {}): Promise<AppliedChange> {
    const back = takingBack(change, values);
    return this.apply(back.change, back.values, options);
  }

  async check(planned: FileChange): Promise<Holding> {
    const { place, change } = await this.#today(planned);
    return holdingOf(await this.#backend.read(place), change);
  }

  async namedInConfig(profileId: string): Promise<readonly string[]> {
    return namedIn(this.#options.paths.configPath, profileIdFor(this.provider, profileId));
  }

  async sharedTokens(elsewhere: readonly TokenHolder[] = []): Promise<readonly SharedToken[]> {
    const holders: TokenHolder[] = [];
    for (const place of (await this.#backend.survey()).places) {
      const files = await this.#readOther(() => this.#backend.read(place), false);
      for (const [profileId, entry] of Object.entries(files === undefined ? {} : entriesOf(files))) {
        const credential = parseCredential(entry);
        const refreshToken = credential === undefined ? undefined : refreshTokenOf(credential);
        if (refreshToken !== undefined) holders.push({ owner: place.agentId, profileId, refreshToken });
      }
    }
    return findSharedTokens([...holders, ...elsewhere]);
  }

  /** The profiles that this very process uses for an agent now: the proof that a change is in force. */
  async loaded(agentId?: string): Promise<readonly GatewayProfile[]> {
    const { agentDir, isMain } = (await this.#backend.survey()).placeOf(agentId);
    const { profiles } = viewOf({ profiles: this.#sdk.effective(isMain ? undefined : agentDir), state: undefined });
    return Object.entries(profiles).flatMap(([profileId, entry]) => {
      const credential = parseCredential(entry);
      if (credential?.provider.toLowerCase() !== this.provider) return [];
      return [
        { profileId, ...(typeof credential["expires"] === "number" ? { expiresAtMs: credential["expires"] } : {}) },
      ];
    });
  }

  /** Which of the agent's chats are bound to a profile; undefined where OpenClaw's code does not tell. */
  async pins(agentId: string): Promise<readonly SessionPin[] | undefined> {
    const pins = await this.#sdk.pins((await this.#backend.survey()).placeOf(agentId).agentId);
    return pins?.filter(({ profileId }) => isOfProvider(this.provider, profileId));
  }

  /**
   * Frees the agent's chats that are bound to a profile (or to any Codex profile), so that the order decides for them again; gives how
   * many. Those of another provider stay: no order of ours decides for them.
   */
  async clearPins(agentId: string, profileId?: string): Promise<number> {
    const { agentId: name } = (await this.#backend.survey()).placeOf(agentId);
    const wanted = profileId === undefined ? undefined : profileIdFor(this.provider, profileId);
    return await this.#sdk.clearPins(name, (bound) =>
      wanted === undefined ? isOfProvider(this.provider, bound) : bound === wanted,
    );
  }

  /** Writes what is planned, judged by what is there at that very moment, and proves it; false where somebody did it meanwhile. */
  async #write(
    { place }: AgentFiles,
    change: FileChange,
    { next }: EntryValues,
    hold: Parameters<StoreBackend["update"]>[2],
  ): Promise<boolean> {
    const patch = { ...patchOf(change, next), provider: this.provider };
    let wanted: StoreDocuments | undefined;
    const found = await this.#backend.update(
      place,
      (now) => {
        if (!mustWrite(now, change)) return undefined;
        wanted = patchStore(now, patch);
        assertOnlyTargetChanged(now, wanted, patch);
        return wanted;
      },
      hold,
    );
    if (found === undefined || wanted === undefined) return false;
    this.#backend.prove(wanted, found, [change.profileId, ...(change.renameTo === undefined ? [] : [change.renameTo])]);
    return true;
  }

  /** The shared store, and the agent's own where it has one besides. */
  async #open(
    { places, placeOf }: Survey,
    agentId: string | undefined,
    forChange: boolean,
  ): Promise<{ readonly main: AgentFiles; readonly own: AgentFiles | undefined; readonly name: string }> {
    const place = placeOf(agentId);
    const main = await this.#backend.read(places[0], forChange);
    return { main, own: place.isMain ? undefined : await this.#backend.read(place, forChange), name: place.agentId };
  }

  /** A journal names stores, those of an OpenClaw that was updated since among them; only those that there are today are ever written. */
  async #today(planned: FileChange): Promise<{ readonly place: AgentFiles["place"]; readonly change: FileChange }> {
    const { places, placeOf } = await this.#backend.survey();
    const place = places.find(({ storePath }) => storePath === planned.path);
    if (place !== undefined) return { place, change: planned };
    const change = this.#backend.takenOver(planned);
    if (change === undefined) throw conflict();
    const own = placeOf(planned.agentId);
    return { place: places.find(({ storePath }) => storePath === own.storePath) ?? places[0], change };
  }

  /** An agent that nobody asked for must not stand in the way with a broken store: undefined where it cannot be read. */
  async #readOther(read: () => Promise<AgentFiles>, isAskedFor: boolean): Promise<AgentFiles | undefined> {
    try {
      return await read();
    } catch (error) {
      if (!isAskedFor && isCodexAuthError(error)) return undefined;
      throw error;
    }
  }
}

function isMainAgent({ places }: Survey, agentId: string): boolean {
  return places[0].agentId === agentId;
}

/** Whether the change is still to be made. @throws CodexAuthError `ERR_STORE_CONFLICT` where the store is neither as before nor as after. */
function mustWrite(files: AgentFiles, change: FileChange): boolean {
  const holding = holdingOf(files, change);
  if (holding === "other") throw conflict();
  return holding === "before";
}

/** OpenClaw's marker of a renewal is no token: it is neither kept for an undo nor written. */
function withoutFences({ next, previous }: EntryValues): EntryValues {
  return { next, previous: previous === null ? null : unfenced(previous) };
}

function unfenced(entry: Secret): Secret {
  const credential = parseCredential(unsealEntry(entry));
  if (credential === undefined) return entry;
  const plain = withoutFence(credential);
  return plain === credential ? entry : sealCredential(plain);
}
