// The lease as a host has it: real settings, real record, real queue and store, against the sandbox broker.

import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { loadConfig } from "../../src/config/config.ts";
import { readEnvironment } from "../../src/config/env.ts";
import { ownPaths } from "../../src/config/paths.ts";
import { LeaseHost } from "../../src/hosts/lease.ts";
import { buildChatServices, buildParts, type Parts } from "../../src/hosts/services.ts";
import { startSandboxBroker, type SandboxBroker } from "../../src/sandbox/broker.ts";
import { createLog } from "../../src/secrets/log.ts";
import { applyWorld } from "../support/apply-world.ts";
import { fakeIdToken } from "../support/jwt.ts";
import { temporaryFolder } from "../support/temp-folder.ts";

const PERSON = { host: "telegram", chatId: "1", personId: "1" };

interface Lab {
  readonly host: LeaseHost;
  readonly parts: Parts;
  readonly broker: SandboxBroker;
  readonly world: ReturnType<typeof applyWorld>;
  readonly logged: string[];
  readonly authFile: string;
  /** Carries out what is queued. */
  drain(): Promise<void>;
  /** What another process of the same machine is composed of. */
  partsWith(variables: Readonly<Record<string, string>>): Promise<Parts>;
  /** Another process of the same machine. */
  again(variables?: Readonly<Record<string, string>>): Promise<LeaseHost>;
}

async function lab(variables: Readonly<Record<string, string>> = {}): Promise<Lab> {
  const broker = await startSandboxBroker();
  onTestFinished(() => broker.close());
  const home = await temporaryFolder();
  const world = applyWorld(home);
  const logged: string[] = [];
  const partsWith = async (more: Readonly<Record<string, string>>): Promise<Parts> => {
    const environment = readEnvironment({
      HOME: home,
      AUTH_MANAGER_BASE_URL: broker.origin,
      AUTH_MANAGER_INTERNAL_API_TOKEN: broker.token.expose(),
      AUTH_MANAGER_MACHINE_ID: "m1",
      ...more,
    });
    const config = await loadConfig(ownPaths(join(home, ".openclaw")).config, environment);
    const log = createLog((line) => logged.push(line), Date.now);
    return buildParts({ environment, config, log, launch: async () => undefined });
  };
  const open = async (more: Readonly<Record<string, string>>): Promise<{ host: LeaseHost; parts: Parts }> => {
    const parts = await partsWith(more);
    const host = new LeaseHost(parts);
    onTestFinished(() => host.close());
    return { host, parts };
  };
  const { host, parts } = await open(variables);
  return {
    host,
    parts,
    broker,
    world,
    logged,
    authFile: join(home, ".codex", "auth.json"),
    drain: async () => void (await world.drain()),
    partsWith: (more) => partsWith({ ...variables, ...more }),
    again: async (more = {}) => (await open({ ...variables, ...more })).host,
  };
}

function stored(given: Lab): Readonly<Record<string, unknown>> | undefined {
  return given.world.readStore().profiles["openai-codex:lease"];
}

describe("the lease of a host", () => {
  it("comes into the store access-only and first, beside everything that was there, and leaves it again", async () => {
    const given = await lab();
    const before = given.world.readStore();
    await given.host.act({ kind: "refresh" });
    await given.drain();
    const { accessToken, refreshToken } = given.broker.tokens("alpha");
    expect(stored(given)).toMatchObject({ type: "token", provider: "openai-codex", token: accessToken.expose() });
    const text = readFileSync(given.world.storePath, "utf8");
    expect(text).not.toContain(refreshToken?.expose() ?? "none");
    for (const [id, entry] of Object.entries(before.profiles)) {
      expect(given.world.readStore().profiles[id]).toEqual(entry);
    }
    await given.host.act({ kind: "refresh" });
    await given.host.act({ kind: "release" });
    await given.drain();
    expect(stored(given)).toBeUndefined();
    expect(given.world.readStore().profiles).toEqual(before.profiles);
    // Where there was no order there is none again: it would keep logins that come later from being tried.
    expect(given.world.readStore().order).toEqual(before.order);
    expect(given.broker.leases()).toMatchObject([{ state: "released" }]);
  });

  it("tells a person who asked how the writing went, and nobody where the keeper did it", async () => {
    const given = await lab();
    await given.host.act({ kind: "refresh" }, PERSON);
    await given.drain();
    expect(await given.parts.engine.outbox.list("telegram")).toHaveLength(1);
    given.broker.refreshCredential("alpha");
    await given.host.act({ kind: "refresh" });
    await given.drain();
    expect((await given.parts.engine.receipts.list(10)).map(({ kind }) => kind)).toEqual(["save-lease", "save-lease"]);
    expect(await given.parts.engine.outbox.list("telegram")).toHaveLength(1);
  });

  it("keeps no token in what it logs or remembers", async () => {
    const given = await lab({ AUTH_MANAGER_WRITE_AUTH_FILE: "true" });
    await given.host.act({ kind: "refresh" });
    const { accessToken, refreshToken } = given.broker.tokens("alpha");
    const all = [...given.logged, readFileSync(join(given.parts.own.lease, "lease.json"), "utf8")].join("\n");
    for (const secret of [accessToken, refreshToken, given.broker.token]) {
      expect(all).not.toContain(secret?.expose());
    }
  });
});

describe("keeping", () => {
  it("begins with a broker that is down, has a lease when it comes, and counts for it", async () => {
    const given = await lab({ AUTH_MANAGER_REFRESH_INTERVAL_MS: "5000" });
    await given.broker.stop();
    const stop = new AbortController();
    const kept = given.host.keep(stop.signal);
    await expect
      .poll(async () => (await given.host.view()).record?.problem?.code, { timeout: 20_000 })
      .toBe("ERR_BROKER_UNREACHABLE");
    await given.broker.start();
    const state = async (): Promise<unknown> => (await given.host.view()).record?.status?.state;
    await expect.poll(state, { timeout: 20_000 }).toBe("active");
    await given.host.observe({ requests_count: 2, tokens_in: 30, tokens_out: 4 });
    stop.abort();
    await kept;
    const [lease] = given.broker.leases();
    expect(given.broker.telemetryRows(lease?.id ?? "")).toMatchObject([
      { requestsCount: 2, tokensIn: 30, tokensOut: 4 },
    ]);
    expect(lease?.state).toBe("active");
  }, 60_000);

  it("gives the lease back at its end where that is set, and has one again at the next start", async () => {
    const given = await lab({ AUTH_MANAGER_RELEASE_LEASE_ON_SHUTDOWN: "true" });
    const run = async (host: LeaseHost, count: number): Promise<void> => {
      const stop = new AbortController();
      const kept = host.keep(stop.signal);
      await expect.poll(() => given.broker.leases().filter(({ state }) => state === "active").length).toBe(1);
      expect(given.broker.leases()).toHaveLength(count);
      stop.abort();
      await kept;
    };
    await run(given.host, 1);
    expect(given.broker.leases()).toMatchObject([{ state: "released" }]);
    await given.drain();
    expect(stored(given)).toBeUndefined();
    await run(await given.again(), 2);
  });

  it("without a token says so at once, and touches nothing", async () => {
    const given = await lab({ AUTH_MANAGER_INTERNAL_API_TOKEN: "" });
    await expect(given.host.keep(new AbortController().signal)).rejects.toMatchObject({ code: "ERR_BROKER_NOT_SET" });
    expect(given.broker.log).toHaveLength(0);
    expect(existsSync(given.parts.own.lease)).toBe(false);
  });
});

describe("a lease that is switched off in the settings", () => {
  it("leaves nothing behind for good: what it had stored can be taken away, and nothing else is done", async () => {
    const given = await lab({ AUTH_MANAGER_WRITE_AUTH_FILE: "true" });
    await given.host.act({ kind: "refresh" });
    await given.drain();
    expect(stored(given)).toBeDefined();
    const off = await given.partsWith({ AUTH_MANAGER_TELEMETRY_ENABLED: "off" });
    const door = (await buildChatServices(off)).lease();
    const before = given.broker.log.length;
    expect((await door.view()).record).toMatchObject({ note: "switched-off" });
    await expect(door.act({ kind: "refresh" })).rejects.toMatchObject({ code: "ERR_BROKER_NOT_SET" });
    await door.act({ kind: "release" });
    await given.drain();
    expect(stored(given)).toBeUndefined();
    expect(existsSync(given.authFile)).toBe(false);
    expect(given.broker.log).toHaveLength(before);
    await expect(door.view()).rejects.toMatchObject({ code: "ERR_BROKER_NOT_SET" });
  });
});

describe("a token that the broker refuses", () => {
  it("is read again from its file: whoever mends it need not restart anything", async () => {
    const folder = await temporaryFolder();
    const file = join(folder, "token");
    writeFileSync(file, "wrong", { mode: 0o600 });
    const given = await lab({ AUTH_MANAGER_INTERNAL_API_TOKEN: "", AUTH_MANAGER_INTERNAL_API_TOKEN_FILE: file });
    await expect(given.host.act({ kind: "refresh" })).rejects.toMatchObject({ code: "ERR_BROKER_AUTH" });
    writeFileSync(file, given.broker.token.expose(), { mode: 0o600 });
    await given.host.act({ kind: "refresh" }).catch(() => undefined);
    await given.host.act({ kind: "refresh" });
    expect(given.broker.leases()).toHaveLength(1);
  });
});

describe("the Codex CLI's login file", () => {
  const wanted = { AUTH_MANAGER_WRITE_AUTH_FILE: "true" };

  it("is not touched unless that is set", async () => {
    const given = await lab();
    await given.host.act({ kind: "refresh" });
    expect(existsSync(given.authFile)).toBe(false);
  });

  it("gets the leased login, 0600, and loses it on release, also where the setting is off by then", async () => {
    const given = await lab(wanted);
    await given.host.act({ kind: "refresh" });
    expect(statSync(given.authFile).mode & 0o777).toBe(0o600);
    expect(JSON.parse(readFileSync(given.authFile, "utf8"))).toMatchObject({
      auth_mode: "chatgpt",
      tokens: { access_token: given.broker.tokens("alpha").accessToken.expose() },
    });
    await (await given.again({ AUTH_MANAGER_WRITE_AUTH_FILE: "false" })).act({ kind: "release" });
    expect(existsSync(given.authFile)).toBe(false);
  });

  it("of a person is left as it is and said; on their word it is parked first, and only then replaced", async () => {
    const given = await lab(wanted);
    const own = fakeIdToken({
      email: "ada@example.com",
      userId: "user-ada",
      accountId: "acct-ada",
      expiresAtMs: Date.now() + 3_600_000,
    });
    const tokens = {
      id_token: own,
      access_token: own,
      refresh_token: "the refresh token of ada",
      account_id: "acct-ada",
    };
    await mkdir(dirname(given.authFile), { recursive: true });
    const text = JSON.stringify({
      auth_mode: "chatgpt",
      OPENAI_API_KEY: null,
      tokens,
      last_refresh: "2026-11-21T00:00:00Z",
    });
    writeFileSync(given.authFile, text, { mode: 0o600 });
    await given.host.act({ kind: "refresh" });
    expect(readFileSync(given.authFile, "utf8")).toBe(text);
    expect((await given.host.view()).record).toMatchObject({ fileProblem: { code: "ERR_LEASE_FILE_TAKEN" } });
    // The store has the lease all the same.
    expect(await given.parts.engine.queue.open()).toMatchObject([{ kind: "save-lease" }]);

    await given.host.act({ kind: "take-file" }, PERSON);
    expect(readFileSync(given.authFile, "utf8")).toContain(given.broker.tokens("alpha").accessToken.expose());
    const [parked] = await given.parts.engine.parked.list();
    expect(parked).toMatchObject({ reason: "put-aside", requestedBy: PERSON });
    expect((await given.parts.engine.parked.tokens(parked?.id ?? ""))?.refresh.expose()).toBe(
      "the refresh token of ada",
    );
    expect((await given.host.view()).record?.fileProblem).toBeUndefined();
  });

  it("with an API key in it is not given up for the lease: nobody could keep that", async () => {
    const given = await lab(wanted);
    await mkdir(dirname(given.authFile), { recursive: true });
    const text = JSON.stringify({ OPENAI_API_KEY: "a key of the person" });
    writeFileSync(given.authFile, text, { mode: 0o600 });
    await given.host.act({ kind: "refresh" });
    await expect(given.host.act({ kind: "take-file" }, PERSON)).rejects.toMatchObject({ code: "ERR_LEASE_FILE_TAKEN" });
    expect(readFileSync(given.authFile, "utf8")).toBe(text);
    expect(await given.parts.engine.parked.list()).toEqual([]);
  });
});
