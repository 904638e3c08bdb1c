// An OpenClaw process of a test with our store inside it: its state folder, the fake of its code, and the store over that.

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { readEnvironment } from "../../src/config/env.ts";
import { openClawPaths } from "../../src/config/paths.ts";
import { loadAuthSdk } from "../../src/hosts/openclaw/sdk.ts";
import type { AuthSdk, SdkShape } from "../../src/profiles/openclaw-sdk.ts";
import { OpenClawProfileStore } from "../../src/profiles/openclaw-store.ts";
import type { FileChange, PlannedChange, StoreChange, StorePlan } from "../../src/profiles/store.ts";
import { fakeOpenClaw, type FakeOpenClaw, type FakeStore } from "./fake-auth-sdk.ts";
import { NOW, openClawState, valueFor, type OpenClawState } from "./openclaw-state.ts";

/** What a test has of it. */
export interface Inside {
  readonly state: OpenClawState;
  readonly fake: FakeOpenClaw;
  readonly sdk: AuthSdk;
  readonly store: OpenClawProfileStore;
  /** How ids begin here. */
  readonly provider: "openai" | "openai-codex";
  agentDir(agentId: string): string;
  /** Puts a store there, as OpenClaw would have it; `shared` is the one that all agents inherit. */
  put(owner: string, store: Partial<FakeStore> & Pick<FakeStore, "profiles">): Promise<void>;
  /** What is there now. */
  get(owner: string): Promise<Record<string, unknown>>;
  /** Plans a change and carries it out, as the executor does. */
  carryOut(change: Omit<StoreChange, "provider">, agentId?: string): Promise<StorePlan>;
}

/** An OpenClaw of `shape` with nobody signed in. */
export async function openClawInside(shape: SdkShape): Promise<Inside> {
  const state = await openClawState();
  const fake = fakeOpenClaw(shape, state.root);
  const sdk = await loadAuthSdk({ importModule: fake.importModule, version: "2026.test" });
  const paths = openClawPaths(readEnvironment({ HOME: state.root, OPENCLAW_STATE_DIR: state.root }));
  const corruptFolder = join(state.root, "corrupt");
  const store = new OpenClawProfileStore({ sdk, paths, home: state.root, corruptFolder, now: () => NOW });
  const agentDir = (agentId: string): string => join(state.root, "agents", agentId, "agent");
  const ownerKey = (owner: string): string => (owner === "shared" ? "shared" : agentDir(owner));
  return {
    state,
    fake,
    sdk,
    store,
    provider: shape === "sqlite" ? "openai" : "openai-codex",
    agentDir,
    put: async (owner, value) => {
      const document: FakeStore = { version: 1, ...value };
      if (shape !== "sqlite") return state.put(owner === "shared" ? "main" : owner, document);
      fake.databases.set(ownerKey(owner), structuredClone(document));
      if (owner === "shared") return;
      await mkdir(agentDir(owner), { recursive: true });
      await writeFile(join(agentDir(owner), "openclaw-agent.sqlite"), "");
    },
    get: async (owner) => {
      if (shape === "sqlite") return structuredClone(fake.databases.get(ownerKey(owner)) ?? {});
      const agent = owner === "shared" ? "main" : owner;
      const second = shape === "one-file" ? {} : await state.get(agent, "auth-state.json").catch(() => ({}));
      return { ...(await state.get(agent)), ...second };
    },
    carryOut: async (change, agentId) => {
      const planned = await store.plan({ provider: "openai-codex", ...change }, agentId);
      await applyAll(store, planned);
      return planned.plan;
    },
  };
}

/** Carries out every file of a plan. */
export async function applyAll(store: OpenClawProfileStore, { plan, values }: PlannedChange): Promise<void> {
  for (const file of plan.files) await store.apply(file, valueFor(values, file));
}

/** The one file of a plan. */
export function only({ plan }: Pick<PlannedChange, "plan">): FileChange {
  const [file, ...rest] = plan.files;
  if (file === undefined || rest.length > 0) throw new Error(`expected one file, not ${plan.files.length}`);
  return file;
}
