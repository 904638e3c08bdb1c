// `codex-auth-skill usage` as a process, against the sandbox's usage server.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { startSandboxUsage, type SandboxUsage } from "../../../src/sandbox/usage-server.ts";
import { openClawHome } from "./cli-lab.ts";

interface Lab {
  readonly home: Awaited<ReturnType<typeof openClawHome>>;
  readonly server: SandboxUsage;
  readonly env: NodeJS.ProcessEnv;
}

async function lab(): Promise<Lab> {
  const server = await startSandboxUsage();
  onTestFinished(() => server.close());
  return { home: await openClawHome(), server, env: { CODEX_AUTH_USAGE_SERVER: server.origin } };
}

describe("codex-auth-skill usage", () => {
  it("shows one profile in words, with commands of this command line, and leaves the store as it is", async () => {
    const { home, server, env } = await lab();
    const before = readFileSync(home.world.storePath);
    const { code, stdout } = await home.call(["usage", "alice"], { env });
    expect(code).toBe(0);
    expect(stdout).toMatch(/alice · alice@example\.com \(plus\)\n5 h: ▓▓▓░{7} 32 % used, 68 % left; resets in /);
    expect(stdout).toContain("codex-auth-skill usage alice");
    expect(stdout).not.toContain("/codex_usage");
    expect(server.log).toHaveLength(1);
    expect(readFileSync(home.world.storePath)).toEqual(before);
  });

  it("shows times in this machine's own zone until the settings name another, and in UTC where it has none", async () => {
    const { home, env } = await lab();
    const machine = await home.call(["usage", "alice"], { env: { ...env, TZ: "Asia/Kolkata" } });
    expect(machine.stdout).toMatch(/\d\d:\d\d GMT\+5:30\)/);
    expect(machine.stdout).not.toContain("UTC");
    expect((await home.call(["usage", "alice"], { env: { ...env, TZ: "Nowhere/At_all" } })).stdout).toMatch(
      /\d\d:\d\d (?:UTC|GMT)\)/,
    );
    const tokyo = await home.call(["usage", "alice"], { env: { ...env, CODEX_AUTH_TIME_ZONE: "Asia/Tokyo" } });
    expect(tokyo.stdout).toMatch(/\d\d:\d\d GMT\+9\)/);
    expect(tokyo.stdout).not.toContain("UTC");
  });

  it("gives all of them as one document, each with its own outcome and age", async () => {
    const { home, server, env } = await lab();
    server.setUsage("account-bob", () => ({ plan_type: null, rate_limit: { primary_window: { used_percent: null } } }));
    const ended = await home.call(["usage", "--json"], { env });
    expect(ended.code).toBe(0);
    expect(ended.json()).toMatchObject({
      ok: true,
      command: "usage",
      agentId: "main",
      profiles: [
        {
          id: "openai-codex:alice",
          outcome: "report",
          isConfirmed: true,
          seenAtMs: expect.any(Number),
          report: { planType: "plus", limits: [{ windows: [{ seconds: 18_000, usedPercent: 32 }, {}] }] },
        },
        { id: "openai-codex:bob", outcome: "report", report: { limits: [{ windows: [{}] }] } },
      ],
    });
    // What is unknown is absent, never 0.
    expect(JSON.stringify(ended.json()["profiles"])).not.toMatch(/"usedPercent":0|null/);
  });

  it("means the profile that was named, also where its name reads like an option or a number", async () => {
    const { home, server, env } = await lab();
    const store = home.world.readStore();
    const alice = store.profiles["openai-codex:alice"];
    const profiles = {
      ...store.profiles,
      "openai-codex:all": alice,
      "openai-codex:2024": alice,
      "openai-codex:two words": alice,
    };
    writeFileSync(home.world.storePath, JSON.stringify({ ...store, profiles }));
    const all = await home.call(["usage", "openai-codex:all"], { env });
    expect(all.stdout).toMatch(/^all · alice@/m);
    const digits = await home.call(["usage", "openai-codex:2024"], { env });
    expect(digits.stdout).toMatch(/^2024 · alice@/m);
    expect(digits.stdout).toContain("codex-auth-skill usage openai-codex:2024");
    const words = await home.call(["usage", "openai-codex:two words"], { env });
    expect(words.stdout).toMatch(/^two words · alice@/m);
    expect(server.log).toHaveLength(3);
  });

  it("fails with the reason and the earlier figures where nobody could be asked", async () => {
    const { home, server, env } = await lab();
    await home.call(["usage", "alice", "--json"], { env });
    for (let tries = 0; tries < 2; tries += 1) server.fail({ kind: "html403" });
    const ended = await home.call(["usage", "alice", "--json"], { env });
    expect(ended.code).toBe(1);
    expect(ended.json()).toMatchObject({
      ok: false,
      error: { code: "ERR_USAGE_UNAVAILABLE" },
      profiles: [{ outcome: "blocked", seenAtMs: expect.any(Number), report: { planType: "plus" } }],
    });
    const { code, stdout } = await home.call(["usage", "alice"], { env });
    expect(code).toBe(1);
    expect(stdout).toMatch(/blocked the check[\s\S]+As it was /);
  });

  it("draws what was seen with --plot, and gives it as data with --json", async () => {
    const { home, env } = await lab();
    const { stdout } = await home.call(["usage", "alice", "--plot"], { env });
    expect(stdout).toMatch(/alice · week\n100 % ┤\n +┤ +▇\n/);
    const ended = await home.call(["usage", "alice", "--plot", "--json"], { env });
    // Two where a full hour fell between the two calls.
    const [profile] = ended.json()["profiles"] as readonly { readonly history: readonly unknown[] }[];
    expect(profile?.history.length).toBeGreaterThan(0);
    for (const point of profile?.history ?? [])
      expect(point).toMatchObject({ windows: [{ seconds: 18_000, usedPercent: 32 }, {}] });
  });

  it("refuses a profile that does not exist, and another server that is not on this machine, before anybody is asked", async () => {
    const { home, server, env } = await lab();
    const unknown = await home.call(["usage", "nobody", "--json"], { env });
    expect(unknown).toMatchObject({ code: 2 });
    expect(unknown.json()).toMatchObject({ error: { code: "ERR_PROFILE_UNKNOWN" } });
    const elsewhere = await home.call(["usage", "--json"], { env: { CODEX_AUTH_USAGE_SERVER: "https://example.com" } });
    expect(elsewhere.json()).toMatchObject({ ok: false, error: { code: "ERR_CONFIG_INVALID" } });
    expect(server.log).toEqual([]);
    expect(existsSync(join(home.world.paths.root, "usage"))).toBe(false);
  });

  it("shows the newest figures in `list`, without asking", async () => {
    const { home, server, env } = await lab();
    await home.call(["usage", "alice"], { env });
    const { stdout } = await home.call(["list"], { env });
    expect(stdout).toMatch(/1\. alice: .*\n   ↳ 5 h 32 % used, week 71 % used, seen /);
    expect(server.log).toHaveLength(1);
  });
});
