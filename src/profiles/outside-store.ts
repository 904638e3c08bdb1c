// The store of a host outside the gateway: OpenClaw's files as long as it has them, and what the plugin tells where it has a database.

import type { CredentialFacts } from "./credential-facts.ts";
import { factsOf } from "./credential-facts.ts";
import type { StoreGeneration } from "./json-files.ts";
import type { Look } from "./json-snapshot.ts";
import type { JsonProfileStore } from "./json-store.ts";
import { normalizeAgentId } from "./openclaw-config.ts";
import type { SharedToken, TokenHolder } from "./owners.ts";
import { CODEX_PROVIDER, OPENAI_PROVIDER, type CodexProvider } from "./profile-id.ts";
import type { PublishedStore } from "./published-store.ts";
import { Marks } from "../storage/marks.ts";
import type * as Store from "./store.ts";

/** What {@link OutsideStore} chooses from. */
export interface OutsideStoreOptions {
  readonly files: JsonProfileStore;
  readonly published: PublishedStore;
  /** Which generation OpenClaw is, asked before every call: it may be updated while we run. */
  readonly generation: () => Promise<StoreGeneration>;
  /** The same by files alone, and which they are; undefined where they do not tell. Default: they never do, and it is asked at every look. */
  readonly byFiles?: () => Promise<ToldByFiles | undefined>;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

/** Which generation OpenClaw is, and the files that say so: it is another only where one of them is. */
export interface ToldByFiles {
  readonly generation: StoreGeneration;
  readonly paths: readonly string[];
}

/** What looks found last, for as long as the files that told it are as they were. */
interface Found {
  readonly marks: Marks;
  readonly store: JsonProfileStore;
  /** What was shown of the logins in those files, by agent. */
  readonly looks: Map<string, Look>;
}

/** {@link Store.ProfileStore} from outside; where its generation cannot be told, the files say so. */
export class OutsideStore implements Store.ProfileStore {
  readonly #options: OutsideStoreOptions;
  #provider: CodexProvider = CODEX_PROVIDER;
  #looking: Promise<Store.ProfileStore> | undefined;
  #found: Found | undefined;
  /** What the last look was told by: the next one marks it before it reads anything. */
  #toldBy: readonly string[] = [];

  constructor(options: OutsideStoreOptions) {
    this.#options = options;
  }

  /** As of the last call. */
  get provider(): CodexProvider {
    return this.#provider;
  }

  async agents(): Promise<readonly Store.AgentSummary[]> {
    return (await this.#toLook()).agents();
  }

  async read(agentId?: string, options?: Store.LookOptions): Promise<Store.StoreSnapshot> {
    if (options?.forChange === true || options?.anew === true) return (await this.#store()).read(agentId, options);
    const store = await this.#toLook();
    const found = this.#found;
    return found?.store === store ? this.#shown(found, agentId) : store.read(agentId);
  }

  async readCredential(profileId: string, agentId?: string): ReturnType<Store.ProfileStore["readCredential"]> {
    return (await this.#store()).readCredential(profileId, agentId);
  }

  async describe(profileId: string, agentId?: string): Promise<CredentialFacts | undefined> {
    const store: Store.ProfileStore = await this.#store();
    if (store.describe !== undefined) return store.describe(profileId, agentId);
    const stored = await store.readCredential(profileId, agentId);
    return stored === undefined ? undefined : factsOf(stored);
  }

  async plan(change: Store.StoreChange, agentId?: string): Promise<Store.PlannedChange> {
    return (await this.#store()).plan(change, agentId);
  }

  async apply(
    change: Store.FileChange,
    values: Store.EntryValues,
    options?: Store.ApplyOptions,
  ): Promise<Store.AppliedChange> {
    return (await this.#store()).apply(change, values, options);
  }

  async undo(
    change: Store.FileChange,
    values: Store.EntryValues,
    options?: Store.ApplyOptions,
  ): Promise<Store.AppliedChange> {
    return (await this.#store()).undo(change, values, options);
  }

  /** Only files have locks that anybody outside could take: on a database they refuse, and say why. */
  async holding<T>(
    target: Store.HoldTarget,
    body: (held: Store.ProfileStore, hold: Store.Hold) => Promise<T>,
    options?: Store.HoldOptions,
  ): Promise<T> {
    return this.#options.files.holding(target, body, options);
  }

  async check(change: Store.FileChange): Promise<Store.Holding> {
    return (await this.#store()).check(change);
  }

  async namedInConfig(profileId: string): Promise<readonly string[]> {
    return (await this.#store()).namedInConfig(profileId);
  }

  async sharedTokens(elsewhere?: readonly TokenHolder[]): Promise<readonly SharedToken[]> {
    return (await this.#store()).sharedTokens(elsewhere);
  }

  /** What was shown before, while the files and the clock say the same; the marks of `found` hold. No token is in it. */
  async #shown({ marks, store, looks }: Found, agentId: string | undefined): Promise<Store.StoreSnapshot> {
    const nowMs = this.#now();
    const key = normalizeAgentId(agentId ?? "");
    const before = looks.get(key);
    // Not where the clock was set back, either.
    if (before !== undefined && nowMs >= before.fromMs && nowMs < before.untilMs) return before.snapshot;
    const look = await store.look(agentId);
    // Those files are main's: an agent's own logins are read at every look. What came and went while this was read is not kept.
    if (marks.cover(look.readFrom) && marks.hold()) looks.set(key, look);
    return look.snapshot;
  }

  /** To write, a store asks which generation it is as often as it likes: OpenClaw may be updated in between. */
  async #store(): Promise<Store.ProfileStore> {
    const { files, published } = this.#options;
    return (await this.#generation()) === "sqlite" ? published : files;
  }

  /** Whoever only looks goes by one answer, and by one under way: a list looks for three things at once, and each reads five files. */
  async #toLook(): Promise<Store.ProfileStore> {
    return await (this.#looking ??= this.#lookedUp().finally(() => (this.#looking = undefined)));
  }

  /**
   * What is the same from one look to the next is not read again: which OpenClaw this is, its configuration, which stores there are, and
   * what main's says. That is half of what a list takes, and no token is among it.
   */
  async #lookedUp(): Promise<Store.ProfileStore> {
    if (this.#found?.marks.hold() === true) return this.#found.store;
    const { files, published } = this.#options;
    const marks = Marks.take(this.#toldBy, this.#now());
    this.#found = undefined;
    const told = await this.#options.byFiles?.();
    const generation = told === undefined ? await this.#generation() : this.#named(told.generation);
    if (generation === "sqlite") return published;
    const store = files.knownToBe(generation);
    if (told === undefined) return store;
    this.#toldBy = [...told.paths, ...(await store.toldBy())];
    if (marks?.areOf(this.#toldBy) === true) this.#found = { marks, store, looks: new Map() };
    return store;
  }

  #now(): number {
    return (this.#options.now ?? Date.now)();
  }

  async #generation(): Promise<StoreGeneration> {
    return this.#named(await this.#options.generation());
  }

  /** Each generation has a name of its own for the provider. */
  #named(found: StoreGeneration): StoreGeneration {
    this.#provider = found === "sqlite" ? OPENAI_PROVIDER : CODEX_PROVIDER;
    return found;
  }
}
