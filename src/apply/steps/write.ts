// prepared → written (→ activated): writes each file under OpenClaw's lock, and reloads before the last lock is let go.

import { CodexAuthError, isCodexAuthError, toCodexAuthError } from "../../errors.ts";
import type { GatewayInstance } from "../../gateway/gateway.ts";
import type { OpenClawLockHold } from "../../storage/openclaw-lock.ts";
import { chooseAfterFailedReload } from "../activation.ts";
import { bringsLogin, isManaged, type Job, type LoginJob, type RenewJob } from "../job.ts";
import type { JobRun } from "../job-run.ts";
import type { ExecutorServices } from "../services.ts";
import { spent } from "./job-errors.ts";
import { isSpent } from "./overtaken.ts";
import { assertStillAllowed } from "./permission.ts";
import { valuesOf } from "./prepare.ts";
import { restartPlanFor, wantsRestart } from "./restart.ts";

const CANCEL_LOOK_MS = 500;

/**
 * Writes the plan of `run`. Where the mode is `reload` the gateway is told while the lock is still held: between a write
 * and its reload a refresh inside the gateway would put its old snapshot over ours (facts/openclaw-json-generation.md §1).
 *
 * @param isUnwritten Whether nothing of the job was written yet: only then can it still be given up or forbidden, and only before its first file.
 * @throws CodexAuthError `ERR_STORE_CONFLICT` (plan again), `ERR_CANCELLED`, `ERR_NOT_ALLOWED`, and what the lock, the disk and the reload throw.
 */
export async function write(run: JobRun, services: ExecutorServices, isUnwritten: boolean): Promise<void> {
  const { plan } = run.job;
  if (plan === undefined) throw toCodexAuthError(new TypeError("A job was to be written without a plan."));
  const values = await valuesOf(run, services);
  const cancel = isUnwritten ? watchCancel(run, services) : undefined;
  try {
    for (const [index, file] of plan.files.entries()) {
      const entry = values.get(file.path);
      if (entry === undefined) throw toCodexAuthError(new TypeError("A plan without the value of one of its files."));
      const isLast = index === plan.files.length - 1;
      let waits: Promise<void> = Promise.resolve();
      await services.store.apply(file, entry, {
        ...(cancel === undefined || index > 0 ? {} : { signal: cancel.signal }),
        beforeWrite: async () => {
          // The wait for the lock may have been long enough to take somebody off the list.
          if (!isUnwritten || index > 0) return;
          await assertStillAllowed(run.job, services);
          // A renewal of the same login may have come in between, under another name.
          if (await isSpent(run.job, services)) throw spent();
        },
        onWait: ({ waitedMs }) => {
          waits = waits.then(() => run.report("waiting-for-store", waitedMs)).catch(() => undefined);
        },
        whileLocked: async (hold) => {
          await waits;
          cancel?.stop();
          if (isLast) await activateUnderLock(run, services, hold);
          else await run.advance(run.job.state, {}, `file ${index + 1} of ${plan.files.length} written`);
        },
      });
    }
  } finally {
    cancel?.stop();
  }
}

async function activateUnderLock(run: JobRun, services: ExecutorServices, hold: OpenClawLockHold): Promise<void> {
  await run.advance("written");
  const { mode, activation } = run.job;
  // Inside the gateway the mode is never "none": there it is in force whatever was asked.
  if (mode === "restart" || (mode === "none" && activation === "none")) return;
  const location = await services.gateway.locate();
  if (mode === "none") {
    // It started while we waited for the lock, so it may have read the store before our write. One that cannot be told apart from
    // a stopped one yet is looked at again by `verify`, which may wait.
    if (location.kind !== "running") return;
    const next = wantsRestart(run.job, services) ? "restart" : "reload";
    await run.advance("written", { mode: next }, "a gateway has started meanwhile");
    if (next === "restart") return;
  }
  if (location.kind === "stopped") {
    await run.advance("activated", { mode: "none", proven: "not-running" });
    return;
  }
  if (location.kind === "refused") throw location.error;
  await run.report("reloading");
  // We promised to let go of the lock in time; a gateway that answers later than that gets the failure path.
  await reloadWithin(services, location.instance, hold.remainingMs());
  await run.advance("activated", { proven: "reloaded" });
}

/** A reload that ends while we may hold the lock. @throws CodexAuthError `ERR_GATEWAY_RPC` where it takes longer. */
export async function reloadWithin(
  services: ExecutorServices,
  instance: GatewayInstance,
  withinMs: number,
): Promise<void> {
  const late = AbortSignal.timeout(Math.max(1, Math.floor(withinMs)));
  try {
    await services.gateway.reload(instance, late);
  } catch (cause) {
    if (!late.aborted) throw cause;
    throw new CodexAuthError("ERR_GATEWAY_RPC", {
      message: "The gateway did not reload its logins in time.",
      next: "Look at how busy it is. What was received is kept: see `/codex_auth status`.",
      retryable: true,
      cause,
    });
  }
}

/** After a reload that failed: goes over to a restart where that is allowed and possible. @throws the failure otherwise. */
export async function fallBackToRestart(run: JobRun, services: ExecutorServices, failure: unknown): Promise<void> {
  const error = toCodexAuthError(failure);
  const gateway = await services.gateway.locate();
  const restart = await restartPlanFor(gateway, services);
  const choice = chooseAfterFailedReload({ asked: run.job.activation, restart }, error);
  if (choice.kind === "impossible") throw choice.error;
  services.log.warn("reload failed, restarting instead", { job: run.job.id, code: error.code });
  await run.advance("written", { mode: choice.mode }, `reload failed (${error.code})`);
}

/** True for an error that decides nothing about its job: it stays as it is on disk, for the next executor. */
export function leavesJob(error: unknown): boolean {
  return endsReign(error) || isCodexAuthError(error, "ERR_PERMISSION_UNKNOWN");
}

/** True for the error that ends the executor, not the job: whatever it does next is the business of another one. */
export function endsReign(error: unknown): boolean {
  return isCodexAuthError(error, "ERR_EXECUTOR_FENCED");
}

/** Looks for a cancel request while we wait for a lock; stopped before the first byte is written, also a look under way. */
export function watchCancel(run: JobRun, services: ExecutorServices): { readonly signal: AbortSignal; stop(): void } {
  const controller = new AbortController();
  let isWatching = true;
  const timer = setInterval(() => {
    services.queue.isCancelRequested(run.job.id).then(
      (asked) => {
        if (asked && isWatching) controller.abort(cancelled(run.job));
      },
      () => undefined,
    );
  }, CANCEL_LOOK_MS);
  return {
    signal: controller.signal,
    stop: () => {
      isWatching = false;
      clearInterval(timer);
    },
  };
}

function nextForLogin(job: LoginJob | RenewJob): string {
  return job.kind === "save-login"
    ? "The login is kept: see `/codex_auth parked`."
    : "Ask for it again when you want it; the login is as it was.";
}

/** The error of a job that its person gave up. */
export function cancelled(job: Job): CodexAuthError {
  const next = isManaged(job) ? "Ask for it again when you want it." : "The lease itself is as it was.";
  return new CodexAuthError("ERR_CANCELLED", {
    message: "The change was given up before anything was written.",
    next: bringsLogin(job) ? nextForLogin(job) : next,
  });
}
