// An OpenClaw state folder of a test: agents, their stores, and a ProfileStore on it.

import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { openClawPaths } from "../../src/config/paths.ts";
import { readEnvironment } from "../../src/config/env.ts";
import { JsonProfileStore, type JsonStoreOptions } from "../../src/profiles/json-store.ts";
import { sealCredential, type Credential, type SealedCredential } from "../../src/profiles/profile.ts";
import type { EntryValues, FileChange, PlannedChange, StoreChange, StorePlan } from "../../src/profiles/store.ts";
import { fakeAccessToken, fakeRefreshToken } from "./jwt.ts";
import { temporaryFolder } from "./temp-folder.ts";

/** The clock of these tests. */
export const NOW = Date.UTC(2026, 10, 21);
const TEN_DAYS = 10 * 86_400_000;

/** An OAuth entry of `who`; two calls are two sign-ins of the same person. */
export function login(who: string, extra: Record<string, unknown> = {}): Credential {
  const expires = NOW + TEN_DAYS;
  const access = fakeAccessToken({
    email: `${who}@example.com`,
    userId: `user-${who}`,
    accountId: `account-${who}`,
    planType: "plus",
    expiresAtMs: expires,
  });
  return { type: "oauth", provider: "openai-codex", access, refresh: fakeRefreshToken(), expires, ...extra };
}

/** {@link login}, sealed. */
export function sealedLogin(who: string): SealedCredential {
  return sealCredential(login(who));
}

/** The state folder of one test. */
export interface OpenClawState {
  readonly root: string;
  /** The path of a file in an agent's folder. */
  path(agentId: string, name?: string): string;
  /** Writes a file of an agent's folder: a value as JSON, a text as it is. */
  put(agentId: string, value: unknown, name?: string): Promise<void>;
  /** A file of an agent's folder as JSON. */
  get(agentId: string, name?: string): Promise<Record<string, unknown>>;
  /** Writes openclaw.json. */
  configure(text: string): Promise<void>;
  /** A new store on this folder. */
  store(options?: Partial<JsonStoreOptions>): JsonProfileStore;
}

/** Makes an empty state folder. */
export async function openClawState(): Promise<OpenClawState> {
  const root = await temporaryFolder();
  const paths = openClawPaths(readEnvironment({ HOME: root, OPENCLAW_STATE_DIR: root }));
  const path = (agentId: string, name = "auth-profiles.json"): string => join(root, "agents", agentId, "agent", name);
  return {
    root,
    path,
    put: async (agentId, value, name) => {
      await mkdir(join(root, "agents", agentId, "agent"), { recursive: true });
      const text = typeof value === "string" ? value : `${JSON.stringify(value, null, 2)}\n`;
      await writeFile(path(agentId, name), text, { mode: 0o600 });
    },
    get: async (agentId, name) => JSON.parse(await readFile(path(agentId, name), "utf8")) as Record<string, unknown>,
    configure: (text) => writeFile(join(root, "openclaw.json"), text),
    store: (options = {}) => new JsonProfileStore({ paths, home: root, now: () => NOW, ...options }),
  };
}

/** Plans a change and applies it file by file; what the executor does, without its journal. */
export async function carryOut(
  store: JsonProfileStore,
  change: Omit<StoreChange, "provider">,
  agentId?: string,
): Promise<StorePlan> {
  const { plan, values } = await store.plan({ provider: "openai-codex", ...change }, agentId);
  for (const file of plan.files) await store.apply(file, valueFor(values, file));
  return plan;
}

/** The values of one file of a plan. */
export function valueFor(values: PlannedChange["values"], file: FileChange): EntryValues {
  const value = values.get(file.path);
  if (value === undefined) throw new Error("a plan without the values of its file");
  return value;
}
