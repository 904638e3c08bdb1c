// Whatever lies in a file, ours or OpenClaw's: it is read or refused, never repeated in the refusal, and never written over.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Invitations } from "../../../src/chat/invitations.ts";
import { ShownLists } from "../../../src/chat/lists.ts";
import { parseSettings } from "../../../src/config/config.ts";
import { readEnvironment } from "../../../src/config/env.ts";
import { detectGeneration } from "../../../src/gateway/generation.ts";
import { judgeGatewayLock, readGatewayLock } from "../../../src/gateway/lock-file.ts";
import { LeaseFile } from "../../../src/lease/sticky.ts";
import { parseIssuer } from "../../../src/oauth/issuer.ts";
import { PendingLogins } from "../../../src/oauth/pending.ts";
import { readCodexLogin } from "../../../src/profiles/codex-home.ts";
import { namedIn, readOpenClawConfig } from "../../../src/profiles/openclaw-config.ts";
import { readSessionPins } from "../../../src/profiles/session-pins.ts";
import { applyWorld, receivedTokens, REQUESTED_BY } from "../../support/apply-world.ts";
import { enqueueChange } from "../../support/change-jobs.ts";
import { fakeAccessToken, fakeIdToken } from "../../support/jwt.ts";
import { openClawState, sealedLogin, valueFor } from "../../support/openclaw-state.ts";
import { temporaryFolder } from "../../support/temp-folder.ts";
import { damaged } from "../lab/bad-json.ts";
import { CANARY, Guard } from "../lab/guard.ts";

const ID = "openai-codex:work";
const now = (): number => 1_000;

function entry(name: string) {
  return {
    type: "oauth",
    provider: "openai-codex",
    access: fakeAccessToken({ userId: name, accountId: name, expiresAtMs: 1e12 }),
    refresh: `rt-${CANARY}-${name}`,
    expires: 1e12,
  };
}

function put(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeFileSync(path, text, { mode: 0o600 });
}

describe("a profile store", () => {
  const profiles = {
    [ID]: entry("a"),
    "openai-codex:other": entry("b"),
    "anthropic:x": { type: "api_key", key: CANARY },
  };
  const order = { "openai-codex": [ID, "openai-codex:other"] };
  const usageStats = { [ID]: { lastUsed: 1, cooldownUntil: 2, errorCount: 3 } };
  const single = { version: 1, profiles, order, usageStats, lastGood: { "openai-codex": ID } };
  const state = { version: 1, order, usageStats, lastGood: { "openai-codex": ID } };

  it.each<[string, fc.Arbitrary<readonly [string, string | undefined]>]>([
    ["in one file", fc.tuple(damaged(single), fc.constant(undefined))],
    ["in two files", fc.tuple(damaged({ version: 1, profiles }), damaged(state))],
  ])("(%s) is changed in one entry, or not at all", async (shape, texts) => {
    const openClaw = await openClawState();
    const guard = new Guard(`stores ${shape}`);
    const statePath = openClaw.path("main", "auth-state.json");
    await guard.checkAsync(1_200, texts, async ([text, stateText]) => {
      put(openClaw.path("main"), text);
      if (stateText !== undefined) put(statePath, stateText);
      const store = openClaw.store();
      await guard.async(() => store.read());
      const wanted = { profileId: ID, provider: "openai-codex" as const, credential: sealedLogin("new") };
      const planned = await guard.async(() => store.plan(wanted));
      const [file] = planned?.plan.files ?? [];
      const applied =
        planned === undefined || file === undefined
          ? undefined
          : await guard.async(() => store.apply(file, valueFor(planned.values, file), { waitMs: 0 }));
      const after = readFileSync(openClaw.path("main"), "utf8");
      if (stateText !== undefined) expect(readFileSync(statePath, "utf8")).toBe(stateText);
      if (applied?.outcome !== "written") return expect(after).toBe(text);
      const others = (json: string) => {
        const { profiles: all, ...rest } = JSON.parse(json) as {
          profiles: Record<string, unknown>;
          usageStats?: object;
        };
        return JSON.stringify([{ ...rest, usageStats: undefined }, Object.entries(all).filter(([id]) => id !== ID)]);
      };
      expect(others(after)).toBe(others(text));
    });
  });
});

describe("a file of ours", () => {
  const login = { email: "a@example.com", planType: "plus", expiresAtMs: 1e13 };
  const tokens = { access: `a-${CANARY}`, refresh: `r-${CANARY}`, expiresAtMs: 1e13 };

  it("of the queue, the receipts, the parked logins or the outbox is left alone where it is damaged", async () => {
    const world = applyWorld(await temporaryFolder());
    // Good files, as they are written, are what the damaged ones are made of.
    const job = await world.enqueue(receivedTokens("carol"));
    await world.drain();
    const done = await world.queue.get(job.id);
    const receipt = await world.receipts.get(job.id);
    const [message] = await world.outbox.list("telegram");
    const change = await enqueueChange(world, "order", { how: "first" });
    const parked = {
      schemaVersion: 1,
      id: "p-0000",
      createdAt: 1,
      agentId: "main",
      profileId: ID,
      reason: "first-login",
    };
    const files = [
      { path: join(world.paths.queue, "jobs", "damaged-1.json"), good: [done, change] },
      {
        path: join(world.paths.queue, "secrets", "damaged-1.json"),
        good: [{ login: tokens, values: { [CANARY]: CANARY } }],
      },
      { path: join(world.paths.queue, "cancel", "damaged-1.json"), good: [{ at: 1 }] },
      { path: join(world.paths.receipts, "damaged-1.json"), good: [receipt] },
      { path: join(world.paths.outbox, "damaged-1.json"), good: [message] },
      {
        path: join(world.paths.parked, "damaged-1.json"),
        good: [{ ...parked, ...login, requestedBy: REQUESTED_BY, tokens }],
      },
    ];
    await world.drain();
    const guard = new Guard("queue, receipts, parked logins and outbox");
    const one = fc.constantFrom(...files).chain(({ path, good }) => fc.tuple(fc.constant(path), damaged(...good)));
    await guard.checkAsync(1_500, one, async ([path, text]) => {
      put(path, text);
      const reads = [
        () => world.queue.list(),
        () => world.queue.unreadable(),
        () => world.queue.get("damaged-1"),
        () => world.queue.secrets.get("damaged-1"),
        () => world.queue.isCancelRequested("damaged-1"),
        () => world.receipts.list(),
        () => world.receipts.get("damaged-1"),
        () => world.parked.list(),
        () => world.parked.tokens("damaged-1"),
        () => world.outbox.list("terminal"),
      ];
      for (const read of reads) await guard.async<unknown>(read);
      expect(readFileSync(path, "utf8")).toBe(text);
      writeFileSync(path, "{}");
    });
  });

  it("of the chat, the sign-ins or the lease is refused or read", async () => {
    const folder = await temporaryFolder();
    const asker = {
      host: "telegram",
      botId: "7",
      personId: "1",
      chatId: "1",
      private: true,
      hasButtons: true,
    } as const;
    const lists = new ShownLists({ folder, now });
    await lists.show(asker, { kind: "profiles", agentId: "main", entries: [ID] });
    await lists.propose(asker, "ref", { kind: "use", agentId: "main", profileId: ID });
    const outbox = { put: () => Promise.resolve() };
    const invitations = new Invitations({ folder: join(folder, "invitations"), outbox, now });
    const { invitation } = await invitations.invite({ agentId: "main", profileId: ID }, []);
    const pending = new PendingLogins({
      folder: join(folder, "pending"),
      issuer: parseIssuer(undefined),
      now,
      randomBytes: (size) => Buffer.alloc(size, 7),
    });
    const owner = { person: "1", chat: "1" };
    const attempt = await pending.start({ ...owner, host: "telegram", agentId: "main", profileId: ID });
    expect(await pending.find(owner)).toHaveLength(1);
    const lease = new LeaseFile(join(folder, "lease"), now);
    const machine = { brokerUrl: "http://127.0.0.1:1", machineId: "m", agentId: "main" };
    await lease.turn(machine, (turn) =>
      turn.change({ label: CANARY, problem: { code: "ERR_BROKER_BUSY", message: "m", next: "n", atMs: 1 } }),
    );
    const places = [
      join(folder, "shown.json"),
      join(folder, "invitations", `${invitation.id}.json`),
      join(folder, "pending", `${attempt.id}.json`),
      join(folder, "lease", "lease.json"),
    ];
    const files = places.map((path) => ({ path, good: JSON.parse(readFileSync(path, "utf8")) as unknown }));
    const guard = new Guard("lists, invitations, sign-ins and lease");
    const one = fc.constantFrom(...files).chain(({ path, good }) => fc.tuple(fc.constant(path), damaged(good)));
    await guard.checkAsync(1_500, one, async ([path, text]) => {
      put(path, text);
      const reads = [
        () => lists.current(asker),
        () => lists.proposed(asker, "ref"),
        () => invitations.get({ agentId: "main", profileId: ID }),
        () => pending.find(owner),
        () => pending.claim(attempt.id, { ...owner, callbackText: CANARY }),
        () => lease.readAny(),
        () => lease.read(machine),
      ];
      for (const read of reads) await guard.async<unknown>(read);
      // A sign-in that is over may be swept up; nothing else is touched by a look.
      if (!path.includes("pending")) expect(readFileSync(path, "utf8")).toBe(text);
    });
  });

  it("with settings is taken or refused, with the name of the key at most", async () => {
    const guard = new Guard("settings");
    const settings = {
      telegram: { allowFrom: [4242, "7"], botToken: `1:${CANARY}`, apiRoot: "https://api.telegram.org" },
      agentId: "main",
      activation: "auto",
      restartCommand: ["systemctl", "restart", CANARY],
      allowUnattended: false,
      lease: { baseUrl: "https://broker.example", internalApiToken: CANARY, machineId: "m", autoRenew: true },
    };
    const environment = readEnvironment({ HOME: "/nowhere" });
    // A key that is not known is named on purpose; its value never is.
    const unnamed = damaged(settings).filter((text) => !new RegExp(`${CANARY.slice(0, 8)}[^"]*"\\s*:`).test(text));
    guard.check(10_000, unnamed, (text) => {
      const config = guard.sync(() => parseSettings(text, "/nowhere/config.json", environment));
      if (config === undefined) return;
      for (const id of config.telegram.allowFrom) expect(id).toMatch(/^[0-9]{1,20}$/);
      expect(new URL(config.telegram.apiRoot).protocol).toMatch(/^https?:$/);
    });
  });
});

describe("a file of OpenClaw or of the Codex CLI", () => {
  it("that we only read is refused or understood", async () => {
    const openClaw = await openClawState();
    const guard = new Guard("openclaw.json, sessions, gateway lock, login of the Codex CLI");
    const codex = join(openClaw.root, "auth.json");
    const lock = join(openClaw.root, "gateway.lock");
    const sessions = join(openClaw.root, "agents", "main", "sessions", "sessions.json");
    const config = join(openClaw.root, "openclaw.json");
    const files = [
      {
        path: config,
        good: {
          meta: { lastTouchedVersion: "2026.5.28" },
          gateway: { port: 1, auth: { mode: "token", token: CANARY } },
          agents: { list: [{ id: "main" }, { id: "helper", agentDir: "/nowhere" }] },
          auth: { order: { "openai-codex": [ID] }, profiles: { [ID]: { provider: "openai-codex", mode: "oauth" } } },
        },
      },
      {
        path: sessions,
        good: { "agent:main:main": { authProfileOverride: ID, authProfileOverrideSource: "user", text: CANARY } },
      },
      { path: lock, good: { pid: 1, createdAt: "2026-11-21T00:00:00Z", configPath: config, port: 1, startTime: 7 } },
      {
        path: codex,
        good: {
          OPENAI_API_KEY: null,
          tokens: {
            access_token: fakeAccessToken({ userId: "a", accountId: "a", expiresAtMs: 1e12 }),
            refresh_token: `rt-${CANARY}`,
            id_token: fakeIdToken({ userId: "a", accountId: "a", expiresAtMs: 1e12 }),
            account_id: "a",
          },
          last_refresh: "2026-11-20T00:00:00Z",
        },
      },
    ];
    const one = fc.constantFrom(...files).chain(({ path, good }) => fc.tuple(fc.constant(path), damaged(good)));
    const paths = { stateDir: openClaw.root, configPath: config, mainAgentDir: dirname(openClaw.path("main")) };
    await guard.checkAsync(1_200, one, async ([path, text]) => {
      put(path, text);
      const reads = [
        () => readOpenClawConfig(config),
        () => namedIn(config, ID),
        () => detectGeneration(paths),
        () => readSessionPins({ ...paths, home: openClaw.root }, "main"),
        () => readCodexLogin(codex),
        async () => {
          const found = readGatewayLock(lock);
          if (found === undefined) return;
          const judged = judgeGatewayLock(found, process.getuid?.() ?? 0, config);
          if (judged.kind !== "believed") guard.error(judged.error);
        },
      ];
      for (const read of reads) await guard.async<unknown>(read);
      expect(readFileSync(path, "utf8")).toBe(text);
    });
  });
});
