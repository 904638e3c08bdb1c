// A machine whose gateway dies in the middle of a job, as far as our plugin's executor is concerned: one bare process with OpenClaw's
// code in it after another, each of which takes over from the dead one, and then dies in its turn.

import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync, utimesSync } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { Outbox } from "../../../src/apply/outbox.ts";
import { ParkedLogins } from "../../../src/apply/parked.ts";
import { JobQueue } from "../../../src/apply/queue.ts";
import { Receipts } from "../../../src/apply/receipt.ts";
import { ownPaths, type OwnPaths } from "../../../src/config/paths.ts";
import { openClawEnvironment, type InstalledOpenClaw } from "./install.ts";

const PEER = fileURLToPath(new URL("killed-plugin-peer.mjs", import.meta.url));

type Entry = Readonly<Record<string, unknown>>;

/** OpenClaw's shared store. */
export interface SharedStore {
  readonly profiles: Readonly<Record<string, Entry>>;
  readonly order?: Readonly<Record<string, readonly string[]>>;
  readonly usageStats?: Readonly<Record<string, Entry>>;
}

/** How a drain ends: when it is to die, and whether the gateway's reload fails. */
export interface Drain {
  readonly afterUs?: number;
  readonly atChange?: number;
  readonly reloadFails?: boolean;
}

/** What a drain took, where the process lived through it. */
export interface Drained {
  readonly tookUs: number;
  readonly changes: number;
}

/** One process with OpenClaw's code in it. */
class Peer {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #answers: AsyncIterator<string>;
  readonly exited: Promise<unknown>;
  #noise = "";

  constructor(openclaw: InstalledOpenClaw, stateDir: string) {
    const env = { ...openClawEnvironment(openclaw), HOME: stateDir, OPENCLAW_STATE_DIR: stateDir, TMPDIR: stateDir };
    this.#child = spawn(openclaw.node, [PEER, openclaw.folder, stateDir], { env, stdio: "pipe" });
    this.exited = once(this.#child, "exit");
    this.#child.stdin.on("error", () => undefined);
    this.#child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#noise = `${this.#noise}${text}`.slice(-4_000);
    });
    this.#answers = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  /** The answer; undefined where the process was killed before it gave one. @throws where it is an error, or the process ended otherwise. */
  async ask<T>(command: Entry): Promise<T | undefined> {
    this.#child.stdin.write(`${JSON.stringify(command)}\n`);
    for (;;) {
      const { value, done } = await this.#answers.next();
      if (done === true) {
        await this.exited;
        if (this.#child.signalCode === "SIGKILL") return undefined;
        throw new Error(`the peer is gone: ${this.#noise}`);
      }
      // OpenClaw logs to the same stream.
      if (!value.startsWith('{"ok":') && !value.startsWith('{"code":')) continue;
      const { ok, code, message } = JSON.parse(value) as { ok?: T; code?: string; message?: string };
      if (code !== undefined) throw new Error(`${code}: ${message ?? ""}`);
      return ok;
    }
  }

  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.exited;
  }
}

/** The machine. */
export class KilledPlugin {
  readonly stateDir: string;
  readonly paths: OwnPaths;
  readonly queue: JobQueue;
  readonly parked: ParkedLogins;
  readonly receipts: Receipts;
  readonly outbox: Outbox;
  readonly #openclaw: InstalledOpenClaw;
  #now: Peer;
  /** Loaded ahead: that takes by far the longest. */
  #next: Peer;

  private constructor(openclaw: InstalledOpenClaw, stateDir: string) {
    this.#openclaw = openclaw;
    this.stateDir = stateDir;
    this.paths = ownPaths(stateDir);
    const now = Date.now;
    this.parked = new ParkedLogins({ folder: this.paths.parked, now, randomBytes });
    this.queue = new JobQueue({ paths: this.paths, parked: this.parked, now });
    this.receipts = new Receipts({ folder: this.paths.receipts, now });
    this.outbox = new Outbox({ folder: this.paths.outbox, now });
    [this.#now, this.#next] = [new Peer(openclaw, stateDir), new Peer(openclaw, stateDir)];
  }

  /** One with this in its shared store. */
  static async open(openclaw: InstalledOpenClaw, store: SharedStore): Promise<KilledPlugin> {
    const stateDir = await mkdtemp(join(tmpdir(), "codex-auth-killed-"));
    await mkdir(join(stateDir, "agents", "main", "agent"), { recursive: true, mode: 0o700 });
    const machine = new KilledPlugin(openclaw, stateDir);
    await machine.put(store);
    return machine;
  }

  /** Ends every open job; undefined where the process died of it, and the next one is there. */
  async drain(how: Drain = {}): Promise<Drained | undefined> {
    // The lock of a dead executor is stale after a while; the clock of its folder is put back instead of waiting.
    const lock = join(this.paths.queue, "executor.json.lock");
    if (existsSync(lock)) utimesSync(lock, 0, 0);
    const drained = await this.#now.ask<Drained>({ do: "drain", ...how });
    if (drained !== undefined) return drained;
    [this.#now, this.#next] = [this.#next, new Peer(this.#openclaw, this.stateDir)];
    return undefined;
  }

  /** The shared store, read under OpenClaw's own lock. */
  async store(): Promise<SharedStore> {
    return this.#sure<SharedStore>({ do: "store" });
  }

  /** OpenClaw itself writes; @throws where something keeps it out. */
  async put(store: Partial<SharedStore>): Promise<void> {
    if (!(await this.#sure<boolean>({ do: "put", store }))) throw new Error("OpenClaw was kept out of its own store");
  }

  async stop(): Promise<void> {
    await Promise.all([this.#now.kill(), this.#next.kill()]);
    await rm(this.stateDir, { recursive: true, force: true, maxRetries: 5 });
  }

  async #sure<T>(command: Entry): Promise<T> {
    const answer = await this.#now.ask<T>(command);
    if (answer === undefined) throw new Error("the peer was killed");
    return answer;
  }
}
