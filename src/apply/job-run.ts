// One job in the hands of the executor: every change of it goes through here, fenced and on disk before the effect that follows.

import { toCodexAuthError } from "../errors.ts";
import type { Job, JobPatch, JobProgress, JobState, Problem } from "./job.ts";
import type { JobQueue } from "./queue.ts";
import type { Reign } from "./reign.ts";

/** A job while an executor works on it. */
export class JobRun {
  readonly #queue: JobQueue;
  readonly #reign: Reign;
  readonly #now: () => number;
  #job: Job;

  constructor(job: Job, options: { readonly queue: JobQueue; readonly reign: Reign; readonly now: () => number }) {
    this.#job = job;
    this.#queue = options.queue;
    this.#reign = options.reign;
    this.#now = options.now;
  }

  /** The job as it is on disk. */
  get job(): Job {
    return this.#job;
  }

  /** Takes the job over: from here on it carries our epoch, and says so where another executor had begun it. */
  async takeOver(): Promise<void> {
    const isResumed = this.#job.state !== "queued" && this.#job.epoch !== this.#reign.epoch;
    await this.update({ epoch: this.#reign.epoch, interrupted: this.#job.interrupted || isResumed });
  }

  /** Moves the job to `state` with a line in its journal. @throws CodexAuthError `ERR_EXECUTOR_FENCED`. */
  async advance(state: JobState, patch: JobPatch = {}, note?: string): Promise<void> {
    const entry = { state, at: this.#now(), epoch: this.#reign.epoch, ...(note === undefined ? {} : { note }) };
    await this.update({ ...patch, state, journal: [...this.#job.journal, entry] });
  }

  /** Changes facts of the job without moving it. @throws CodexAuthError `ERR_EXECUTOR_FENCED`. */
  async update(patch: JobPatch): Promise<void> {
    await this.#reign.assertMine();
    const next: Job = { ...this.#job, ...patch };
    await this.#queue.save(next);
    this.#job = next;
  }

  /** Tells onlookers what is going on. */
  async report(step: JobProgress["step"], waitMs?: number): Promise<void> {
    await this.update({ progress: { step, at: this.#now(), ...(waitMs === undefined ? {} : { waitMs }) } });
  }
}

/** `error` in the form that is kept. */
export function problemOf(error: unknown): Problem {
  const { code, message, next } = toCodexAuthError(error);
  return { code, message, next };
}
