// The durable queue: takes a received login over from the parked ones and keeps it as a job until an executor has ended it.

import { createHash } from "node:crypto";
import { join } from "node:path";
import { z } from "zod";
import { APPLY } from "../config/defaults.ts";
import type { OwnPaths } from "../config/paths.ts";
import { CodexAuthError } from "../errors.ts";
import { RecordFolder } from "../storage/record-folder.ts";
import { watchFolder } from "../storage/watch-folder.ts";
import { hasEnded, jobSchema, type Activation, type Address, type Job } from "./job.ts";
import { JobSecrets } from "./job-secrets.ts";
import { storeTokens, type ParkedLogins } from "./parked.ts";

/** What a person decided about a parked login. */
export interface LoginRequest {
  readonly parkedId: string;
  readonly agentId: string;
  readonly profileId: string;
  /**
   * Fingerprint of what the profile held when the person decided (`none` = nothing); absent where nobody was shown it. Somebody
   * else's login that came there since is not replaced by a decision about another one.
   */
  readonly previewed?: string;
  /** Put the profile first in the order. */
  readonly makeFirst: boolean;
  readonly activation: Activation;
  readonly requestedBy: Address;
}

const cancelSchema = z.object({ at: z.number() });

/** The jobs of this machine. After its creation only the executor writes a job's file. */
export class JobQueue {
  readonly secrets: JobSecrets;
  readonly #jobs: RecordFolder<Job>;
  readonly #cancels: RecordFolder<z.infer<typeof cancelSchema>>;
  readonly #parked: ParkedLogins;
  readonly #now: () => number;

  constructor(options: { readonly paths: OwnPaths; readonly parked: ParkedLogins; readonly now: () => number }) {
    this.#jobs = new RecordFolder(join(options.paths.queue, "jobs"), jobSchema);
    this.#cancels = new RecordFolder(join(options.paths.queue, "cancel"), cancelSchema);
    this.secrets = new JobSecrets(join(options.paths.queue, "secrets"));
    this.#parked = options.parked;
    this.#now = options.now;
  }

  /**
   * Makes the job that saves a parked login. One parked login makes one job, however often this is called.
   *
   * @throws CodexAuthError `ERR_PARKED_UNKNOWN` where the login was already discarded.
   */
  async enqueueLogin(request: LoginRequest): Promise<{ readonly job: Job; readonly existed: boolean }> {
    const id = jobIdOf(request.parkedId);
    const earlier = await this.#jobs.get(id);
    if (earlier !== undefined) return { job: earlier, existed: true };
    const parked = await this.#parked.get(request.parkedId);
    const tokens = await this.#parked.tokens(request.parkedId);
    if (parked === undefined || tokens === undefined) throw unknownParked();
    const job = newJob(id, request, this.#now(), {
      expiresAtMs: parked.expiresAtMs,
      ...(parked.email === undefined ? {} : { email: parked.email }),
      ...(parked.planType === undefined ? {} : { planType: parked.planType }),
    });
    // The tokens before the job, the job before the parked entry goes: killed anywhere here, the login is in one place or both.
    await this.secrets.create(id, { login: storeTokens(tokens) });
    const created = await this.#jobs.create(id, job);
    if (!created) return { job: (await this.#jobs.get(id)) ?? job, existed: true };
    await this.#parked.discard(request.parkedId);
    return { job, existed: false };
  }

  /** One job, or undefined. */
  async get(id: string): Promise<Job | undefined> {
    return this.#jobs.get(id);
  }

  /** All jobs, oldest first; damaged files and those of a newer version are not among them. */
  async list(): Promise<readonly Job[]> {
    const { records } = await this.#jobs.scan();
    return records.toSorted((a, b) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1));
  }

  /** The jobs that have not ended, oldest first. */
  async open(): Promise<readonly Job[]> {
    return (await this.list()).filter((job) => !hasEnded(job));
  }

  /** Names of job files that this program cannot read: left alone, shown by `doctor`. */
  async unreadable(): Promise<readonly string[]> {
    return (await this.#jobs.scan()).unreadable;
  }

  /**
   * Asks for a job to be given up; the executor does it before it writes anything, and keeps the login as parked.
   *
   * @throws CodexAuthError `ERR_JOB_UNKNOWN`, `ERR_JOB_NOT_CANCELLABLE` once the store is being written.
   */
  async cancel(id: string): Promise<Job> {
    const job = await this.#jobs.get(id);
    if (job === undefined) throw unknownJob();
    if (job.state !== "queued" && job.state !== "prepared") {
      throw new CodexAuthError("ERR_JOB_NOT_CANCELLABLE", {
        message: hasEnded(job) ? "That job has already ended." : "That job is already being written.",
        next: "Look at it with `/codex_auth status`.",
      });
    }
    await this.#cancels.create(id, { at: this.#now() });
    return job;
  }

  /** Whether somebody asked for the job to be given up. */
  async isCancelRequested(id: string): Promise<boolean> {
    return (await this.#cancels.get(id)) !== undefined;
  }

  /** Writes a job's file; for the executor alone, which has checked that it still reigns. */
  async save(job: Job): Promise<void> {
    await this.#jobs.put(job.id, job);
  }

  /** Calls `onChange` for each new state or progress of a job; resolves with the ended job, or as it was when `signal` aborted. */
  async watch(id: string, onChange: (job: Job) => void, signal: AbortSignal): Promise<Job> {
    const done = new AbortController();
    let last: Job | undefined;
    await watchFolder(
      this.#jobs.folder,
      async () => {
        const job = await this.#jobs.get(id);
        if (job === undefined || JSON.stringify(job) === JSON.stringify(last)) return;
        last = job;
        onChange(job);
        if (hasEnded(job)) done.abort();
      },
      AbortSignal.any([signal, done.signal]),
    );
    if (last === undefined) throw unknownJob();
    return last;
  }

  /** Removes what ended jobs leave behind once it is old: job files, cancel requests, and secrets that belong to no job. */
  async prune(): Promise<void> {
    // The secret of a job that we cannot read is the only copy of its login: it stays with its job.
    const ids = new Set((await this.unreadable()).map((name) => name.replace(/\.json$/, "")));
    for (const job of await this.list()) {
      const isOld = hasEnded(job) && this.#now() - (job.journal.at(-1)?.at ?? job.createdAt) > APPLY.endedJobTtlMs;
      if (!isOld) ids.add(job.id);
      else await this.#jobs.remove(job.id);
      if (hasEnded(job)) {
        await this.#cancels.remove(job.id);
        await this.secrets.remove(job.id);
      }
    }
    await Promise.all([this.#jobs.sweep(), this.#cancels.sweep(), this.secrets.sweep(ids, this.#now())]);
  }
}

/** The one job that a parked login can become. */
export function jobIdOf(parkedId: string): string {
  return `job-${createHash("sha256").update(`save-login\0${parkedId}`).digest("hex").slice(0, 16)}`;
}

function newJob(id: string, request: LoginRequest, at: number, login: Job["login"]): Job {
  return {
    schemaVersion: 1,
    id,
    kind: "save-login",
    createdAt: at,
    agentId: request.agentId,
    profileId: request.profileId,
    makeFirst: request.makeFirst,
    ...(request.previewed === undefined ? {} : { previewed: request.previewed }),
    activation: request.activation,
    requestedBy: request.requestedBy,
    parkedId: request.parkedId,
    login,
    state: "queued",
    epoch: 0,
    repairs: 0,
    interrupted: false,
    journal: [{ state: "queued", at, epoch: 0 }],
  };
}

function unknownJob(): CodexAuthError {
  return new CodexAuthError("ERR_JOB_UNKNOWN", {
    message: "There is no such job.",
    next: "See the running and finished ones with `/codex_auth status`.",
  });
}

function unknownParked(): CodexAuthError {
  return new CodexAuthError("ERR_PARKED_UNKNOWN", {
    message: "That login is not waiting here any more.",
    next: "See what is waiting with `/codex_auth parked`, or start a new login.",
  });
}
