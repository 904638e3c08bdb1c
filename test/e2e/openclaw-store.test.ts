// Our store over the code of real OpenClaw versions, as the plugin uses it inside the gateway's process.

import { existsSync } from "node:fs";
import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { StorePlan, StoreSnapshot } from "../../src/profiles/store.ts";
import { installOpenClaw, type InstallResult } from "./lab/install.ts";
import { fakeLogin } from "./lab/lab.ts";
import { startSdkPeer, type SdkPeer } from "./lab/sdk-peer.ts";

const VERSIONS = [
  ["2026.4.5", "one-file"],
  ["2026.5.28", "two-files"],
  ["2026.9.6", "sqlite"],
] as const;

interface Planned {
  readonly id: string;
  readonly plan: StorePlan;
}

/** What OpenClaw puts in a token's place. */
function marker(kind: "access" | "refresh"): string {
  return `openclaw-oauth-refresh-fence:v1:${"a".repeat(32)}:failed:${kind}:${"0".repeat(64)}`;
}

type Entry = Readonly<Record<string, unknown>>;

describe.each(VERSIONS)("OpenClaw %s from inside", (version, shape) => {
  const isFiles = shape !== "sqlite";
  const p = isFiles ? "openai-codex" : "openai";
  const old = { ...fakeLogin("alice"), provider: p, accountId: "account-alice" };
  const foreign = { type: "api_key", provider: "anthropic", key: "k" };
  const profiles = { [`${p}:old`]: old, "anthropic:x": foreign };
  const order = { [p]: [`${p}:old`], anthropic: ["anthropic:x"] };
  const usageStats = { [`${p}:old`]: { lastUsed: 4, cooldownUntil: 9 } };
  const shared = { profiles, order, usageStats, lastGood: { [p]: `${p}:old` } };
  let installed: InstallResult;
  let peer: SdkPeer;

  beforeAll(async () => {
    installed = await installOpenClaw(version);
    if (!installed.ok) return;
    peer = await startSdkPeer(installed.openclaw, async (stateDir) => {
      const path = join(stateDir, "agents", "main", "agent", "auth-profiles.json");
      if (isFiles) await writeFile(path, JSON.stringify({ version: 1, ...shared }), { mode: 0o600 });
    });
    if (!isFiles) await peer.ask({ do: "put", store: shared });
  });

  afterAll(async () => {
    await peer?.stop();
  });

  const stored = async (profileId: string, agentId?: string): Promise<Entry | undefined> =>
    (await peer.ask<{ readonly entry: Entry } | null>({ do: "credential", profileId, agentId }))?.entry;
  const effective = async (
    agent?: string,
  ): Promise<{ readonly profiles: Record<string, Entry>; readonly order?: Entry }> =>
    peer.ask({ do: "effective", ...(agent === undefined ? {} : { agentDir: peer.agentDir(agent) }) });

  test("is told to be what it is, and shows the logins there are", async ({ skip }) => {
    if (!installed.ok) skip(installed.reason);
    expect(await peer.ask({ do: "shape" })).toBe(shape);
    const { summaries, storeOrder } = await peer.ask<StoreSnapshot>({ do: "read" });
    expect(summaries).toMatchObject([{ id: `${p}:old`, provider: p, type: "oauth", position: 0, inherited: false }]);
    expect(storeOrder).toEqual([`${p}:old`]);
  });

  test("plan, apply, read back and undo change one profile and its place, in force at once", async ({ skip }) => {
    if (!installed.ok) skip(installed.reason);
    const credential = { ...fakeLogin("bob"), accountId: "account-bob" };
    const wanted = ["openai-codex:work", "openai-codex:old"];
    const change = { profileId: "openai-codex:work", credential, order: wanted };
    const { id, plan } = await peer.ask<Planned>({ do: "plan", change });
    const path = isFiles ? join(peer.agentDir("main"), "auth-profiles.json") : "openclaw:shared";
    expect(plan.files).toMatchObject([{ path, profileId: `${p}:work`, role: "owner", before: null }]);
    expect(await peer.ask({ do: "check", id })).toEqual(["before"]);
    expect(await peer.ask({ do: "carry", id, how: "apply" })).toEqual(["written"]);
    expect(await peer.ask({ do: "check", id })).toEqual(["after"]);
    expect(await peer.ask({ do: "carry", id, how: "apply" })).toEqual(["already"]);
    expect(await stored(`${p}:work`)).toMatchObject({ ...credential, provider: p });
    const inForce = await effective();
    expect(inForce.profiles).toMatchObject({ ...profiles, [`${p}:work`]: { ...credential, provider: p } });
    expect(inForce).toMatchObject({ usageStats, order: { ...order, [p]: [`${p}:work`, `${p}:old`] } });
    expect(await peer.ask({ do: "carry", id, how: "undo" })).toEqual(["written"]);
    expect(await peer.ask({ do: "check", id })).toEqual(["before"]);
    const back = await effective();
    expect(Object.keys(back.profiles).toSorted()).toEqual(Object.keys(profiles).toSorted());
    expect(back).toMatchObject({ ...shared });
  });

  test("a login in place is replaced by another with other tokens, and put back", async ({ skip }) => {
    if (!installed.ok) skip(installed.reason);
    const credential = fakeLogin("alice");
    const { id } = await peer.ask<Planned>({
      do: "plan",
      change: { profileId: `${p}:old`, credential, clearCooldown: true },
    });
    expect(await peer.ask({ do: "carry", id, how: "apply" })).toEqual(["written"]);
    expect(await effective()).toMatchObject({ profiles: { [`${p}:old`]: { ...credential, provider: p } } });
    expect(await effective()).toMatchObject({ usageStats: { [`${p}:old`]: { lastUsed: 4 } } });
    expect(await effective()).not.toMatchObject({ usageStats });
    expect(await peer.ask({ do: "carry", id, how: "undo" })).toEqual(["written"]);
    expect(await stored(`${p}:old`)).toMatchObject(old);
  });

  test("a name, a removal and an order are done and undone", async ({ skip }) => {
    if (!installed.ok) skip(installed.reason);
    const before = (await effective()).profiles;
    for (const change of [
      { profileId: `${p}:old`, renameTo: `${p}:home` },
      { profileId: `${p}:old`, credential: null, order: null },
      { profileId: `${p}:old`, order: null },
    ]) {
      const { id } = await peer.ask<Planned>({ do: "plan", change });
      expect(await peer.ask({ do: "carry", id, how: "apply" })).toEqual(["written"]);
      expect(await peer.ask({ do: "check", id })).toEqual(["after"]);
      expect(await peer.ask({ do: "carry", id, how: "undo" })).toEqual(["written"]);
      expect((await effective()).profiles).toEqual(before);
      expect((await effective()).order).toEqual(order);
    }
  });

  test("an agent without a store inherits the change and never gets a store for it", async ({ skip }) => {
    if (!installed.ok) skip(installed.reason);
    const change = { profileId: `${p}:team`, credential: fakeLogin("carol") };
    const { id, plan } = await peer.ask<Planned>({ do: "plan", change, agentId: "ops" });
    expect(plan.files).toMatchObject([{ agentId: "main", role: "owner" }]);
    await peer.ask({ do: "carry", id, how: "apply" });
    expect(await peer.ask({ do: "credential", profileId: `${p}:team`, agentId: "ops" })).toMatchObject({
      inherited: true,
    });
    expect(await readdir(peer.agentDir("ops"))).toEqual([]);
    await peer.ask({ do: "carry", id, how: "undo" });
  });

  test("chats that are bound to a profile are listed and freed", async ({ skip }) => {
    if (!installed.ok) skip(installed.reason);
    const sessionKey = "agent:main:main";
    const entry = {
      sessionId: "00000000-0000-4000-8000-000000000001",
      updatedAt: Date.now(),
      authProfileOverride: `${p}:old`,
      authProfileOverrideSource: "auto",
      authProfileOverrideCompactionCount: 0,
    };
    if (shape === "one-file") {
      const args = [join(peer.stateDir, "agents", "main", "sessions", "sessions.json"), { [sessionKey]: entry }];
      await peer.ask({ do: "call", module: "config-runtime", name: "saveSessionStore", args });
    } else {
      const args = [{ sessionKey, agentId: "main", entry }];
      await peer.ask({ do: "call", module: "session-store-runtime", name: "upsertSessionEntry", args });
    }
    // 2026.4.5 gives no list: its one file is read from outside.
    const listed = (await peer.ask<unknown>({ do: "pins", agentId: "main" })) ?? undefined;
    expect(listed).toEqual(shape === "one-file" ? undefined : [{ profileId: `${p}:old`, byPerson: false }]);
    expect(await peer.ask({ do: "clearPins", agentId: "main", profileId: `${p}:other` })).toBe(0);
    expect(await peer.ask({ do: "clearPins", agentId: "main", profileId: `${p}:old` })).toBe(1);
    expect(await peer.ask({ do: "clearPins", agentId: "main" })).toBe(0);
  });

  describe.runIf(isFiles)("and its files", () => {
    test("stay 0600, and a job of the worker outside is ended inside and the reverse", async ({ skip }) => {
      if (!installed.ok) skip(installed.reason);
      const change = { profileId: `${p}:work`, credential: fakeLogin("bob") };
      const { id } = await peer.ask<Planned>({ do: "plan", change, by: "outside" });
      expect(await peer.ask({ do: "carry", id, how: "apply", by: "inside" })).toEqual(["written"]);
      expect(await peer.ask({ do: "carry", id, how: "apply", by: "outside" })).toEqual(["already"]);
      expect(await peer.ask({ do: "carry", id, how: "undo", by: "outside" })).toEqual(["written"]);
      expect(await peer.ask({ do: "check", id, by: "inside" })).toEqual(["before"]);
      const path = join(peer.agentDir("main"), "auth-profiles.json");
      expect((await stat(path)).mode & 0o777).toBe(0o600);
      expect(existsSync(`${path}.lock`)).toBe(false);
      expect(JSON.parse(await readFile(path, "utf8"))).toMatchObject({ version: 1, profiles });
    });

    test("are waited for while another part of the same process holds them, which OpenClaw's own lock does not do", async ({
      skip,
    }) => {
      if (!installed.ok) skip(installed.reason);
      const path = join(peer.agentDir("main"), "auth-profiles.json");
      expect(await peer.ask({ do: "reentrant", path })).toBe("let in");
      const { id } = await peer.ask<Planned>({
        do: "plan",
        change: { profileId: `${p}:late`, credential: fakeLogin("dora") },
      });
      expect(await peer.ask({ do: "applyWhileHeld", id, path, heldMs: 500 })).toEqual(["let go", "written"]);
      await peer.ask({ do: "carry", id, how: "undo" });
    });
  });

  describe.runIf(isFiles)("and other agents", () => {
    test("use what they have in memory until the gateway reads its stores again", async ({ skip }) => {
      if (!installed.ok) skip(installed.reason);
      const reload = async (): Promise<void> => {
        const entries: unknown[] = [];
        for (const agent of ["main", "ops"]) {
          const agentDir = peer.agentDir(agent);
          const load = { do: "call", module: "agent-runtime", name: "loadAuthProfileStoreForSecretsRuntime" };
          entries.push({ agentDir, store: await peer.ask({ ...load, args: [agentDir] }) });
        }
        const name = "replaceRuntimeAuthProfileStoreSnapshots";
        await peer.ask({ do: "call", module: "agent-runtime", name, args: [entries] });
      };
      await reload();
      const change = { profileId: `${p}:old`, credential: { ...old, access: fakeLogin("alice")["access"] } };
      const { id } = await peer.ask<Planned>({ do: "plan", change });
      await peer.ask({ do: "carry", id, how: "apply" });
      expect((await effective("main")).profiles[`${p}:old`]).toMatchObject(change.credential);
      // That is why the plugin has its own gateway reload where there are other agents.
      const copied = (await effective("ops")).profiles[`${p}:old`];
      await reload();
      expect((await effective("ops")).profiles[`${p}:old`]).toMatchObject(change.credential);
      await peer.ask({ do: "carry", id, how: "undo" });
      await reload();
      expect(copied).toMatchObject(old);
    });
  });

  describe.runIf(!isFiles)("and its databases", () => {
    test("let an agent's own order come before the shared one, and keep the names that it only inherits", async ({
      skip,
    }) => {
      if (!installed.ok) skip(installed.reason);
      const mine = { ...fakeLogin("mia"), provider: p };
      const own = { profiles: { [`${p}:mine`]: mine }, order: { [p]: [`${p}:mine`] } };
      expect(await peer.ask({ do: "put", store: own, agentDir: peer.agentDir("main") })).toBe(true);
      const change = { profileId: `${p}:old`, order: [`${p}:old`, `${p}:mine`] };
      const { id, plan } = await peer.ask<Planned>({ do: "plan", change });
      expect(plan.files).toMatchObject([{ path: "openclaw:agent:main", role: "order" }]);
      await peer.ask({ do: "carry", id, how: "apply" });
      expect((await effective("main")).order).toMatchObject({ [p]: [`${p}:old`, `${p}:mine`] });
      expect((await effective()).order).toMatchObject(order);
      await peer.ask({ do: "carry", id, how: "undo" });
      expect((await peer.ask<StoreSnapshot>({ do: "read" })).storeOrder).toEqual([`${p}:mine`]);
    });

    test("show a marker of a failed renewal as such, and take a new login in its place", async ({ skip }) => {
      if (!installed.ok) skip(installed.reason);
      const fenced = { type: "oauth", provider: p, access: marker("access"), refresh: marker("refresh"), expires: 1 };
      await peer.ask({ do: "put", store: { profiles: { ...profiles, [`${p}:gone`]: fenced } } });
      const { summaries } = await peer.ask<StoreSnapshot>({ do: "read" });
      expect(summaries.find(({ id }) => id === `${p}:gone`)).toMatchObject({ renewal: "failed", state: "unreadable" });
      const credential = fakeLogin("erin");
      const { id } = await peer.ask<Planned>({ do: "plan", change: { profileId: `${p}:gone`, credential } });
      expect(await peer.ask({ do: "carry", id, how: "apply" })).toEqual(["written"]);
      expect(await stored(`${p}:gone`)).toMatchObject({ ...credential, provider: p });
      await peer.ask({ do: "carry", id, how: "undo" });
      const left = await stored(`${p}:gone`);
      expect(left).toMatchObject({ type: "oauth", provider: p });
      expect(JSON.stringify(left)).not.toContain("fence");
    });

    test("are refused with words while an old login file waits beside them, and that file is never ours", async ({
      skip,
    }) => {
      if (!installed.ok) skip(installed.reason);
      const path = join(peer.agentDir("main"), "auth-profiles.json");
      expect(existsSync(path)).toBe(false);
      await writeFile(path, JSON.stringify({ version: 1, profiles: { "openai-codex:x": fakeLogin("xena") } }));
      // Main's own database holds a login here, so only a warning comes; ops has none of its own.
      await writeFile(
        join(peer.agentDir("ops"), "auth-profiles.json"),
        JSON.stringify({ version: 1, profiles: { "openai-codex:x": fakeLogin("xena") } }),
      );
      await writeFile(join(peer.agentDir("ops"), "openclaw-agent.sqlite"), "");
      expect(await peer.answer({ do: "read", agentId: "ops" })).toMatchObject({ code: "ERR_STORE_LEGACY" });
    });
  });
});
