// The apply domain as a host sees it: the queue, what is parked, what was done, what is to be told, and a way to get work going.

import { APPLY } from "../config/defaults.ts";
import type { OwnPaths } from "../config/paths.ts";
import type { Job } from "./job.ts";
import { jobIdOf } from "./new-job.ts";
import type { JobQueue } from "./queue.ts";
import type { Outbox } from "./outbox.ts";
import type { ParkedLogins } from "./parked.ts";
import type { Receipt, Receipts } from "./receipt.ts";
import { readExecutor } from "./reign.ts";

/** What an {@link ApplyEngine} is made of. */
export interface ApplyEngineOptions {
  readonly parked: ParkedLogins;
  readonly queue: JobQueue;
  readonly receipts: Receipts;
  readonly outbox: Outbox;
  readonly paths: OwnPaths;
  readonly now: () => number;
  /** Starts a worker that outlives this process. */
  readonly launch: () => Promise<void>;
}

/** What is being done and what was done; no job is in both, and none is missing because it ended while this was read. */
export interface Overview {
  /** The jobs under way, oldest first. */
  readonly jobs: readonly Job[];
  /** The newest receipts, newest first. */
  readonly receipts: readonly Receipt[];
}

/** Gives hosts and chat the durable parts, and starts executors. */
export class ApplyEngine {
  readonly parked: ParkedLogins;
  readonly queue: JobQueue;
  readonly receipts: Receipts;
  readonly outbox: Outbox;
  readonly #paths: OwnPaths;
  readonly #now: () => number;
  readonly #launch: () => Promise<void>;

  constructor(options: ApplyEngineOptions) {
    this.parked = options.parked;
    this.queue = options.queue;
    this.receipts = options.receipts;
    this.outbox = options.outbox;
    this.#paths = options.paths;
    this.#now = options.now;
    this.#launch = options.launch;
  }

  /** Makes sure that an executor is at work; call it after each new job. */
  async kick(): Promise<void> {
    await this.#launch();
  }

  /**
   * What is under way, and the newest `limit` of what was done. A job is told before its last line is written, so whoever
   * reads "saved" and asks at once would find it under way as well (seen in CI, 22 November): a job with a receipt is over.
   */
  async overview(limit: number): Promise<Overview> {
    // In this order: a job that ends in between has its receipt by then.
    const open = await this.queue.open();
    const receipts = await this.receipts.list(Number.POSITIVE_INFINITY);
    const begun = new Map(receipts.map(({ id, startedAt }) => [id, startedAt]));
    return {
      jobs: open.filter(({ id, createdAt }) => begun.get(id) !== createdAt),
      receipts: receipts.slice(0, limit),
    };
  }

  /** Whether an executor is at work, or was until a moment ago; for onlookers, it decides nothing. */
  async isExecutorAlive(): Promise<boolean> {
    // A record that cannot be read is no sign of life: the next executor writes it anew.
    const executor = await readExecutor(this.#paths).catch(() => undefined);
    // A clock that was set back must not make a dead executor look alive for days.
    return executor !== undefined && Math.abs(this.#now() - executor.heartbeat) <= APPLY.executorSilentMs;
  }

  /** Starts a worker where jobs have waited for a while and nobody is at work: the one that was started for them was killed. */
  async rescue(): Promise<boolean> {
    const open = await this.queue.open();
    const isOld = open.some((job) => this.#now() - job.createdAt > APPLY.executorSilentMs);
    if (!isOld || (await this.isExecutorAlive())) return false;
    await this.#launch();
    return true;
  }

  /** Takes up what an earlier process left: call it at the start of every host. Tells how many jobs go on. */
  async resume(): Promise<number> {
    await this.#dropTakenOver();
    await this.queue.dropEndedSecrets();
    const open = await this.queue.open();
    if (open.length > 0) await this.#launch();
    return open.length;
  }

  /** An enqueue that was killed between its job and the parked entry leaves both; the job has the login. */
  async #dropTakenOver(): Promise<void> {
    for (const login of await this.parked.list()) {
      const job = await this.queue.get(jobIdOf(login.id)).catch(() => undefined);
      if (job !== undefined) await this.parked.discard(login.id);
    }
  }
}
