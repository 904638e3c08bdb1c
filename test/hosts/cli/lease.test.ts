// `codex-auth-skill lease` as a process, against the sandbox broker.

import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { startSandboxBroker, type SandboxBroker } from "../../../src/sandbox/broker.ts";
import { SOON, workersOf } from "../../support/launch-lab.ts";
import { openClawHome } from "./cli-lab.ts";

type Home = Awaited<ReturnType<typeof openClawHome>>;

interface Lab {
  readonly home: Home;
  readonly broker: SandboxBroker;
  readonly env: NodeJS.ProcessEnv;
}

async function lab(): Promise<Lab> {
  const broker = await startSandboxBroker();
  onTestFinished(() => broker.close());
  const env = {
    AUTH_MANAGER_BASE_URL: broker.origin,
    AUTH_MANAGER_INTERNAL_API_TOKEN: broker.token.expose(),
    AUTH_MANAGER_MACHINE_ID: "debian",
    AUTH_MANAGER_AGENT_ID: "main",
  };
  const home = await openClawHome();
  // A worker that was started outlives the command: it still writes down the end that was told.
  onTestFinished(() => vi.waitFor(() => expect(workersOf(join(home.home, ".openclaw"))).toEqual([]), SOON));
  return { home, broker, env };
}

const profilesOf = ({ home }: Lab): Readonly<Record<string, { readonly type?: string }>> =>
  home.world.readStore().profiles;

describe("codex-auth-skill lease", () => {
  it("says what to set where there is no broker, as a failure", async () => {
    const home = await openClawHome();
    const ended = await home.call(["lease", "--json"]);
    expect(ended.code).toBe(1);
    expect(ended.json()).toMatchObject({ ok: false, error: { code: "ERR_BROKER_NOT_SET" } });
  });

  it("shows, and writes nothing for that", async () => {
    const given = await lab();
    const { code, stdout } = await given.home.call(["lease"], { env: given.env });
    expect(code).toBe(0);
    expect(stdout).toContain("debian / openclaw:main");
    expect(stdout).toContain("codex-auth-skill lease reacquire");
    expect(given.broker.log).toHaveLength(0);
    expect(existsSync(join(given.home.world.paths.root, "lease"))).toBe(false);
  });

  it("refresh acquires, and ends when the tokens are in the store; every word of it is data too", async () => {
    const given = await lab();
    const ended = await given.home.call(["lease", "refresh", "--json"], { env: given.env });
    expect(ended.stderr).not.toContain(given.broker.tokens("alpha").accessToken.expose());
    expect(ended.code).toBe(0);
    expect(ended.json()).toMatchObject({
      ok: true,
      lease: { state: "active", agentId: "openclaw:main" },
      problem: null,
    });
    expect(ended.stdout).not.toContain(given.broker.tokens("alpha").accessToken.expose());
    expect(profilesOf(given)["openai-codex:lease"]).toMatchObject({ type: "token" });
  });

  it("leaves what gives something up to a person: a script is refused, and nothing changes", async () => {
    const given = await lab();
    await given.home.call(["lease", "refresh"], { env: given.env });
    for (const words of [
      ["release", "--sure"],
      ["rotate", "--sure"],
      ["reacquire", "--sure"],
      ["auto", "rotate", "on"],
    ]) {
      const ended = await given.home.call(["lease", ...words, "--json"], { env: given.env });
      expect(ended.code).toBe(1);
      expect(ended.json()).toMatchObject({ error: { code: "ERR_CONFIRMATION_NEEDED" } });
    }
    expect(given.broker.leases()).toMatchObject([{ state: "active" }]);
  });

  it("answers wrong words with exit code 2", async () => {
    const given = await lab();
    const ended = await given.home.call(["lease", "dance", "--json"], { env: given.env });
    expect(ended.code).toBe(2);
    expect(ended.json()).toMatchObject({ error: { code: "ERR_UNKNOWN_COMMAND" } });
  });

  it("counts usage from standard input for the lease that is held, all of it or none", async () => {
    const given = await lab();
    await given.home.call(["lease", "refresh"], { env: given.env });
    const good = JSON.stringify({ usage: { prompt_tokens: 10, completion_tokens: 2 }, model: "gpt-5.4" });
    const bad = await given.home.call(["lease", "observe", "--json"], { env: given.env, stdin: `${good}\nnot json\n` });
    expect(bad.code).toBe(2);
    const ended = await given.home.call(["lease", "observe", "--json"], {
      env: given.env,
      stdin: `${good}\n${good}\n`,
    });
    expect(ended.json()).toMatchObject({ ok: true, counted: 2, events: 2 });
    const [lease] = given.broker.leases();
    expect(given.broker.telemetryRows(lease?.id ?? "")).toMatchObject([
      { requestsCount: 2, tokensIn: 20, tokensOut: 4 },
    ]);
  });

  it("keep holds the lease until it is told to end, and ends with 0", { timeout: 60_000 }, async () => {
    const given = await lab();
    const child = given.home.start(["lease", "keep"], given.env);
    await expect.poll(() => profilesOf(given)["openai-codex:lease"]?.type, { timeout: 20_000 }).toBe("token");
    child.kill("SIGTERM");
    const [code] = (await once(child, "exit")) as [number | null];
    expect(code).toBe(0);
    // The worker that it started ends its job, also without it.
    await expect.poll(() => workersOf(dirname(given.home.world.paths.root)), SOON).toEqual([]);
    // It stays leased: the next start goes on with it.
    expect(given.broker.leases()).toMatchObject([{ state: "active" }]);
    const log = readFileSync(join(given.home.world.paths.log, "lease.log"), "utf8");
    expect(log).toContain("lease.have");
    expect(log).not.toContain(given.broker.tokens("alpha").accessToken.expose());
  });
});

describe("doctor", () => {
  it("says whether there is a lease and whether anybody keeps it, and asks the broker nothing", async () => {
    const given = await lab();
    await given.home.call(["lease", "refresh"], { env: given.env });
    const before = given.broker.log.length;
    const { findings } = (await given.home.call(["doctor", "--json"], { env: given.env })).json() as unknown as {
      findings: readonly { what: string; state: string; next?: string }[];
    };
    expect(findings.find(({ what }) => what === "lease")).toMatchObject({ state: "ok" });
    expect(findings.find(({ what }) => what === "keeper")).toMatchObject({ state: "warn" });
    expect(given.broker.log).toHaveLength(before);
  });
});
