// A folder of sign-in attempts with a clock that the test moves.

import { randomBytes } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseIssuer } from "../../src/oauth/issuer.ts";
import { PendingLogins, type PendingLogin } from "../../src/oauth/pending.ts";
import { temporaryFolder } from "../support/temp-folder.ts";

/** Who asks, in most tests. */
export const ADA = { person: "1", chat: "1" } as const;
/** Somebody else, elsewhere. */
export const EVE = { person: "2", chat: "2" } as const;
/** What Ada starts. */
export const WORK = { ...ADA, host: "telegram", profileId: "openai-codex:work", agentId: "main" } as const;

/** The attempts, the clock, and further programs on the same folder. */
export interface PendingLab {
  readonly folder: string;
  readonly logins: PendingLogins;
  readonly clock: { now: number };
  /** Another program of the same machine. */
  another(issuer?: string): PendingLogins;
  /** Every byte that is on disk below the folder. */
  disk(): Promise<string>;
}

export async function pendingLab(): Promise<PendingLab> {
  const folder = join(await temporaryFolder(), "pending");
  const clock = { now: 1_800_000_000_000 };
  const another = (issuer?: string): PendingLogins =>
    new PendingLogins({ folder, issuer: parseIssuer(issuer), now: () => clock.now, randomBytes });
  const disk = async (): Promise<string> => {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile());
    const texts = await Promise.all(files.map((file) => readFile(join(file.parentPath, file.name), "utf8")));
    return [...files.map((file) => file.name), ...texts].join("\n");
  };
  return { folder, logins: another(), clock, another, disk };
}

/** The address that signing in with `login` would end on. */
export function callbackOf(login: PendingLogin, parameters: Record<string, string> = { code: "ac_code-1" }): string {
  const authorize = new URL(login.authorizeUrl);
  const url = new URL(authorize.searchParams.get("redirect_uri") ?? "");
  url.search = new URLSearchParams({ ...parameters, state: stateOf(login) }).toString();
  return url.href;
}

/** The state of an attempt, from its sign-in link. */
export function stateOf(login: PendingLogin): string {
  return new URL(login.authorizeUrl).searchParams.get("state") ?? "";
}
