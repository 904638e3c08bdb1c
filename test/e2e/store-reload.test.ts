// The ground everything stands on: a real gateway does not see a changed store until `secrets.reload`, and then it does at once.

import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { writeFileAtomic } from "../../src/storage/atomic-write.ts";
import { withOpenClawLock } from "../../src/storage/openclaw-lock.ts";
import { storePath } from "./lab/home.ts";
import { installOpenClaw, type InstallResult } from "./lab/install.ts";
import { fakeLogin, fakeToken, startLab, type Lab } from "./lab/lab.ts";
import { callModel, gatewayCall } from "./lab/model-call.ts";

const ID = "openai-codex:work";
const TOKEN_ID = "openai-codex:leased";
const HOUR_MS = 3_600_000;

interface Store {
  readonly profiles: Record<string, unknown>;
}

interface AuthStatus {
  readonly providers: readonly {
    readonly provider: string;
    readonly profiles: readonly { readonly profileId: string; readonly expiry?: { readonly at?: number } }[];
  }[];
}

describe.each(["2026.4.5", "2026.5.28"] as const)("OpenClaw %s", (version) => {
  let installed: InstallResult;
  let lab: Lab;

  beforeAll(async () => {
    installed = await installOpenClaw(version);
    if (!installed.ok) return;
    const tokenStore = { profiles: { [TOKEN_ID]: fakeToken("tina") }, order: { "openai-codex": [TOKEN_ID] } };
    // The copy of `second` ends later than main's, so that OpenClaw does not prefer main's for being newer.
    const copy = { profiles: { [ID]: fakeLogin("carol", Date.now() + 9 * HOUR_MS) } };
    const stores = { main: { profiles: { [ID]: fakeLogin("alice") } }, second: copy, third: tokenStore };
    lab = await startLab(installed.openclaw, { agents: ["second", "third"], stores });
  });

  afterAll(async () => {
    await lab?.stop();
  });

  test("a store patched under OpenClaw's own lock is used after a reload, not before", async ({ skip }) => {
    if (!installed.ok) skip(installed.reason);
    const { home, backend } = lab;
    expect(await callModel(home, backend)).toMatchObject({ tokenAccount: "account-alice" });

    const expires = Date.now() + 5 * HOUR_MS;
    await patchStore(lab, "main", { [ID]: fakeLogin("bob", expires) }, async () => {
      if (version === "2026.5.28") expect(await expiryInMemory(lab)).not.toBe(expires);
    });
    if (version === "2026.5.28") expect(await expiryInMemory(lab)).toBe(expires);
    expect(await callModel(home, backend)).toMatchObject({ tokenAccount: "account-bob" });
  });

  test("an agent's own copy hides main's until it is removed, then main's is inherited", async ({ skip }) => {
    if (!installed.ok) skip(installed.reason);
    const { home, backend } = lab;
    await patchStore(lab, "main", { [ID]: fakeLogin("dora") });
    expect(await callModel(home, backend, "second")).toMatchObject({ tokenAccount: "account-carol" });
    await patchStore(lab, "second", { [ID]: undefined });
    expect(await callModel(home, backend, "second")).toMatchObject({ tokenAccount: "account-dora" });
    // Using it has not copied it again.
    expect(Object.keys((await readStore(lab, "second")).profiles)).toEqual([]);
  });

  test("an access-only token is used until it ends, and again when it is renewed", async ({ skip }) => {
    if (!installed.ok) skip(installed.reason);
    const { home, backend } = lab;
    expect(await callModel(home, backend, "third")).toMatchObject({ tokenAccount: "account-tina" });
    await patchStore(lab, "third", { [TOKEN_ID]: fakeToken("tina", Date.now() - 60_000) });
    const refused = await callModel(home, backend, "third").catch(() => undefined);
    expect(refused?.tokenAccount).toBeUndefined();
    await patchStore(lab, "third", { [TOKEN_ID]: fakeToken("tom") });
    expect(await callModel(home, backend, "third")).toMatchObject({ tokenAccount: "account-tom" });
  });
});

async function expiryInMemory({ home }: Lab): Promise<number | undefined> {
  const status = (await gatewayCall(home, "models.authStatus", { refresh: true })) as AuthStatus;
  const provider = status.providers.find((entry) => entry.provider === "openai-codex");
  return provider?.profiles.find((profile) => profile.profileId === ID)?.expiry?.at;
}

async function readStore({ home }: Lab, agent: string): Promise<Store> {
  return JSON.parse(await readFile(storePath(home, agent), "utf8")) as Store;
}

/** Write and reload under one hold of the lock, as the product does it. */
async function patchStore(
  lab: Lab,
  agent: string,
  profiles: Record<string, unknown>,
  beforeReload: () => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  const path = storePath(lab.home, agent);
  await withOpenClawLock(path, async () => {
    const store = await readStore(lab, agent);
    // JSON.stringify leaves out what is undefined: that removes a profile.
    await writeFileAtomic(path, JSON.stringify({ ...store, profiles: { ...store.profiles, ...profiles } }));
    await beforeReload();
    expect(await gatewayCall(lab.home, "secrets.reload", {})).toMatchObject({ ok: true });
  });
}
