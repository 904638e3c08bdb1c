// The state machine: takes every open job from where it stands on disk to its end, killed and resumed at any line.

import { APPLY } from "../config/defaults.ts";
import { isCodexAuthError, toCodexAuthError } from "../errors.ts";
import { isChange } from "../profiles/store.ts";
import { bringsLogin, hasEnded } from "./job.ts";
import { jobFor } from "./job-ids.ts";
import { JobRun, problemOf } from "./job-run.ts";
import type { ParkedLogin } from "./parked.ts";
import type { Reign } from "./reign.ts";
import type { ExecutorServices } from "./services.ts";
import { holdsOurs, isOvertaken } from "./steps/overtaken.ts";
import { assertStillAllowed } from "./steps/permission.ts";
import { prepare } from "./steps/prepare.ts";
import { hasCome, renew, writeRenewal } from "./steps/renew.ts";
import { restartUnlessDone, stayInside } from "./steps/restart.ts";
import { rollBack } from "./steps/roll-back.ts";
import { againId, settle } from "./steps/settle.ts";
import { planForToday } from "./steps/taken-over.ts";
import { verify } from "./steps/verify.ts";
import { cancelled, endsReign, fallBackToRestart, leavesJob, write } from "./steps/write.ts";

/**
 * States, and what leads out of each:
 * - `queued`: nothing is decided; {@link prepare} plans, finds nothing to do, or the job is given up (a login is parked).
 * - `prepared`: the plan is on disk, the store may or may not hold it; {@link write} makes it hold, and reloads.
 * - `written`: the store holds it, the gateway may not; a reload again, or the restart that all such jobs share.
 * - `activated`: the gateway was told; {@link verify} compares, sends back where the store was written back or a gateway has come.
 * - `verified`: {@link settle} tells everybody and ends it.
 * - `rolling-back`: {@link rollBack} undoes all such jobs together, the newest first, and ends them.
 */
export class Executor {
  readonly #services: ExecutorServices;
  readonly #reign: Reign;

  constructor(services: ExecutorServices, reign: Reign) {
    this.#services = services;
    this.#reign = reign;
  }

  /**
   * Ends every open job, those that come meanwhile included; gives how many it ended.
   *
   * @throws the error of a job that cannot be ended now, after all others have been worked on.
   */
  async drain(): Promise<number> {
    try {
      const ended = await this.#endOpenJobs();
      await this.#tidy();
      return ended;
    } catch (error) {
      if (!endsReign(error)) await this.#tidy();
      throw error;
    }
  }

  async #endOpenJobs(): Promise<number> {
    let ended = 0;
    for (;;) {
      const open = await this.#services.queue.open();
      if (open.length === 0) return ended;
      const { queue, now, store } = this.#services;
      const runs = open.map((job) => new JobRun(jobFor(job, store.provider), { queue, reign: this.#reign, now }));
      const failures = new Map<JobRun, unknown>();
      // One after the other: each plan rests on what the one before has written.
      const each = async (work: (run: JobRun) => Promise<void>): Promise<void> => {
        for (const run of runs) {
          if (failures.has(run)) continue;
          try {
            await work(run);
          } catch (error) {
            if (endsReign(error)) throw error;
            this.#services.log.error("job failed", error, { job: run.job.id, state: run.job.state });
            failures.set(run, error);
          }
        }
      };
      await each((run) => run.takeOver());
      await each((run) => planForToday(run, this.#services));
      await each((run) => stayInside(run, this.#services));
      await each((run) => this.#endSuperseded(run, runs));
      await each((run) => this.#advance(run, runs));
      await this.#restartOnce(runs.filter((run) => !failures.has(run) && run.job.state === "written"));
      await each((run) => this.#advance(run, runs));
      const undoing = runs.filter((run) => !failures.has(run) && run.job.state === "rolling-back");
      if (undoing.length > 0) await rollBack(undoing, this.#services);
      ended += runs.filter((run) => hasEnded(run.job)).length;
      const [failure] = failures.values();
      if (failure !== undefined) throw toCodexAuthError(failure);
    }
  }

  /** Removes what is old, when the jobs are done: nobody is to wait for that, and whatever stands in its way must not stand in the way of a job. */
  async #tidy(): Promise<void> {
    const { queue, receipts, parked, outbox, log } = this.#services;
    const forgetRotations = async (): Promise<unknown> => this.#services.renewal?.rotations.prune();
    const sweeps = [() => parked.sweep(), () => outbox.sweep()];
    for (const work of [() => queue.prune(), () => receipts.prune(), ...sweeps, forgetRotations]) {
      await work().catch((error: unknown) => log.error("tidy", error));
    }
  }

  /** Takes one job as far as it gets by itself: to its end, to the restart that it shares, or to the undo that it shares. */
  async #advance(run: JobRun, runs: readonly JobRun[]): Promise<void> {
    const waits = (): boolean =>
      run.job.state === "rolling-back" ||
      (run.job.state === "written" && run.job.mode === "restart") ||
      mustWait(run, runs);
    while (!hasEnded(run.job) && !waits()) {
      try {
        await this.#step(run);
      } catch (error) {
        if (leavesJob(error)) throw error;
        await this.#recover(run, error);
      }
    }
  }

  async #step(run: JobRun): Promise<void> {
    const services = this.#services;
    switch (run.job.state) {
      case "queued":
        await this.#assertWanted(run);
        return run.job.kind === "renew-login" ? renew(run, services) : prepare(run, services);
      case "prepared":
        await this.#assertWanted(run);
        await run.report("writing");
        if (run.job.kind === "renew-login") return writeRenewal(run, services);
        return write(run, services, !(await this.#wroteAnything(run)));
      case "written":
        if (run.job.mode === "none") return run.advance("activated");
        // Killed between the write and its reload: both again, the write finds itself done.
        if (run.job.kind === "renew-login") return writeRenewal(run, services);
        return write(run, services, false);
      case "activated":
        return verify(run, services);
      case "verified":
        return settle(run, { outcome: "done" }, services);
      case "rolling-back":
      case "done":
      case "rolled-back":
      case "parked":
      case "cancelled":
      case "failed":
        return;
    }
  }

  /** One restart for all jobs that wait for it. */
  async #restartOnce(runs: readonly JobRun[]): Promise<void> {
    const waiting = runs.filter((run) => run.job.mode === "restart");
    if (waiting.length === 0) return;
    const writtenAt = Math.max(
      ...waiting.map((run) => run.job.journal.findLast((entry) => entry.state === "written")?.at ?? 0),
    );
    const outcome = await restartUnlessDone(waiting, writtenAt, this.#services);
    for (const run of waiting) {
      if (outcome.kind === "already")
        await run.advance("activated", { proven: "restarted" }, "the gateway had already restarted");
      else if (outcome.kind === "failed") await run.advance("rolling-back", { problem: problemOf(outcome.error) });
      else if (outcome.kind === "not-running") await run.advance("activated", { mode: "none", proven: "not-running" });
      else await run.advance("activated", { proven: "restarted", healthyAfterMs: outcome.durationMs });
    }
  }

  /** Decides what an error of a step means for its job: plan again, restart instead, undo, or keep the login parked. */
  async #recover(run: JobRun, error: unknown): Promise<void> {
    const { state, mode } = run.job;
    this.#services.log.error("step failed", error, { job: run.job.id, state });
    const isBefore = state === "queued" || state === "prepared";
    // Locks are let go after the write, and after what the gateway was told: what became of the store meanwhile is looked at next.
    if (isCodexAuthError(error, "ERR_LOCK_LOST") && (state === "activated" || hasEnded(run.job))) return;
    if (await this.#mayTellLater(run, error)) return;
    if (
      isCodexAuthError(error, "ERR_STORE_CONFLICT", "ERR_LOCK_LOST") &&
      (isBefore || (state === "written" && mode === "reload"))
    ) {
      // To plan again over our own login that the gateway has renewed meanwhile would put a consumed token back.
      // A renewal that was never written has not been renewed any further: what lies there is somebody else's, and ours is kept.
      const wasWritten = run.job.kind !== "renew-login" || run.job.journal.some((entry) => entry.state === "written");
      if (run.job.plan !== undefined && wasWritten && (await isOvertaken(run.job, this.#services).catch(() => false))) {
        return run.advance("activated", {}, "a later value of the profile has come meanwhile");
      }
      if (this.#replans(run) < APPLY.replanAttempts) return run.advance("queued", {}, "planned again");
    }
    if (isBefore && !(await this.#wroteAnything(run))) {
      return this.#giveUp(run, error);
    }
    let failure = error;
    if (mode === "reload" && (state === "written" || isCodexAuthError(error, "ERR_RELOAD_NOT_SEEN"))) {
      try {
        return await fallBackToRestart(run, this.#services, error);
      } catch (second) {
        if (endsReign(second)) throw second;
        failure = second;
      }
    }
    // An end that fails again would loop: it is left for the next executor.
    if (state === "verified") throw toCodexAuthError(failure);
    const problem = problemOf(failure);
    const isRenewal = run.job.kind === "renew-login";
    await run.advance("rolling-back", { problem: isRenewal ? { ...problem, next: RESTART_FIRST } : problem });
  }

  /** A renewal that is written, and a gateway that is just starting: it is told a little later, without the locks in hand. */
  async #mayTellLater(run: JobRun, error: unknown): Promise<boolean> {
    const { kind, state, repairs } = run.job;
    if (kind !== "renew-login" || state !== "written" || repairs >= APPLY.repairAttempts) return false;
    if (!isCodexAuthError(error, "ERR_GATEWAY_STARTING", "ERR_GATEWAY_DISAGREES")) return false;
    await run.update({ repairs: repairs + 1 });
    return true;
  }

  /** Ends a job that has written nothing. There is nothing to park of a leased credential: the broker leases it again. */
  async #giveUp(run: JobRun, error: unknown): Promise<void> {
    const problem = run.job.renewal === undefined ? problemOf(error) : { ...problemOf(error), next: TAKE_IT };
    if (isCodexAuthError(error, "ERR_CANCELLED"))
      await settle(run, { outcome: "cancelled", park: "cancelled", problem }, this.#services);
    else if (await this.#holdsLogin(run))
      await settle(run, { outcome: "parked", park: parkReason(error), problem }, this.#services);
    else await settle(run, { outcome: "failed", problem }, this.#services);
  }

  /** Whether the job has tokens that nobody else has: those of a renewal only once they have come. */
  async #holdsLogin({ job }: JobRun): Promise<boolean> {
    if (!bringsLogin(job)) return false;
    if (job.kind === "save-login" || (await hasCome(job, this.#services))) return true;
    return (await this.#services.parked.get(againId(job))) !== undefined;
  }

  /**
   * Ends a leased credential that has not begun where a newer one for the same profile waits too: otherwise they pile up while
   * nothing can be carried out.
   */
  async #endSuperseded(run: JobRun, runs: readonly JobRun[]): Promise<void> {
    const { kind, state, plan, agentId, profileId } = run.job;
    if (kind !== "save-lease" || state !== "queued" || plan !== undefined) return;
    const newer = runs.slice(runs.indexOf(run) + 1).map(({ job }) => job);
    for (const job of newer) {
      if (job.kind !== kind || job.agentId !== agentId || job.profileId !== profileId) continue;
      if (await this.#services.queue.isCancelRequested(job.id)) continue;
      await run.update({ note: "A newer leased credential took its place." });
      return settle(run, { outcome: "cancelled" }, this.#services);
    }
  }

  /** @throws CodexAuthError `ERR_CANCELLED`, `ERR_NOT_ALLOWED` or `ERR_PERMISSION_UNKNOWN`, where nothing of the job was written. */
  async #assertWanted(run: JobRun): Promise<void> {
    const { job } = run;
    // What has come for a presented token is stored, whatever anybody wants by now: nobody else has it.
    if (await hasCome(job, this.#services)) return;
    try {
      if (await this.#services.queue.isCancelRequested(job.id)) throw cancelled(job);
      await assertStillAllowed(job, this.#services);
    } catch (error) {
      if (!(await this.#wroteAnything(run))) throw error;
    }
  }

  /** Whether some file holds what the job writes; a store that cannot be read does not show it. */
  async #wroteAnything(run: JobRun): Promise<boolean> {
    for (const file of run.job.plan?.files ?? []) {
      if (!isChange(file)) continue;
      const holding = await this.#services.store.check(file).catch(() => "unknown" as const);
      if (holding === "after") return true;
    }
    return run.job.plan !== undefined && (await holdsOurs(run.job, this.#services).catch(() => false));
  }

  #replans(run: JobRun): number {
    return run.job.journal.filter((entry) => entry.note === "planned again").length;
  }
}

/**
 * Whether a renewal has to wait for an older job about its profile: that one may still write what it brings once more, and would then
 * write what the renewal has used up.
 */
function mustWait({ job }: JobRun, runs: readonly JobRun[]): boolean {
  if (job.kind !== "renew-login" || job.state !== "queued") return false;
  const older = runs.slice(
    0,
    runs.findIndex((one) => one.job.id === job.id),
  );
  return older.some((one) => one.job.profileId === job.profileId && !hasEnded(one.job));
}

/** What to do about a renewal that is in the store, and that the gateway could not be told of. */
const RESTART_FIRST =
  "Restart the gateway now: until then it has the old refresh token, and would end this login by using it.";
/** What to do about a renewal that did not get into the store, whose login there is used up. */
const TAKE_IT = "The renewed login is kept, and the one in the store is used up: look at it with `/codex_auth parked`.";

/** Why the login of a job that wrote nothing waits now. */
function parkReason(error: unknown): ParkedLogin["reason"] {
  return isCodexAuthError(error, "ERR_RENEWAL_OTHER_ACCOUNT") ? "other-identity" : "store-failed";
}
