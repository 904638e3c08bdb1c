// The durable queue: keeps what is to be changed as a job until an executor has ended it; a login is taken over from the parked ones.

import { join } from "node:path";
import { z } from "zod";
import { APPLY } from "../config/defaults.ts";
import type { OwnPaths } from "../config/paths.ts";
import { CodexAuthError } from "../errors.ts";
import { RecordFolder } from "../storage/record-folder.ts";
import { watchFolder } from "../storage/watch-folder.ts";
import {
  hasEnded,
  jobSchema,
  type Job,
  type LoginJob,
  type ManagedJob,
  type RemoveLeaseJob,
  type RenewJob,
  type SaveLeaseJob,
} from "./job.ts";
import { JobSecrets, type JobSecret } from "./job-secrets.ts";
import {
  jobIdOf,
  newChangeJob,
  newLoginJob,
  newRemoveLeaseJob,
  newSaveLeaseJob,
  type ChangeRequest,
  type LeaseRemoval,
  type LeaseRequest,
  type LoginRequest,
} from "./new-job.ts";
import { storeTokens, type ParkedLogins } from "./parked.ts";

/** The job of a request, and whether an earlier call had made it. */
export interface Enqueued<J extends Job> {
  readonly job: J;
  readonly existed: boolean;
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
  async enqueueLogin(request: LoginRequest): Promise<Enqueued<LoginJob>> {
    const earlier = await this.#loginJob(request.parkedId);
    if (earlier !== undefined) return { job: earlier, existed: true };
    // Before an id that somebody typed names a lock.
    if ((await this.#parked.get(request.parkedId)) === undefined) throw unknownParked();
    return this.#parked.deciding(request.parkedId, () => this.#takeOver(request));
  }

  async #takeOver(request: LoginRequest): Promise<Enqueued<LoginJob>> {
    const { parkedId } = request;
    const earlier = await this.#loginJob(parkedId);
    if (earlier !== undefined) return { job: earlier, existed: true };
    const parked = await this.#parked.get(parkedId);
    const tokens = await this.#parked.tokens(parkedId);
    if (parked === undefined || tokens === undefined) throw unknownParked();
    const job = newLoginJob(request, this.#now(), {
      expiresAtMs: parked.expiresAtMs,
      ...(parked.email === undefined ? {} : { email: parked.email }),
      ...(parked.planType === undefined ? {} : { planType: parked.planType }),
    });
    // The tokens before the job, the job before the parked entry goes: killed anywhere here, the login is in one place or both.
    const enqueued = await this.#enqueue(job, { login: storeTokens(tokens) }, async () => {
      // Whoever revokes it marks it first and looks for this secret then: one of the two sees the other.
      const now = await this.#parked.get(parkedId);
      if (now?.revokingAt !== parked.revokingAt && now !== undefined) throw beingRevoked();
    });
    // The job has the login: an entry that cannot go now is not shown as a failure, the next start drops it (`ApplyEngine.resume`).
    if (!enqueued.existed) await this.#parked.discard(parkedId).catch(() => false);
    return enqueued;
  }

  /**
   * Throws a parked login away for good, unless somebody has taken it: `job` is what has become of it then, and nothing was
   * thrown away. Neither where nothing of it is here any more.
   */
  async discardLogin(parkedId: string): Promise<{ readonly isDiscarded: boolean; readonly job?: LoginJob }> {
    if ((await this.#parked.get(parkedId)) === undefined) return this.#notDiscarded(parkedId);
    return this.#parked.deciding(parkedId, async () => {
      const taken = await this.#notDiscarded(parkedId);
      const isDiscarded = taken.job === undefined && (await this.#parked.discard(parkedId));
      return { ...taken, isDiscarded };
    });
  }

  async #notDiscarded(parkedId: string): Promise<{ readonly isDiscarded: false; readonly job?: LoginJob }> {
    const job = await this.#loginJob(parkedId);
    return { isDiscarded: false, ...(job === undefined ? {} : { job }) };
  }

  async #loginJob(parkedId: string): Promise<LoginJob | undefined> {
    const job = await this.#jobs.get(jobIdOf(parkedId));
    return job?.kind === "save-login" ? job : undefined;
  }

  /** Makes the job that saves a leased credential, without a refresh token. An older one of the profile that has not begun gives way. */
  async enqueueLeased(request: LeaseRequest): Promise<Enqueued<SaveLeaseJob>> {
    return this.#enqueue(newSaveLeaseJob(request, this.#now()), {
      leased: { access: request.credential.access.expose() },
    });
  }

  /** Makes the job that takes a leased credential out again; an entry that is anything else stays. */
  async enqueueLeaseRemoval(request: LeaseRemoval): Promise<Enqueued<RemoveLeaseJob>> {
    return this.#enqueue(newRemoveLeaseJob(request, this.#now()), {});
  }

  /** Makes the job of a confirmed change of a profile that is there. One confirmation makes one job. */
  async enqueueChange(request: ChangeRequest): Promise<Enqueued<ManagedJob | RenewJob>> {
    return this.#enqueue(newChangeJob(request, this.#now()), {});
  }

  /** One job, or undefined. */
  async get(id: string): Promise<Job | undefined> {
    return this.#jobs.get(id);
  }

  /** All jobs, oldest first; damaged files and those of a newer version are not among them. */
  async list(): Promise<readonly Job[]> {
    const { records } = await this.#jobs.scan();
    return records.toSorted(byAge);
  }

  /** The jobs that have not ended, oldest first. */
  async open(): Promise<readonly Job[]> {
    return (await this.#jobs.unsettled(hasEnded)).toSorted(byAge);
  }

  /** Names of job files that this program cannot read: left alone, shown by `doctor`. */
  async unreadable(): Promise<readonly string[]> {
    return (await this.#jobs.scan()).unreadable;
  }

  /**
   * Asks for a job to be given up; the executor does it before it writes anything, and keeps a login as parked.
   *
   * @throws CodexAuthError `ERR_JOB_UNKNOWN`, `ERR_JOB_NOT_CANCELLABLE` once the store is being written.
   */
  async cancel(id: string): Promise<Job> {
    const job = await this.#jobs.get(id);
    if (job === undefined) throw unknownJob();
    const isPresented = job.kind === "renew-login" && (job.renewal !== undefined || job.progress?.step === "renewing");
    if (isPresented || (job.state !== "queued" && job.state !== "prepared")) {
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
    const end = (): void => done.abort();
    // Not `AbortSignal.any`: each watched job would leave something for good on a signal that lives as long as the host.
    signal.addEventListener("abort", end, { once: true });
    if (signal.aborted) end();
    let last: Job | undefined;
    const look = async (): Promise<void> => {
      const job = await this.#jobs.get(id);
      if (job === undefined || JSON.stringify(job) === JSON.stringify(last)) return;
      last = job;
      onChange(job);
      if (hasEnded(job)) end();
    };
    await watchFolder(this.#jobs.folder, look, done.signal).finally(() => signal.removeEventListener("abort", end));
    if (last === undefined) throw unknownJob();
    return last;
  }

  async #enqueue<J extends Job>(job: J, secret: JobSecret, check?: () => Promise<void>): Promise<Enqueued<J>> {
    const earlier = await this.#jobs.get(job.id);
    if (earlier !== undefined && isLike(earlier, job)) return { job: earlier, existed: true };
    await this.secrets.create(job.id, secret);
    // The secret stays where this throws: another process may just be making the same job of it. Without one it is swept away.
    await check?.();
    if (await this.#jobs.create(job.id, job)) return { job, existed: false };
    const other = await this.#jobs.get(job.id);
    return { job: other !== undefined && isLike(other, job) ? other : job, existed: true };
  }

  /** An end that was killed before its last line leaves the job's tokens: nobody needs them any more. */
  async dropEndedSecrets(): Promise<void> {
    for (const job of await this.list()) if (hasEnded(job)) await this.secrets.remove(job.id);
  }

  /** Removes what ended jobs leave behind once it is old: job files, cancel requests, and secrets that belong to no job. */
  async prune(): Promise<void> {
    // The secret of a job that we cannot read is the only copy of its login: it stays with its job.
    const { records, unreadable } = await this.#jobs.scan();
    const ids = new Set(unreadable.map((name) => name.replace(/\.json$/, "")));
    for (const job of records) {
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

/** The oldest first. */
function byAge(a: Job, b: Job): number {
  return a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1);
}

/** The kind is part of what an id is made of, so jobs of one id are of one kind. */
function isLike<J extends Job>(job: Job, like: J): job is J {
  return job.kind === like.kind;
}

function unknownJob(): CodexAuthError {
  return new CodexAuthError("ERR_JOB_UNKNOWN", {
    message: "There is no such job.",
    next: "See the running and finished ones with `/codex_auth status`.",
  });
}

function beingRevoked(): CodexAuthError {
  return new CodexAuthError("ERR_REVOKE_UNCHECKED", {
    message: "Somebody is having that login revoked at this moment.",
    next: "Nothing was changed. See what became of it with `/codex_auth parked`.",
  });
}

function unknownParked(): CodexAuthError {
  return new CodexAuthError("ERR_PARKED_UNKNOWN", {
    message: "That login is not waiting here any more.",
    next: "See what is waiting with `/codex_auth parked`, or start a new login.",
  });
}
