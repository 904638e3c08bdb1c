// An OpenClaw state folder with two Codex logins, and an executor over it: what the tests of apply/ start from.

import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Executor } from "../../src/apply/executor.ts";
import { Outbox } from "../../src/apply/outbox.ts";
import { ParkedLogins, type LoginTokens, type ParkedLogin } from "../../src/apply/parked.ts";
import type { LoginRequest } from "../../src/apply/new-job.ts";
import { JobQueue } from "../../src/apply/queue.ts";
import { Receipts } from "../../src/apply/receipt.ts";
import { withReign } from "../../src/apply/reign.ts";
import type { ExecutorServices } from "../../src/apply/services.ts";
import { readEnvironment } from "../../src/config/env.ts";
import { openClawPaths, ownPaths } from "../../src/config/paths.ts";
import { JsonProfileStore } from "../../src/profiles/json-store.ts";
import { silentLog } from "../../src/secrets/log.ts";
import { Secret } from "../../src/secrets/secret.ts";
import { GatewayPort } from "./gateway-port.ts";
import { fakeAccessToken, fakeRefreshToken } from "./jwt.ts";

const DAY = 86_400_000;
export const REQUESTED_BY = { host: "telegram", chatId: "4242", personId: "4242", messageId: "7" };

/** The entry of a login in the store. */
export function storedLogin(name: string, expiresAtMs = Date.now() + DAY) {
  const owner = {
    email: `${name}@example.com`,
    userId: `user-${name}`,
    accountId: `account-${name}`,
    planType: "plus",
    expiresAtMs,
  };
  return {
    type: "oauth",
    provider: "openai-codex",
    access: fakeAccessToken(owner),
    refresh: fakeRefreshToken(),
    expires: expiresAtMs,
    email: owner.email,
    note: "a field of somebody else",
  };
}

/** Tokens as an issuer would have given them to `name`. */
export function receivedTokens(name: string, expiresAtMs = Date.now() + 10 * DAY): LoginTokens {
  const owner = {
    email: `${name}@example.com`,
    userId: `user-${name}`,
    accountId: `account-${name}`,
    planType: "plus",
    expiresAtMs,
  };
  return { access: Secret.of(fakeAccessToken(owner)), refresh: Secret.of(fakeRefreshToken()), expiresAtMs };
}

/** Lays out the state folder below `folder`; `more` goes to the executor besides. */
export function applyWorld(folder: string, more: Pick<ExecutorServices, "mayStill" | "renewal"> = {}) {
  const stateDir = join(folder, ".openclaw");
  const storePath = join(stateDir, "agents", "main", "agent", "auth-profiles.json");
  mkdirSync(dirname(storePath), { recursive: true, mode: 0o700 });
  const profiles = {
    "openai-codex:alice": storedLogin("alice"),
    "openai-codex:bob": storedLogin("bob"),
    "anthropic:x": { type: "api_key", provider: "anthropic", key: "k" },
  };
  writeFileSync(storePath, JSON.stringify({ version: 1, profiles, custom: { kept: true } }, null, 2), { mode: 0o600 });
  const environment = readEnvironment({ HOME: folder, OPENCLAW_STATE_DIR: stateDir });
  const paths = ownPaths(stateDir);
  const parked = new ParkedLogins({ folder: paths.parked, now: Date.now, randomBytes });
  const gateway = new GatewayPort(storePath);
  // Jobs of one millisecond have no order, and where fsync is free two are asked for within one.
  let last = 0;
  const ticking = (): number => (last = Math.max(Date.now(), last + 1));
  const services: ExecutorServices = {
    parked,
    queue: new JobQueue({ paths, parked, now: ticking }),
    receipts: new Receipts({ folder: paths.receipts, now: Date.now }),
    outbox: new Outbox({ folder: paths.outbox, now: Date.now }),
    store: new JsonProfileStore({ paths: openClawPaths(environment), home: folder }),
    gateway,
    now: Date.now,
    log: silentLog,
    ...more,
  };
  return {
    ...services,
    gateway,
    services,
    paths,
    storePath,
    readStore: () =>
      JSON.parse(readFileSync(storePath, "utf8")) as {
        profiles: Record<string, Record<string, unknown>>;
        order?: Record<string, string[]>;
      },
    /** Parks a login and makes it a job. */
    enqueue: async (tokens: LoginTokens, request: Partial<LoginRequest> = {}, login: Partial<ParkedLogin> = {}) => {
      const profileId = request.profileId ?? "openai-codex:carol";
      const entry = await parked.put(
        {
          agentId: "main",
          profileId,
          reason: "first-login",
          expiresAtMs: tokens.expiresAtMs,
          requestedBy: REQUESTED_BY,
          ...login,
        },
        tokens,
      );
      const all: LoginRequest = {
        parkedId: entry.id,
        agentId: "main",
        profileId,
        makeFirst: true,
        activation: "auto",
        requestedBy: REQUESTED_BY,
        ...request,
      };
      return (await services.queue.enqueueLogin(all)).job;
    },
    /** Executes everything that is open. */
    drain: () =>
      withReign({ paths, kind: "foreground", version: "test", now: Date.now, waitMs: 5_000 }, (reign) =>
        new Executor(services, reign).drain(),
      ),
  };
}
