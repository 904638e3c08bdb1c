// A Codex home of a test: leased logins, the CLI that renews them, and persons who sign in over them.

import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { DAY } from "../../src/config/defaults.ts";
import { LeasedAuthFile } from "../../src/lease/auth-file.ts";
import type { LeaseMaterial } from "../../src/lease/broker.ts";
import { Secret } from "../../src/secrets/secret.ts";
import { fakeAccessToken, fakeIdToken, fakeRefreshToken } from "../support/jwt.ts";
import { temporaryFolder } from "../support/temp-folder.ts";

export const NOW = Date.parse("2026-11-21T12:00:00Z");

/** Whose tokens are made. */
export interface Who {
  readonly name: string;
  readonly userId?: string;
  readonly accountId?: string;
  readonly signedInAtMs?: number;
}

/** Tokens of one login as text. */
export interface PlainTokens {
  readonly access: string;
  readonly refresh: string;
  readonly id: string;
  readonly accountId: string;
  readonly expiresAtMs: number;
}

export function tokensOf({ name, signedInAtMs, ...ids }: Who, expiresAtMs = NOW + 10 * DAY): PlainTokens {
  const accountId = ids.accountId ?? `acct-${name}`;
  const owner = { email: `${name}@example.invalid`, userId: ids.userId ?? `user-${name}`, accountId, expiresAtMs };
  const id = fakeIdToken({ ...owner, ...(signedInAtMs === undefined ? {} : { signedInAtMs }) });
  return { access: fakeAccessToken(owner), refresh: fakeRefreshToken(), id, accountId, expiresAtMs };
}

export function materialOf(tokens: PlainTokens, changes: Partial<LeaseMaterial> = {}): LeaseMaterial {
  return {
    label: "alpha",
    email: undefined,
    accountId: tokens.accountId,
    accessToken: Secret.of(tokens.access),
    refreshToken: Secret.of(tokens.refresh),
    idToken: Secret.of(tokens.id),
    expiresAtMs: tokens.expiresAtMs,
    lastRefresh: "2026-11-21T02:26:01+00:00",
    ...changes,
  };
}

/** The file as the Codex CLI writes it. */
export function cliDocument(tokens: PlainTokens, lastRefresh = "2026-11-21T11:00:00Z"): Record<string, unknown> {
  return {
    auth_mode: "chatgpt",
    OPENAI_API_KEY: null,
    tokens: {
      id_token: tokens.id,
      access_token: tokens.access,
      refresh_token: tokens.refresh,
      account_id: tokens.accountId,
    },
    last_refresh: lastRefresh,
  };
}

export interface Lab {
  readonly root: string;
  /** Where the login file is named. */
  readonly path: string;
  readonly notePath: string;
  readonly file: LeasedAuthFile;
  /** What the CLI does when it renews or when a person signs in: it truncates and writes, without a lock. */
  cli(document: unknown): Promise<void>;
  document(): Promise<Record<string, unknown>>;
  /** The refresh token in the file. */
  refresh(): Promise<unknown>;
  note(): Promise<Record<string, unknown>>;
}

export async function authFileLab(): Promise<Lab> {
  const root = await temporaryFolder();
  const path = join(root, ".codex", "auth.json");
  const notePath = join(root, "lease", "auth-file.json");
  return {
    root,
    path,
    notePath,
    file: new LeasedAuthFile({ path, folder: dirname(notePath), now: () => NOW }),
    cli: (document) => put(path, document),
    document: () => read(path),
    refresh: async () => ((await read(path))["tokens"] as Record<string, unknown>)["refresh_token"],
    note: () => read(notePath),
  };
}

async function read(file: string): Promise<Record<string, unknown>> {
  return JSON.parse(await readFile(file, "utf8")) as Record<string, unknown>;
}

async function put(file: string, value: unknown): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, JSON.stringify(value));
}
