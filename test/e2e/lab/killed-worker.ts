// Our own worker, as every host starts it, killed beside a lab's gateway; the chat that asked is heard by the test.

import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync, readFileSync, utimesSync } from "node:fs";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { Outbox } from "../../../src/apply/outbox.ts";
import { ParkedLogins } from "../../../src/apply/parked.ts";
import { JobQueue } from "../../../src/apply/queue.ts";
import { Receipts } from "../../../src/apply/receipt.ts";
import { ownPaths, type OwnPaths } from "../../../src/config/paths.ts";
import { storePath, type OpenClawHome } from "./home.ts";

const WORKER = fileURLToPath(new URL("../../../dist/hosts/worker/main.js", import.meta.url));
const DIE = new URL("die-after.mjs", import.meta.url).href;

type Entry = Readonly<Record<string, unknown>>;

/** What lies in OpenClaw's files. */
export interface Stored {
  readonly profiles: Readonly<Record<string, Entry>>;
  readonly order: readonly string[] | undefined;
}

/** The queue of one home, and workers for it. */
export class KilledWorker {
  readonly paths: OwnPaths;
  readonly queue: JobQueue;
  readonly parked: ParkedLogins;
  readonly receipts: Receipts;
  readonly outbox: Outbox;
  readonly #home: OpenClawHome;
  readonly #personId: string;

  constructor(home: OpenClawHome, personId: string) {
    this.#home = home;
    this.#personId = personId;
    this.paths = ownPaths(home.stateDir);
    const now = Date.now;
    this.parked = new ParkedLogins({ folder: this.paths.parked, now, randomBytes });
    this.queue = new JobQueue({ paths: this.paths, parked: this.parked, now });
    this.receipts = new Receipts({ folder: this.paths.receipts, now });
    this.outbox = new Outbox({ folder: this.paths.outbox, now });
  }

  /** Has a worker work; it dies after so many microseconds, or ends every open job. Gives what it took where it lived. */
  async work(dieAfterUs = 0): Promise<number | undefined> {
    // The lock of a dead executor is stale after a while; the clock of its folder is put back instead of waiting.
    const lock = join(this.paths.queue, "executor.json.lock");
    if (existsSync(lock)) utimesSync(lock, 0, 0);
    const { home, tmp, stateDir, configPath } = this.#home;
    const env = {
      PATH: process.env["PATH"],
      HOME: home,
      TMPDIR: tmp,
      OPENCLAW_STATE_DIR: stateDir,
      OPENCLAW_CONFIG_PATH: configPath,
      CODEX_AUTH_ALLOW_FROM: this.#personId,
      DIE_AFTER_US: String(Math.round(dieAfterUs)),
    };
    const child = spawn(process.execPath, ["--import", DIE, WORKER], {
      env,
      cwd: "/",
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [output] = await Promise.all([text(child.stdout), once(child, "exit")]);
    if (child.signalCode === "SIGKILL") return undefined;
    if (child.exitCode !== 0) throw new Error(`the worker ended with ${child.exitCode ?? child.signalCode}`);
    return Number(output);
  }

  /** What OpenClaw's files hold. @throws where one is torn. */
  stored(): Stored {
    const path = storePath(this.#home);
    const store = read(path);
    const orders = {
      ...(store["order"] as object),
      ...(read(join(dirname(path), "auth-state.json"))["order"] as object),
    };
    return {
      profiles: store["profiles"] as Stored["profiles"],
      order: (orders as Record<string, readonly string[]>)["openai-codex"],
    };
  }

  /** Hands every waiting answer to the chat; tells of which receipts they are. */
  async hear(): Promise<readonly string[]> {
    const heard: string[] = [];
    for (const { id, content } of await this.outbox.list("telegram")) {
      if (content.kind === "receipt") heard.push(content.receiptId);
      await this.outbox.delivered(id);
    }
    return heard;
  }
}

function read(path: string): Entry {
  return existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as Entry) : {};
}
