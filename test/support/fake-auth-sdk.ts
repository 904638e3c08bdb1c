// OpenClaw's plugin SDK as far as our port uses it, in each of its three shapes. Each behaviour is a fact that test/e2e/openclaw-store.test.ts
// sees in the real one; sections are those of facts/openclaw-json-generation.md (J) and facts/openclaw-sqlite-generation.md (S).

import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ImportSdkModule, SdkModuleName } from "../../src/hosts/openclaw/sdk-modules.ts";
import type { SdkShape } from "../../src/profiles/openclaw-sdk.ts";

/** A store as OpenClaw has it in memory. */
export interface FakeStore {
  version: number;
  profiles: Record<string, Record<string, unknown>>;
  order?: Record<string, string[]> | undefined;
  lastGood?: Record<string, string> | undefined;
  usageStats?: Record<string, Record<string, unknown>> | undefined;
  [runtime: string]: unknown;
}

/** A chat with the profile that it is bound to. */
interface FakeSession {
  authProfileOverride?: string;
  authProfileOverrideSource?: string;
  [name: string]: unknown;
}

/** One OpenClaw process. */
export interface FakeOpenClaw {
  readonly importModule: ImportSdkModule;
  /** What the process has in memory, by agent folder (`shared` for the store that all inherit). */
  readonly memory: Map<string, FakeStore>;
  /** The databases, by agent folder; only of the SQLite shape. */
  readonly databases: Map<string, FakeStore>;
  readonly sessions: Map<string, FakeSession>;
  /** While true (or for one update alone), the database is held by somebody (S §2: the update answers null). */
  busy: boolean | "once";
  /** While true, an older login file waits to be moved over (S §1). */
  needsMigration: boolean;
  /** Whether this install was moved over from files: then main's own database is the one that all agents share (S §1 "legacy-main"). */
  movedOver: boolean;
  /** Agent folders whose database OpenClaw refuses to read: then even looking throws its own error. */
  readonly unreadable: Set<string>;
  /** Runs inside an update before our updater: what somebody else committed a moment ago. */
  beforeUpdate: ((store: FakeStore) => void) | undefined;
  /** Runs after an update was written, as a gateway that goes on working. */
  afterUpdate: ((store: FakeStore) => void) | undefined;
}

const COMMON = ["type", "provider", "setup", "copyToAgents", "email", "displayName"];
const KNOWN: Readonly<Record<string, readonly string[]>> = {
  oauth: [...COMMON, "access", "refresh", "expires", "idToken", "clientId", "accountId", "chatgptPlanType"],
  token: [...COMMON, "token", "tokenRef", "expires"],
  api_key: [...COMMON, "key", "keyRef", "metadata"],
};
const STATS = ["lastUsed", "cooldownUntil", "cooldownReason", "disabledUntil", "disabledReason", "errorCount"];

/** An OpenClaw of `shape` on `stateDir`. */
export function fakeOpenClaw(shape: SdkShape, stateDir: string): FakeOpenClaw {
  const mainDir = join(stateDir, "agents", "main", "agent");
  const sharedPath =
    shape === "sqlite" ? join(stateDir, "state", "openclaw.sqlite") : join(mainDir, "auth-profiles.json");
  const fake: FakeOpenClaw = {
    importModule: (name) => Promise.resolve(modules[name]),
    memory: new Map(),
    databases: new Map(),
    sessions: new Map(),
    busy: false,
    needsMigration: false,
    movedOver: false,
    unreadable: new Set(),
    beforeUpdate: undefined,
    afterUpdate: undefined,
  };

  const keyOf = (agentDir: string | undefined): string =>
    agentDir === undefined || (fake.movedOver && agentDir === mainDir) ? "shared" : agentDir;

  const loadDatabase = (agentDir: string | undefined): FakeStore => {
    if (fake.needsMigration)
      throw Object.assign(new Error("requires migration"), { code: "AUTH_PROFILE_MIGRATION_REQUIRED" });
    if (fake.unreadable.has(keyOf(agentDir)))
      throw Object.assign(new Error("malformed"), { name: "AuthProfileStoreUnreadableError" });
    // Asked for the store of an agent that has none, OpenClaw makes it (S §1 "created lazily").
    if (agentDir !== undefined) {
      mkdirSync(agentDir, { recursive: true });
      writeFileSync(join(agentDir, "openclaw-agent.sqlite"), "");
    }
    return normalize(fake.databases.get(keyOf(agentDir)) ?? { version: 1, profiles: {} });
  };

  /** S §2: our updater runs inside the write transaction; every error is answered with null. */
  const updateDatabase = (params: Record<string, unknown>): FakeStore | null => {
    const agentDir = typeof params["agentDir"] === "string" ? params["agentDir"] : undefined;
    try {
      if (fake.busy !== false) {
        if (fake.busy === "once") fake.busy = false;
        return null;
      }
      const store = loadDatabase(agentDir);
      fake.beforeUpdate?.(store);
      // What OpenClaw notes for itself while it runs lies in the same object.
      store["runtimePersistedProfileIds"] = Object.keys(store.profiles);
      if ((params["updater"] as (store: FakeStore) => boolean)(store)) {
        const saved = normalize(pruned(store, params["saveOptions"] ?? {}));
        fake.databases.set(keyOf(agentDir), saved);
        fake.afterUpdate?.(saved);
      }
      return store;
    } catch {
      return null;
    }
  };

  /** J §1 and §8: the whole store is written, unknown top-level keys are gone, version is 1, memory has it at once. */
  const save = (store: FakeStore, agentDir: string = mainDir): void => {
    const { profiles, order, lastGood, usageStats } = store;
    mkdirSync(agentDir, { recursive: true, mode: 0o700 });
    const write = (name: string, value: unknown): void =>
      writeFileSync(join(agentDir, name), JSON.stringify(value, null, 2), { mode: 0o600 });
    if (shape === "one-file") write("auth-profiles.json", { version: 1, profiles, order, lastGood, usageStats });
    else {
      const state = pruned({ version: 1, profiles, order, lastGood, usageStats: stats(usageStats) }, {});
      write("auth-profiles.json", { version: 1, profiles });
      write("auth-state.json", {
        version: 1,
        order: state.order,
        lastGood: state.lastGood,
        usageStats: state.usageStats,
      });
    }
    fake.memory.set(agentDir, structuredClone(store));
    fake.afterUpdate?.(store);
  };

  /** J §1: memory first; disk only where nothing is in memory. Agents see main's below their own. */
  const ensure = (agentDir?: string): FakeStore => {
    if (shape === "sqlite") {
      const shared = loadDatabase(undefined);
      if (agentDir === undefined || !fake.databases.has(agentDir)) return shared;
      const own = loadDatabase(agentDir);
      return {
        ...shared,
        ...own,
        profiles: { ...shared.profiles, ...own.profiles },
        order: { ...shared.order, ...own.order },
      };
    }
    const main = fake.memory.get(mainDir) ?? readStore(mainDir);
    const own = agentDir === undefined ? main : (fake.memory.get(agentDir) ?? readStore(agentDir));
    return { ...main, ...own, profiles: { ...main.profiles, ...own.profiles } };
  };

  const modules: Record<SdkModuleName, Record<string, unknown>> = {
    "provider-auth": {
      ensureAuthProfileStore: ensure,
      upsertAuthProfileWithLock: upsert,
      ...(shape === "one-file"
        ? {}
        : { updateAuthProfileStoreWithLock: async (params: Record<string, unknown>) => updateDatabase(params) }),
    },
    "agent-runtime": {
      ensureAuthProfileStore: ensure,
      saveAuthProfileStore: save,
      resolveAuthStorePathForDisplay: () => (fake.movedOver ? join(mainDir, "openclaw-agent.sqlite") : sharedPath),
    },
    "session-store-runtime":
      shape === "one-file"
        ? { resolveStorePath: (_store: unknown, { agentId }: { agentId: string }) => `sessions of ${agentId}` }
        : {
            listSessionEntries: () => [...fake.sessions].map(([sessionKey, entry]) => ({ sessionKey, entry })),
            patchSessionEntry: async ({ sessionKey, update }: PatchParams) => patchSession(sessionKey, update),
          },
    "config-runtime": {
      loadConfig: () => ({}),
      updateSessionStore: async (_path: string, mutate: (store: Record<string, FakeSession>) => void) => {
        const store = Object.fromEntries(fake.sessions);
        mutate(store);
        for (const [key, entry] of Object.entries(store)) fake.sessions.set(key, entry);
      },
    },
  };

  /** S §2, the table: an OAuth entry is not replaced by one with another refresh token. */
  async function upsert(params: { profileId: string; credential: Record<string, unknown> }): Promise<FakeStore | null> {
    const stored = fake.databases.get("shared")?.profiles[params.profileId];
    if (stored?.["type"] === "oauth" && stored["refresh"] !== params.credential["refresh"]) return null;
    return updateDatabase({
      updater: (store: FakeStore) => Boolean((store.profiles[params.profileId] = params.credential)),
    });
  }

  async function patchSession(key: string, update: PatchParams["update"]): Promise<void> {
    const entry = fake.sessions.get(key) ?? {};
    const patch = update({ ...entry });
    if (patch !== null) fake.sessions.set(key, JSON.parse(JSON.stringify({ ...entry, ...patch })) as FakeSession);
  }
  return fake;
}

interface PatchParams {
  readonly sessionKey: string;
  readonly update: (entry: FakeSession) => Partial<FakeSession> | null;
}

interface SaveOptions {
  readonly preserveOrderProfileIds?: readonly string[];
  readonly preserveStateProfileIds?: readonly string[];
}

/** Names of profiles that the store lacks go, but for those that the caller lists (J §8, S §2 "Order"). */
function pruned(
  store: FakeStore,
  { preserveOrderProfileIds = [], preserveStateProfileIds = [] }: SaveOptions,
): FakeStore {
  const own = Object.keys(store.profiles);
  const [inOrder, inState] = [
    new Set([...own, ...preserveOrderProfileIds]),
    new Set([...own, ...preserveStateProfileIds]),
  ];
  const order = Object.entries(store.order ?? {})
    .map(([provider, ids]) => [provider, ids.filter((id) => inOrder.has(id))] as const)
    .filter(([, ids]) => ids.length > 0);
  return {
    ...store,
    order: order.length === 0 ? undefined : Object.fromEntries(order),
    lastGood: Object.fromEntries(Object.entries(store.lastGood ?? {}).filter(([, id]) => inState.has(id))),
    usageStats: Object.fromEntries(Object.entries(store.usageStats ?? {}).filter(([id]) => inState.has(id))),
  };
}

/** What a database gives back: fields and notes that OpenClaw knows, and nothing of what it notes while it runs. */
function normalize({ profiles, order, lastGood, usageStats }: FakeStore): FakeStore {
  const kept = Object.entries(profiles).map(([id, entry]) => {
    const known = KNOWN[String(entry["type"])] ?? [];
    return [id, onlyNamed(entry, known)] as const;
  });
  return structuredClone({
    version: 1,
    profiles: Object.fromEntries(kept),
    ...(order === undefined ? {} : { order }),
    ...(lastGood === undefined ? {} : { lastGood }),
    ...(usageStats === undefined ? {} : { usageStats: stats(usageStats) }),
  });
}

function stats(usage: FakeStore["usageStats"] = {}): NonNullable<FakeStore["usageStats"]> {
  return Object.fromEntries(Object.entries(usage).map(([id, entry]) => [id, onlyNamed(entry, STATS)]));
}

function onlyNamed(entry: Record<string, unknown>, names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(entry).filter(([name]) => names.includes(name)));
}

function readStore(folder: string): FakeStore {
  const read = (name: string): Partial<FakeStore> =>
    existsSync(join(folder, name)) ? (JSON.parse(readFileSync(join(folder, name), "utf8")) as Partial<FakeStore>) : {};
  return {
    version: 1,
    ...read("auth-profiles.json"),
    ...read("auth-state.json"),
    profiles: read("auth-profiles.json").profiles ?? {},
  };
}
