// Usage checks on a real store in a temp folder, against the sandbox's usage server.

import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { onTestFinished } from "vitest";
import { readEnvironment } from "../../src/config/env.ts";
import { openClawPaths, ownPaths } from "../../src/config/paths.ts";
import { DAY } from "../../src/config/defaults.ts";
import { JsonProfileStore } from "../../src/profiles/json-store.ts";
import { startSandboxUsage, type SandboxUsage } from "../../src/sandbox/usage-server.ts";
import { createLog } from "../../src/secrets/log.ts";
import { UsageRecords } from "../../src/usage/usage-records.ts";
import { UsageService } from "../../src/usage/usage-service.ts";
import { fakeAccessToken, fakeRefreshToken } from "../support/jwt.ts";
import { temporaryFolder } from "../support/temp-folder.ts";

/** A stored login by what makes it special. */
interface LabLogin {
  readonly type?: "oauth" | "token" | "api_key";
  readonly user?: string;
  readonly account?: string;
  readonly expiresInMs?: number;
  readonly access?: string;
  readonly refresh?: string | null;
}

/** Everything a test of usage checks needs. */
export interface UsageLab {
  readonly server: SandboxUsage;
  readonly service: UsageService;
  readonly records: UsageRecords;
  readonly store: JsonProfileStore;
  readonly folder: string;
  readonly storePath: string;
  readonly clock: { now: number };
  readonly logged: string[];
  readonly tokens: Map<string, string>;
  /** Writes main's store; gives the entries. */
  write(logins: Readonly<Record<string, LabLogin>>): Promise<void>;
  /** Another process of ours on the same files. */
  another(): UsageService;
}

/** Opens one. */
export async function usageLab(): Promise<UsageLab> {
  const home = await temporaryFolder();
  const clock = { now: Date.UTC(2026, 10, 21, 12) };
  const now = (): number => clock.now;
  const server = await startSandboxUsage({ now });
  onTestFinished(() => server.close());
  const paths = openClawPaths(readEnvironment({ HOME: home }));
  const folder = ownPaths(paths.stateDir).usage;
  const store = new JsonProfileStore({ paths, home, now });
  const storePath = join(paths.stateDir, "agents", "main", "agent", "auth-profiles.json");
  const logged: string[] = [];
  const records = new UsageRecords({ folder, now });
  const tokens = new Map<string, string>();
  const another = (): UsageService =>
    new UsageService({
      store,
      server: { origin: server.origin },
      records: new UsageRecords({ folder, now }),
      now,
      log: createLog((line) => void logged.push(line), now),
      request: { timeoutMs: 2_000 },
      retryWaitMs: 1,
    });
  return {
    server,
    service: another(),
    records,
    store,
    folder,
    storePath,
    clock,
    logged,
    tokens,
    another,
    write: async (logins) => {
      const entries = Object.entries(logins).map(([name, login]) => {
        const entry = entryOf(name, login, clock.now);
        tokens.set(name, entry.secret);
        return [`openai-codex:${name}`, entry.stored] as const;
      });
      await mkdir(dirname(storePath), { recursive: true });
      await writeFile(storePath, JSON.stringify({ version: 1, profiles: Object.fromEntries(entries) }));
    },
  };
}

function entryOf(name: string, login: LabLogin, now: number): { stored: Record<string, unknown>; secret: string } {
  const { type = "oauth", user = name, account = name, expiresInMs = 9 * DAY } = login;
  const expires = now + expiresInMs;
  const email = `${user}@example.com`;
  const owner = { email, userId: `user-${user}`, accountId: `acct-${account}`, planType: "plus", expiresAtMs: expires };
  const secret = login.access ?? fakeAccessToken(owner);
  const common = { type, provider: "openai-codex" };
  if (type === "api_key") return { secret, stored: { ...common, key: secret } };
  if (type === "token") return { secret, stored: { ...common, token: secret, expires } };
  const refresh = login.refresh === undefined ? fakeRefreshToken() : login.refresh;
  return { secret, stored: { ...common, access: secret, expires, ...(refresh === null ? {} : { refresh }) } };
}
