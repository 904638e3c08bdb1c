// Progress of jobs: one message per job, edited as the job moves, never more often than the chat can bear.

import { setTimeout as delay } from "node:timers/promises";
import { hasEnded, type Job } from "../apply/job.ts";
import type { Log } from "../secrets/log.ts";
import type { Outgoing } from "./conversation.ts";
import type { Reply } from "./reply.ts";
import { took } from "./time-words.ts";

/** What a {@link ProgressBoard} is made of. */
export interface ProgressOptions {
  readonly watch: (id: string, onChange: (job: Job) => void, signal: AbortSignal) => Promise<Job>;
  /** The least time between two edits of one message, in milliseconds. */
  readonly everyMs: number;
  readonly log: Log;
}

/** How one job is shown. */
export interface Follow {
  readonly job: Job;
  readonly messageId: string;
  readonly out: Pick<Outgoing, "edit">;
  readonly render: (job: Job, trail: readonly string[]) => Reply;
}

interface Shown {
  readonly stop: AbortController;
  readonly done: Promise<void>;
}

/** The jobs whose progress this process shows. The final answer is not its business: that comes through the outbox. */
export class ProgressBoard {
  readonly #options: ProgressOptions;
  readonly #shown = new Map<string, Shown>();
  /** Jobs whose message could not be edited, by the id of the message that took its place. */
  readonly #moved = new Map<string, string>();
  #isClosed = false;

  constructor(options: ProgressOptions) {
    this.#options = options;
  }

  /** Shows the progress of a job until it ends; once per job, however often it is asked for. */
  follow(follow: Follow): void {
    const { id } = follow.job;
    if (this.#shown.has(id) || this.#isClosed) return;
    const stop = new AbortController();
    const done = this.#run(follow, stop.signal)
      .catch((error: unknown) => this.#options.log.error("chat.progress", error, { job: id }))
      .finally(() => this.#shown.delete(id));
    this.#shown.set(id, { stop, done });
  }

  /**
   * Shows the last known step at once and ends: after this the final answer may take the place of the message.
   * Gives the id of that message where it is not the one that the job names.
   */
  async settled(jobId: string): Promise<string | undefined> {
    const shown = this.#shown.get(jobId);
    shown?.stop.abort();
    await shown?.done;
    return this.#moved.get(jobId);
  }

  /** Resolves when no job is being shown. */
  async idle(): Promise<void> {
    while (this.#shown.size > 0) await Promise.all([...this.#shown.values()].map(({ done }) => done));
  }

  /** Stops showing; the jobs go on. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const { stop } of this.#shown.values()) stop.abort();
    await this.idle();
  }

  async #run(follow: Follow, stop: AbortSignal): Promise<void> {
    const trail = [...trailOf(follow.job)];
    let latest = follow.job;
    let wake: (() => void) | undefined;
    const ended = new AbortController();
    const watching = this.#watch(follow.job.id, stop, (job) => {
      latest = job;
      for (const word of trailOf(job)) if (trail.at(-1) !== word) trail.push(word);
      wake?.();
    }).finally(() => {
      ended.abort();
      wake?.();
    });
    let shown = "";
    let { messageId } = follow;
    while (!ended.signal.aborted || shown !== viewOf(latest, trail)) {
      if (shown === viewOf(latest, trail)) {
        await new Promise<void>((resolve) => (wake = resolve));
        continue;
      }
      shown = viewOf(latest, trail);
      messageId = await this.#edit(follow, messageId, follow.render(latest, trail));
      // A short life needs no rest: what comes last is shown at once.
      await delay(this.#options.everyMs, undefined, { signal: ended.signal }).catch(() => undefined);
    }
    await watching;
    if (messageId !== follow.messageId) this.#moved.set(follow.job.id, messageId);
  }

  async #watch(id: string, stop: AbortSignal, onChange: (job: Job) => void): Promise<void> {
    try {
      await this.#options.watch(id, onChange, stop);
    } catch (error) {
      // Stopped before the first look: there was nothing to see, and nothing is wrong.
      if (!stop.aborted) throw error;
    }
  }

  /** A chat that cannot be reached misses a step of progress, not the job and not its answer. */
  async #edit(follow: Follow, messageId: string, reply: Reply): Promise<string> {
    try {
      return await follow.out.edit(messageId, reply);
    } catch (error) {
      this.#options.log.error("chat.progress.edit", error, { job: follow.job.id });
      return messageId;
    }
  }
}

/** What of a job the message shows: an edit is due when this changes. */
function viewOf(job: Job, trail: readonly string[]): string {
  return JSON.stringify([trail, canCancel(job)]);
}

/** What there is to say about where a job stands. */
export function trailOf(job: Job): readonly string[] {
  if (job.progress === undefined) return job.state === "queued" ? ["queued"] : [];
  return [stepWords(job.progress, job.healthyAfterMs)];
}

/** True while the job has changed nothing yet and may be given up. */
export function canCancel(job: Job): boolean {
  // A token that is being presented cannot be called back.
  if (job.kind === "renew-login" && (job.renewal !== undefined || job.progress?.step === "renewing")) return false;
  return !hasEnded(job) && (job.state === "queued" || job.state === "prepared");
}

function stepWords(progress: NonNullable<Job["progress"]>, healthyAfterMs: number | undefined): string {
  const forUpTo = progress.waitMs === undefined ? "" : ` (up to ${took(progress.waitMs)})`;
  switch (progress.step) {
    case "waiting-for-store":
      return `waiting for OpenClaw to let go of its store${forUpTo}`;
    case "renewing":
      return "asking the sign-in server";
    case "writing":
      return "writing";
    case "reloading":
      return "reloading";
    case "waiting-for-start-window":
      return `waiting until the gateway may be restarted${forUpTo}`;
    case "stopping":
      return "stopping";
    case "starting":
      return "starting";
    case "healthy":
      return healthyAfterMs === undefined ? "healthy" : `healthy in ${took(healthyAfterMs)}`;
    case "checking":
      return "checking";
    case "rolling-back":
      return "putting the earlier value back";
    default:
      return progress.step satisfies never;
  }
}
