// A sandbox machine whose workers are killed: jobs with logins of its issuer, workers that die when told, and what must be true afterwards.

import { randomBytes } from "node:crypto";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, rmSync, utimesSync } from "node:fs";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished } from "vitest";
import { Executor } from "../../../src/apply/executor.ts";
import type { Job } from "../../../src/apply/job.ts";
import { Outbox } from "../../../src/apply/outbox.ts";
import { ParkedLogins, type ParkedLogin } from "../../../src/apply/parked.ts";
import { JobQueue } from "../../../src/apply/queue.ts";
import { Receipts, type Receipt } from "../../../src/apply/receipt.ts";
import { withReign } from "../../../src/apply/reign.ts";
import { IssuerSignIns } from "../../../src/chat/sign-ins.ts";
import { openClawPaths, ownPaths } from "../../../src/config/paths.ts";
import { createGateway } from "../../../src/gateway/gateway.ts";
import { detectGeneration } from "../../../src/gateway/generation.ts";
import { readHealth } from "../../../src/gateway/health.ts";
import { parseIssuer } from "../../../src/oauth/issuer.ts";
import { PendingLogins } from "../../../src/oauth/pending.ts";
import { JsonProfileStore } from "../../../src/profiles/json-store.ts";
import { isAlive } from "../../../src/sandbox/processes.ts";
import { openSandboxWorld, type SandboxWorld } from "../../../src/sandbox/world.ts";
import { fingerprint, fingerprintJson } from "../../../src/secrets/fingerprint.ts";
import { silentLog } from "../../../src/secrets/log.ts";
import { withOpenClawLock } from "../../../src/storage/openclaw-lock.ts";
import { writeJsonFile } from "../../../src/storage/json-file.ts";

const PERSON = "4242";
const WORKER = fileURLToPath(new URL("worker.mjs", import.meta.url));
const KILLER = new URL("killer.mjs", import.meta.url).href;
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
  readonly paths: ReturnType<typeof ownPaths>;
  /** How often each job's answer was handed to the chat. */
  readonly told = new Map<string, number>();
  readonly #signIns: IssuerSignIns;

  private constructor(world: SandboxWorld) {
    this.world = world;
    this.paths = ownPaths(world.stateDir);
    this.parked = new ParkedLogins({ folder: this.paths.parked, now: Date.now, randomBytes });
    this.queue = new JobQueue({ paths: this.paths, parked: this.parked, now: Date.now });
    this.receipts = new Receipts({ folder: this.paths.receipts, now: Date.now });
    this.outbox = new Outbox({ folder: this.paths.outbox, now: Date.now });
    const issuer = parseIssuer(world.issuer.origin);
    const pending = new PendingLogins({ folder: this.paths.pending, issuer, now: Date.now, randomBytes });
    this.#signIns = new IssuerSignIns({ pending, issuer, now: Date.now });
  }

  /** A machine of that shape; it goes with the test. A chat hears its outbox all the time. */
  static async open(shape: "one-file" | "two-files"): Promise<CrashWorld> {
    const world = await openSandboxWorld({ shape });
    onTestFinished(() => world.close());
    const crash = new CrashWorld(world);
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

  /** Starts a worker that dies after so many microseconds of work, or lives; gives how long it worked, where it lived. */
  async work(dieAfterUs?: number): Promise<{ readonly killed: boolean; readonly tookUs: number }> {
    this.#letLockAge();
    const env = {
      ...this.world.variables,
      ...(dieAfterUs === undefined ? {} : { CRASH_AFTER_US: String(Math.round(dieAfterUs)) }),
    };
    const child = spawn(process.execPath, ["--import", KILLER, WORKER], {
      env,
      cwd: "/",
      stdio: ["ignore", "pipe", "inherit"],
    });
    const exited = once(child, "exit") as Promise<[number | null, NodeJS.Signals | null]>;
    const [output, [code, signal]] = await Promise.all([text(child.stdout), exited]);
    if (signal === null) expect(code, "the worker's exit code").toBe(0);
    return { killed: signal === "SIGKILL", tookUs: Number(output) };
  }

  /** The same executor in this process, which is the next start of another host. */
  async workHere(): Promise<void> {
    this.#letLockAge();
    const { environment, stateDir } = this.world;
    const paths = openClawPaths(environment);
    const services = {
      queue: this.queue,
      parked: this.parked,
      receipts: this.receipts,
      outbox: this.outbox,
      store: new JsonProfileStore({
        paths,
        home: environment.home,
        generation: async () => (await detectGeneration(paths)).generation,
        corruptFolder: this.paths.corrupt,
      }),
      gateway: createGateway({
        paths,
        tmp: environment.tmp,
        uid: environment.uid,
        environment: environment.openclaw,
        limits: { startWindowMs: 1_200, restartWithinMs: 20_000, pollMs: 25 },
      }),
      now: Date.now,
      log: silentLog,
    };
    const reigning = {
      paths: ownPaths(stateDir),
      kind: "foreground",
      version: "test",
      now: Date.now,
      waitMs: 0,
    } as const;
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

  /** Nothing that was half done is left, no lock stands in OpenClaw's way, and the gateway has what the store has. */
  async assertTidy(): Promise<void> {
    const { world, paths } = this;
    expect(await this.queue.open()).toEqual([]);
    expect(readdirSync(join(paths.queue, "secrets"))).toEqual([]);
    const folder = dirname(world.storePath);
    this.#assertNoLockInTheWay();
    expect(readdirSync(folder).filter((name) => !/^auth-(profiles|state)\.json$/.test(name))).toEqual([]);
    const half = readdirSync(dirname(paths.queue), { recursive: true }).filter((name) => String(name).endsWith(".tmp"));
    expect(half).toEqual([]);
    const { profiles, order } = this.standing();
    for (const id of order ?? []) expect(Object.keys(profiles)).toContain(id);
    await this.gatewayIsBack();
    const used = await world.usedProfile();
    const access = profiles[used?.profileId ?? ""]?.["access"] ?? profiles[used?.profileId ?? ""]?.["token"];
    expect(used?.access).toBe(fingerprint(String(access)));
  }

  /** A lock of one that was killed may lie there if nothing had to be written since: it names a dead process, so OpenClaw takes it. */
  #assertNoLockInTheWay(): void {
    const lock = `${this.world.storePath}.lock`;
    if (!existsSync(lock)) return;
    const { pid } = JSON.parse(readFileSync(lock, "utf8")) as { pid: number };
    expect(isAlive(pid), "the holder of the lock").toBe(false);
    rmSync(lock);
  }

  /** The receipt of an ended job, which says what the store holds; the chat has it. */
  async assertReceipt(job: Job): Promise<Receipt> {
    const receipt = await this.receipts.get(job.id);
    if (receipt === undefined) throw new Error(`no receipt of ${job.kind}`);
    expect((await this.queue.get(job.id))?.state).toBe(receipt.outcome);
    const { profiles } = this.standing();
    const entry = profiles[job.profileId];
    for (const file of receipt.files) {
      if (file.path !== this.world.storePath) continue;
      const stands = entry === undefined ? null : fingerprintJson(entry);
      expect(stands, "what the receipt says of the store").toBe(receipt.outcome === "done" ? file.after : file.before);
    }
    // Told once, however often the job was ended; who is asked for nothing is told nothing.
    const answers = job.requestedBy === undefined ? 0 : 1;
    await expect.poll(() => this.told.get(job.id) ?? 0, { timeout: 5_000 }).toBe(answers);
    // The chat, which is this process, notes that it was told, and is done with it.
    await expect.poll(() => this.outbox.list("telegram"), { timeout: 5_000 }).toEqual([]);
    return receipt;
  }

  /** Which refresh tokens the program holds anywhere, in the store or parked. */
  async refreshTokens(): Promise<readonly string[]> {
    const stored = Object.values(this.standing().profiles).map((entry) => entry["refresh"]);
    const parked = await Promise.all((await this.parked.list()).map(({ id }) => this.parked.tokens(id)));
    const all = [...stored, ...parked.map((tokens) => tokens?.refresh.expose())];
    return all.flatMap((token) => (typeof token === "string" && token !== "" ? [token] : []));
  }
}
