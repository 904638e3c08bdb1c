// A sandbox machine whose workers are killed: jobs with logins of its issuer, workers that die when told, and what must be true afterwards.

import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, utimesSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished } from "vitest";
import { Executor } from "../../../src/apply/executor.ts";
import { Outbox } from "../../../src/apply/outbox.ts";
import { ParkedLogins, type ParkedLogin } from "../../../src/apply/parked.ts";
import { JobQueue } from "../../../src/apply/queue.ts";
import { Receipts } from "../../../src/apply/receipt.ts";
import { withReign } from "../../../src/apply/reign.ts";
import { Rotations } from "../../../src/apply/rotations.ts";
import { IssuerSignIns } from "../../../src/chat/sign-ins.ts";
import { loadConfig } from "../../../src/config/config.ts";
import { ownPaths } from "../../../src/config/paths.ts";
import { readHealth } from "../../../src/gateway/health.ts";
import { renewalOf } from "../../../src/hosts/renewal.ts";
import { buildParts } from "../../../src/hosts/services.ts";
import { parseIssuer } from "../../../src/oauth/issuer.ts";
import { PendingLogins } from "../../../src/oauth/pending.ts";
import { openSandboxWorld, type SandboxWorld } from "../../../src/sandbox/world.ts";
import { silentLog } from "../../../src/secrets/log.ts";
import { withOpenClawLock } from "../../../src/storage/openclaw-lock.ts";
import { writeJsonFile } from "../../../src/storage/json-file.ts";
import { WarmWorkers, type Worked } from "./warm-workers.ts";

const PERSON = "4242";
const WORKER = fileURLToPath(new URL("worker.mjs", import.meta.url));
const PROVIDER = "openai-codex";
/** Whoever asks; a message of theirs is to be answered. */
export const REQUESTED_BY = { host: "telegram", chatId: PERSON, personId: PERSON };

/** One entry of a store. */
type Entry = Readonly<Record<string, unknown>>;

/** What lies in OpenClaw's files. */
export interface Standing {
  readonly profiles: Readonly<Record<string, Entry>>;
  readonly order: readonly string[] | undefined;
  /** Everything else in both files. */
  readonly rest: string;
}

/** The machine of one test, with a gateway that runs all the time. */
export class CrashWorld {
  readonly world: SandboxWorld;
  readonly queue: JobQueue;
  readonly parked: ParkedLogins;
  readonly receipts: Receipts;
  readonly outbox: Outbox;
  readonly rotations: Rotations;
  readonly paths: ReturnType<typeof ownPaths>;
  /** How often each job's answer was handed to the chat. */
  readonly told = new Map<string, number>();
  readonly #signIns: IssuerSignIns;
  readonly #workers: WarmWorkers;

  private constructor(world: SandboxWorld) {
    this.world = world;
    this.paths = ownPaths(world.stateDir);
    this.parked = new ParkedLogins({ folder: this.paths.parked, now: Date.now, randomBytes });
    this.queue = new JobQueue({ paths: this.paths, parked: this.parked, now: Date.now });
    this.receipts = new Receipts({ folder: this.paths.receipts, now: Date.now });
    this.outbox = new Outbox({ folder: this.paths.outbox, now: Date.now });
    this.rotations = new Rotations({ folder: this.paths.rotations, now: Date.now });
    this.#workers = new WarmWorkers({ module: WORKER, env: world.variables });
    const issuer = parseIssuer(world.issuer.origin);
    const pending = new PendingLogins({ folder: this.paths.pending, issuer, now: Date.now, randomBytes });
    this.#signIns = new IssuerSignIns({ pending, issuer, now: Date.now });
  }

  /** A machine of that shape; it goes with the test. A chat hears its outbox all the time. */
  static async open(shape: "one-file" | "two-files"): Promise<CrashWorld> {
    const world = await openSandboxWorld({ shape });
    onTestFinished(() => world.close());
    const crash = new CrashWorld(world);
    onTestFinished(() => crash.#workers.stop());
    const stop = new AbortController();
    const hearing = crash.outbox.watch(
      "telegram",
      async ({ content }) => {
        if (content.kind === "receipt") crash.told.set(content.receiptId, (crash.told.get(content.receiptId) ?? 0) + 1);
        return true;
      },
      stop.signal,
    );
    onTestFinished(async () => {
      stop.abort();
      await hearing;
    });
    return crash;
  }

  /** Signs somebody in at the sandbox issuer and parks what comes; a new family of tokens each time. */
  async signIn(profileId: string, email: string): Promise<ParkedLogin> {
    const asker = { ...REQUESTED_BY, host: "telegram", botId: "1", private: true, hasButtons: true } as const;
    const { url } = await this.#signIns.start(asker, { agentId: "main", profileId, forceSignIn: false });
    const address = this.world.issuer.approve(url, email, email.startsWith("ada") ? "acct-ada" : undefined);
    const { exchange } = await this.#signIns.claim(asker, address, profileId);
    const { tokens, identity } = await exchange();
    const found = { email, ...(identity === undefined ? {} : { identity }) };
    return this.parked.put(
      {
        agentId: "main",
        profileId,
        reason: "first-login",
        expiresAtMs: tokens.expiresAtMs,
        requestedBy: REQUESTED_BY,
        ...found,
      },
      tokens,
    );
  }

  /** What the store holds now. @throws where a file is torn. */
  standing(): Standing {
    const read = (path: string) => (existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as Entry) : {});
    const { profiles, ...store } = read(this.world.storePath);
    const state = read(join(dirname(this.world.storePath), "auth-state.json"));
    const orders = { ...(store["order"] as object), ...(state["order"] as object) } as Record<
      string,
      readonly string[]
    >;
    const rest = JSON.stringify([
      { ...store, order: undefined, usageStats: undefined },
      { ...state, order: undefined, usageStats: undefined },
    ]);
    return { profiles: profiles as Record<string, Entry>, order: orders[PROVIDER], rest };
  }

  /** Has a worker work that dies after so many microseconds, or lives; gives how long it worked, where it lived. */
  async work(dieAfterUs?: number): Promise<Worked> {
    this.#letLockAge();
    return this.#workers.work(dieAfterUs);
  }

  /** The same executor in this process, which is the next start of another host. */
  async workHere(): Promise<void> {
    this.#letLockAge();
    const { environment } = this.world;
    const parts = buildParts({
      environment,
      config: await loadConfig(this.paths.config, environment),
      log: silentLog,
      launch: () => Promise.resolve(),
      limits: { startWindowMs: 1_200, restartWithinMs: 20_000, pollMs: 25 },
    });
    const { queue, parked, receipts, outbox } = this;
    const { store, gateway, now, log } = parts;
    const services = { queue, parked, receipts, outbox, store, gateway, renewal: renewalOf(parts), now, log };
    const reigning = { paths: this.paths, kind: "foreground", version: "test", now, waitMs: 0 } as const;
    await withReign(reigning, (reign) => new Executor(services, reign).drain());
  }

  /** The lock of a dead executor is stale after a while; the clock of its folder is put back instead of waiting. */
  #letLockAge(): void {
    const lock = join(this.paths.queue, "executor.json.lock");
    if (existsSync(lock)) utimesSync(lock, 0, 0);
  }

  /** Waits until the gateway answers again: a worker that was killed in a restart must not leave it down. */
  async gatewayIsBack(): Promise<void> {
    await expect
      .poll(() => readHealth(this.world.port), { timeout: 15_000, interval: 10 })
      .toMatchObject({ ready: true });
  }

  /** The sign-in server takes so long for its next answer; what was asked is done when it is asked. */
  answersLate(ms: number): void {
    const { issuer } = this.world;
    const asked = issuer.presentations().length;
    const late = async (): Promise<void> => {
      for (let tries = 0; issuer.presentations().length === asked && tries < 400; tries += 1) await delay(5);
      await delay(ms);
    };
    issuer.faults.next({ kind: "slow", until: late() });
  }

  /** The sign-in server answers as usual again. */
  answersAtOnce(): void {
    while (this.world.issuer.faults.take() !== undefined);
  }

  /** The gateway presents a stored refresh token and keeps what it gets, as it does when an access token runs out. */
  async refreshAsGateway(profileId: string): Promise<void> {
    const { world } = this;
    await withOpenClawLock(world.storePath, async () => {
      const store = JSON.parse(readFileSync(world.storePath, "utf8")) as { profiles: Record<string, Entry> };
      const entry = store.profiles[profileId] ?? {};
      const answer = await fetch(`${world.issuer.origin}/oauth/token`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({
          client_id: "app_EMoamEEZ73f0CkXaXp7hrann",
          grant_type: "refresh_token",
          refresh_token: entry["refresh"],
        }),
      });
      const tokens = (await answer.json()) as { access_token: string; refresh_token: string; expires_in: number };
      expect(answer.status, JSON.stringify(tokens)).toBe(200);
      store.profiles[profileId] = {
        ...entry,
        access: tokens.access_token,
        refresh: tokens.refresh_token,
        expires: Date.now() + tokens.expires_in * 1_000,
      };
      await writeJsonFile(world.storePath, store);
    });
  }

  /** Which refresh tokens the program holds anywhere, in the store or parked. */
  async refreshTokens(): Promise<readonly string[]> {
    const stored = Object.values(this.standing().profiles).map((entry) => entry["refresh"]);
    const parked = await Promise.all((await this.parked.list()).map(({ id }) => this.parked.tokens(id)));
    const all = [...stored, ...parked.map((tokens) => tokens?.refresh.expose())];
    return all.flatMap((token) => (typeof token === "string" && token !== "" ? [token] : []));
  }
}
