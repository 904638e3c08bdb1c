// rolling-back → its end: puts the targets' earlier entries back inside today's store, and makes the gateway use them again.

import type { CodexAuthError } from "../../errors.ts";
import { toCodexAuthError } from "../../errors.ts";
import { isChange } from "../../profiles/store.ts";
import { isManaged, type Job, type JobPatch, type Problem } from "../job.ts";
import { problemOf, type JobRun } from "../job-run.ts";
import type { ExecutorServices } from "../services.ts";
import { valuesOf } from "./prepare.ts";
import { restartFor, type RestartOutcome } from "./restart.ts";
import { settle } from "./settle.ts";
import { holdsOurs, isRenewed } from "./overtaken.ts";
import { reloadWithin } from "./write.ts";

/**
 * What is in the store after an undo. `undone`: the earlier entry, or somebody's newer one. `standing`: still our login, or what the
 * gateway made of it. `unknown`: it cannot be read.
 */
type Remains = "undone" | "standing" | "unknown";

/**
 * Undoes what the jobs of `runs` wrote, the newest first since a later one saw the earlier as what was there, with one restart for
 * all. An entry that is not ours any more stays: whoever wrote it since has a newer token than we could put back (a consumed refresh
 * token revokes its whole family, facts/codex-oauth.md §0.3). What goes wrong here is told, not thrown: the jobs end either way.
 */
export async function rollBack(runs: readonly JobRun[], services: ExecutorServices): Promise<void> {
  const ends: { readonly run: JobRun; readonly remains: Remains; readonly failure: CodexAuthError | undefined }[] = [];
  for (const run of runs.toReversed()) {
    await run.report("rolling-back");
    // Begun outside, and taken over by the plugin: inside the gateway nothing is restarted.
    if (services.gateway.isInside === true && run.job.mode === "restart") await run.update({ mode: "reload" });
    const failure = await undo(run, services);
    ends.push({ run, failure, remains: await remainsOf(run, services) });
  }
  const isToRestart = runs.some((run) => run.job.mode === "restart");
  const restart = isToRestart ? await restartFor(runs, services) : undefined;
  const location = await services.gateway.locate();
  // One that cannot be told apart is not said to have stopped: nobody is to start a second one.
  const gateway = location.kind === "refused" ? {} : { gatewayAfter: location.kind };
  for (const { run, remains, failure } of ends) {
    await run.update({ ...shownBy(restart, run.job, remains), ...gateway });
    await end(run, remains, failure === undefined ? run.job.problem : problemOf(failure), services);
  }
}

/** What the restart of an undo shows; what an earlier one had shown, that of an executor that was killed here among them, counts no more. */
function shownBy(restart: RestartOutcome | undefined, { kind, mode }: Job, remains: Remains): JobPatch {
  switch (restart?.kind) {
    case undefined:
      return {};
    case "restarted":
      return { proven: "restarted", healthyAfterMs: restart.durationMs, isRestartOwed: false };
    case "not-running":
      return { proven: "not-running", isRestartOwed: false };
    case "failed": {
      // Where it is not known that the earlier value is there to be read, a restart could put the other one into use.
      const isRestartOwed = mode === "restart" && remains === "undone" && kind !== "renew-login";
      return { proven: "unproven", isRestartOwed };
    }
  }
}

async function end(
  run: JobRun,
  remains: Remains,
  problem: Problem | undefined,
  services: ExecutorServices,
): Promise<void> {
  const told = problem === undefined ? {} : { problem };
  // A login that is still in the store is not parked: the same refresh token in two places logs both out.
  if (remains === "standing") await settle(run, { outcome: "done", ...told }, services);
  // What was removed and perhaps is not back is kept: rather twice than not at all.
  else if (run.job.kind === "remove-profile" && remains === "unknown")
    await settle(run, { outcome: "rolled-back", park: "removed", ...told }, services);
  else await settle(run, { outcome: "rolled-back", park: "rolled-back", ...told }, services);
}

async function undo(run: JobRun, services: ExecutorServices): Promise<CodexAuthError | undefined> {
  // What a renewal replaced is spent: back in the store it would end the login that came for it (design, decision 8).
  if (run.job.kind === "renew-login") return undefined;
  try {
    const hasReloaded = await undoFiles(run, services);
    if (reloads(run) && !hasReloaded) {
      const location = await services.gateway.locate();
      if (location.kind === "running") await services.gateway.reload(location.instance);
    }
    return undefined;
  } catch (error) {
    services.log.error("rollback incomplete", error, { job: run.job.id });
    return toCodexAuthError(error);
  }
}

/** Puts each file's earlier value back, the last one with a reload under its lock; tells whether that reload was made. */
async function undoFiles(run: JobRun, services: ExecutorServices): Promise<boolean> {
  const values = await valuesOf(run, services);
  const files = (run.job.plan?.files ?? []).toReversed();
  let hasReloaded = false;
  for (const [index, file] of files.entries()) {
    const entry = values.get(file.path);
    if (entry === undefined || (await services.store.check(file)) !== "after") continue;
    const isLast = index === files.length - 1;
    await services.store.undo(file, entry, {
      whileLocked: async (hold) => {
        const location = isLast && reloads(run) ? await services.gateway.locate() : undefined;
        if (location?.kind !== "running") return;
        await reloadWithin(services, location.instance, hold.remainingMs());
        hasReloaded = true;
      },
    });
  }
  return hasReloaded;
}

/** A gateway that was not there when the job was prepared may have come since and read what is undone now. */
function reloads({ job }: JobRun): boolean {
  return job.mode === "reload" || (job.mode === "none" && job.activation !== "none");
}

async function remainsOf(run: JobRun, services: ExecutorServices): Promise<Remains> {
  try {
    if (isManaged(run.job)) return (await stands(run.job, services)) ? "standing" : "undone";
    const owner = run.job.plan?.files.find(({ role }) => role === "owner");
    if (owner === undefined) return "undone";
    if ((await services.store.check(owner)) === "after" && owner.before !== owner.after) return "standing";
    return (await holdsOurs(run.job, services)) || (await isRenewed(run.job, services)) ? "standing" : "undone";
  } catch {
    return "unknown";
  }
}

async function stands({ plan }: Job, { store }: ExecutorServices): Promise<boolean> {
  for (const file of plan?.files ?? []) if (isChange(file) && (await store.check(file)) === "after") return true;
  return false;
}
