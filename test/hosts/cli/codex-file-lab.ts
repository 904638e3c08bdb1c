// A machine with an OpenClaw and a Codex CLI: what the tests of `import` and `export` start from.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { DAY } from "../../../src/config/defaults.ts";
import { storedLogin } from "../../support/apply-world.ts";
import { fakeAccessToken, fakeIdToken, fakeRefreshToken } from "../../support/jwt.ts";
import { terminalLab } from "../terminal/terminal-lab.ts";

export interface PlainLogin {
  readonly access: string;
  readonly refresh: string;
  readonly id: string;
  readonly accountId: string;
  readonly expiresAtMs: number;
}

/** A login of the account that `storedLogin(name)` has in the store. */
export function loginOf(name: string, expiresAtMs = Date.now() + 9 * DAY): PlainLogin {
  const accountId = `account-${name}`;
  const owner = { email: `${name}@example.com`, userId: `user-${name}`, accountId, planType: "plus", expiresAtMs };
  return {
    access: fakeAccessToken(owner),
    refresh: fakeRefreshToken(),
    id: fakeIdToken(owner),
    accountId,
    expiresAtMs,
  };
}

/** The file as the Codex CLI 0.169 writes it. */
export function codexDocument(login: PlainLogin, more: Readonly<Record<string, unknown>> = {}) {
  return {
    auth_mode: "chatgpt",
    OPENAI_API_KEY: null,
    tokens: {
      id_token: login.id,
      access_token: login.access,
      refresh_token: login.refresh,
      oauth_provenance: { issuer: "https://auth.example", client_id: "a" },
      login_owner_id: "o",
      account_id: login.accountId,
    },
    last_refresh: "2026-11-20T11:00:00Z",
    ...more,
  };
}

export async function codexFileLab(env: Readonly<Record<string, string>> = {}) {
  const lab = await terminalLab(env);
  const path = join(lab.parts.environment.home, ".codex", "auth.json");
  return {
    ...lab,
    path,
    home: lab.parts.environment.home,
    put: (value: unknown, at = path): void => {
      mkdirSync(dirname(at), { recursive: true });
      writeFileSync(at, typeof value === "string" ? value : JSON.stringify(value), { mode: 0o600 });
    },
    text: (at = path): string | undefined => (existsSync(at) ? readFileSync(at, "utf8") : undefined),
    refreshIn: (at = path): unknown =>
      (JSON.parse(readFileSync(at, "utf8")) as { tokens: Record<string, unknown> }).tokens["refresh_token"],
    store: (): string => readFileSync(lab.world.storePath, "utf8"),
    /** Puts tokens into the store as OpenClaw has them after a renewal. */
    storeLogin: (name: string, login: PlainLogin): void => {
      const store = lab.world.readStore();
      store.profiles[`openai-codex:${name}`] = {
        ...storedLogin(name, login.expiresAtMs),
        access: login.access,
        refresh: login.refresh,
      };
      writeFileSync(lab.world.storePath, JSON.stringify(store), { mode: 0o600 });
    },
    parked: () => lab.parts.engine.parked.list(),
  };
}
