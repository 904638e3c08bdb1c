// A profile store of any size, patches of it, and the same bytes written barely: what patch and scale measure.

import { randomBytes } from "node:crypto";
import { mkdir, open, readFile, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { readEnvironment } from "../../dist/config/env.js";
import { openClawPaths } from "../../dist/config/paths.js";
import { JsonProfileStore } from "../../dist/profiles/json-store.js";
import { sealCredential } from "../../dist/profiles/profile.js";
import { sandboxAccessToken } from "../../dist/sandbox/tokens.js";

const DAY = 86_400_000;

/** A real access token is about that long. */
const TOKEN_CHARS = 2_000;

/** A login as OpenClaw keeps one. */
export function storedLogin(name, tokenChars = TOKEN_CHARS) {
  const claims = {
    email: `${name}@example.com`,
    userId: `user-${name}`,
    accountId: `account-${name}`,
    planType: "plus",
  };
  const access = sandboxAccessToken({ ...claims, expiresInMs: DAY, now: Date.now() }).padEnd(tokenChars, "x");
  const refresh = `rt-${randomBytes(45).toString("hex")}`;
  return { type: "oauth", provider: "openai-codex", access, refresh, expires: Date.now() + DAY, email: claims.email };
}

/** An OpenClaw of the JSON generation below `folder` with so many profiles. */
export async function storeOf(folder, count, tokenChars = TOKEN_CHARS) {
  const stateDir = join(folder, `${count}`, ".openclaw");
  const storePath = join(stateDir, "agents/main/agent/auth-profiles.json");
  await mkdir(dirname(storePath), { recursive: true, mode: 0o700 });
  const profiles = Object.fromEntries(
    Array.from({ length: count }, (_, number) => [`openai-codex:p${number}`, storedLogin(`p${number}`, tokenChars)]),
  );
  await writeFile(storePath, `${JSON.stringify({ version: 1, profiles }, null, 2)}\n`, { mode: 0o600 });
  const environment = readEnvironment({ HOME: join(folder, `${count}`), OPENCLAW_STATE_DIR: stateDir });
  const store = new JsonProfileStore({ paths: openClawPaths(environment), home: environment.home });
  /** Plans the renewal of one login; what it gives applies that, under the lock. */
  const planned = async (round) => {
    const number = (round + count) % count;
    const credential = sealCredential(storedLogin(`p${number}`, tokenChars));
    const change = { profileId: `openai-codex:p${number}`, provider: "openai-codex", credential };
    const { plan, values } = await store.plan(change);
    return async () => {
      for (const file of plan.files) await store.apply(file, values.get(file.path));
    };
  };
  return { store, stateDir, storePath, planned, read: () => store.read("main"), bytes: () => readFile(storePath) };
}

/** The least that replaces a file durably: temp, fsync, rename, fsync of the folder. */
export async function writeBarely(path, bytes) {
  const temporary = `${path}.tmp`;
  await using(await open(temporary, "w", 0o600), async (file) => {
    await file.writeFile(bytes);
    await file.sync();
  });
  await rename(temporary, path);
  await using(await open(dirname(path), "r"), (folder) => folder.sync());
}

async function using(handle, work) {
  try {
    await work(handle);
  } finally {
    await handle.close();
  }
}
