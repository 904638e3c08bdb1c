// Fills our port to OpenClaw's own code: finds out by what there is which of its generations it is, and calls nothing unchecked.

import { basename, join } from "node:path";
import { CodexAuthError } from "../../errors.ts";
import { asObject, type JsonObject } from "../../profiles/json-files.ts";
import type { AuthSdk, DatabaseSdk, FileSdk } from "../../profiles/openclaw-sdk.ts";
import { documentFrom } from "../../profiles/openclaw-view.ts";
import { importSdkModule, type ImportSdkModule } from "./sdk-modules.ts";
import { pinCleaner, pinLister } from "./sdk-pins.ts";

/** How {@link loadAuthSdk} finds OpenClaw. */
export interface LoadSdkOptions {
  /** Which OpenClaw this is, where the host was told (`api.runtime.version`). */
  readonly version?: string | undefined;
  /** Default: the modules of the OpenClaw in whose process we run. */
  readonly importModule?: ImportSdkModule;
}

/**
 * OpenClaw's own code, as the shape that it has.
 *
 * @throws CodexAuthError `ERR_GENERATION_UNKNOWN` where this OpenClaw has none of the shapes that we know.
 */
export async function loadAuthSdk({ version, importModule = importSdkModule }: LoadSdkOptions = {}): Promise<AuthSdk> {
  const auth = await moduleOf("provider-auth", importModule);
  const runtime = await moduleOf("agent-runtime", importModule);
  const sessions = () => moduleOf("session-store-runtime", importModule);
  const clearPins = pinCleaner({ sessions, config: () => moduleOf("config-runtime", importModule) });
  const pins = pinLister({ sessions });
  const ensure = functionIn(runtime, "ensureAuthProfileStore") ?? functionIn(auth, "ensureAuthProfileStore");
  const pathOf = functionIn(runtime, "resolveAuthStorePathForDisplay");
  const update = functionIn(auth, "updateAuthProfileStoreWithLock");
  const save = functionIn(runtime, "saveAuthProfileStore");
  if (ensure === undefined || pathOf === undefined) throw unknownShape("ensureAuthProfileStore");
  const effective = (agentDir?: string): JsonObject => storeIn(ensure(agentDir));
  const common = { version, effective, pins, clearPins };
  // What OpenClaw itself shows as the place of the shared store tells files from a database.
  const sharedPath = String(pathOf());
  if (sharedPath.endsWith(".sqlite")) {
    if (update === undefined) throw unknownShape("updateAuthProfileStoreWithLock");
    return databaseSdk({ ...common, update, ensure, pathOf });
  }
  if (basename(sharedPath) !== "auth-profiles.json" || save === undefined) throw unknownShape("saveAuthProfileStore");
  const fileSdk: FileSdk = {
    ...common,
    // 2026.4.5 keeps its locked update to itself; where it is given out, the store has a second file.
    shape: update === undefined ? "one-file" : "two-files",
    // Without the option, 2026.5.28 leaves out of its file what the Codex CLI has too.
    save: (store, agentDir) => void save(structuredClone(store), agentDir, { filterExternalAuthProfiles: false }),
  };
  return fileSdk;
}

type SdkFunction = (...args: readonly unknown[]) => unknown;

interface DatabaseParts extends Pick<DatabaseSdk, "version" | "effective" | "pins" | "clearPins"> {
  readonly update: SdkFunction;
  readonly ensure: SdkFunction;
  readonly pathOf: SdkFunction;
}

function databaseSdk({ update, ensure, pathOf, ...common }: DatabaseParts): DatabaseSdk {
  const run: DatabaseSdk["update"] = async (updater, agentDir) => {
    let failure: { readonly error: unknown } | undefined;
    let isWanted = false;
    let keep: readonly string[] = [];
    // OpenClaw reads the options when it saves, so after `updater` has run.
    const saveOptions = {
      filterExternalAuthProfiles: false,
      get preserveOrderProfileIds() {
        return keep;
      },
      get preserveStateProfileIds() {
        return keep;
      },
    };
    const answer = await update({
      ...(agentDir === undefined ? {} : { agentDir }),
      saveOptions,
      updater: (store: unknown): boolean => {
        isWanted = false;
        try {
          const next = updater(storeIn(store));
          if (next === undefined) return false;
          keep = namedIn(next);
          replaceIn(store, next);
          isWanted = true;
          return true;
        } catch (error) {
          // OpenClaw would log the message and answer null, whatever it was.
          failure = { error };
          return false;
        }
      },
    });
    if (failure !== undefined) throw failure.error;
    if (answer === null || answer === undefined) return "refused";
    return isWanted ? "written" : "unchanged";
  };
  return {
    ...common,
    shape: "sqlite",
    // Asked each time: a new install decides where its shared store lies at the first write.
    isShared: (agentDir) => join(agentDir, "openclaw-agent.sqlite") === String(pathOf()),
    load: async (agentDir) => {
      let found: JsonObject | undefined;
      await run((store) => {
        found = documentFrom(store);
        return undefined;
      }, agentDir);
      return found ?? failedLoad(ensure, agentDir);
    },
    update: run,
  };
}

/** Every id that the store names anywhere: what is not listed so, OpenClaw takes out of orders and notes where this store lacks it. */
function namedIn({ profiles, order, lastGood, usageStats }: JsonObject): readonly string[] {
  const lists = Object.values(asObject(order) ?? {}).flatMap((list): readonly unknown[] =>
    Array.isArray(list) ? list : [],
  );
  const good = Object.values(asObject(lastGood) ?? {});
  const ids = [...Object.keys(asObject(profiles) ?? {}), ...Object.keys(asObject(usageStats) ?? {})];
  return [...new Set([...ids, ...lists, ...good])].filter((id) => typeof id === "string");
}

/** OpenClaw saves the very object that it handed out, so that is what is changed: only the parts that are a store's own. */
function replaceIn(store: unknown, next: JsonObject): void {
  if (typeof store !== "object" || store === null) throw unknownShape("a store that is no object");
  for (const name of ["profiles", "order", "lastGood", "usageStats"])
    Reflect.set(store, name, structuredClone(next[name]));
}

/** Why OpenClaw gave no store: its own reason where it says one, else that the database is held by somebody. */
function failedLoad(ensure: SdkFunction, agentDir: string | undefined): never {
  try {
    ensure(agentDir);
  } catch (cause) {
    if (!isMigrationRequired(cause)) throw unreadable(cause);
    throw new CodexAuthError("ERR_STORE_LEGACY", {
      message: "OpenClaw refuses its logins until an older login file beside its database was moved over.",
      next: "Stop the gateway and run `openclaw doctor --fix`, then start it again.",
      cause,
    });
  }
  throw new CodexAuthError("ERR_LOCK_TIMEOUT", {
    message: "OpenClaw did not give its auth store: somebody holds the database.",
    next: "Try again in a moment; if it stays so, look at the gateway's log.",
    retryable: true,
  });
}

/** OpenClaw's own words may hold anything, so they are only the cause; whoever asks for another agent passes over this one. */
function unreadable(cause: unknown): CodexAuthError {
  return new CodexAuthError("ERR_STORE_CORRUPT", {
    message: "OpenClaw cannot read one of its own auth stores.",
    next: "Nothing was changed. Look at the gateway's log, and let `openclaw doctor` look at it.",
    cause,
  });
}

function isMigrationRequired(error: unknown): boolean {
  return asObject(error)?.["code"] === "AUTH_PROFILE_MIGRATION_REQUIRED";
}

function storeIn(value: unknown): JsonObject {
  const store = asObject(value);
  if (store === undefined || asObject(store["profiles"]) === undefined) throw unknownShape("a store without profiles");
  if (store["version"] !== undefined && store["version"] !== 1) throw unknownShape("a store of another version");
  return store;
}

async function moduleOf(name: Parameters<ImportSdkModule>[0], importModule: ImportSdkModule): Promise<JsonObject> {
  try {
    const found = await importModule(name);
    // A module's namespace is no plain object, but it is looked into like one.
    if (typeof found === "object" && found !== null) return Object.fromEntries(Object.entries(found));
    throw unknownShape(name);
  } catch (cause) {
    throw unknownShape(name, cause);
  }
}

/** A function of a module, or undefined where it has none of that name. */
export function functionIn(module: JsonObject, name: string): SdkFunction | undefined {
  const found = module[name];
  return isFunction(found) ? found : undefined;
}

function isFunction(value: unknown): value is SdkFunction {
  return typeof value === "function";
}

function unknownShape(missing: string, cause?: unknown): CodexAuthError {
  return new CodexAuthError("ERR_GENERATION_UNKNOWN", {
    message: `This OpenClaw does not offer what its logins are written with (${missing}).`,
    next: "Nothing was changed. Update codex-auth-skill, or use OpenClaw's own `openclaw models auth` meanwhile.",
    ...(cause === undefined ? {} : { cause }),
  });
}
