// rolling-back → rolled-back: puts the target's earlier entry back inside today's store and makes the gateway use it again.

import { toCodexAuthError } from "../../errors.ts";
import { problemOf, type JobRun } from "../job-run.ts";
import type { ExecutorServices } from "../services.ts";
import { valuesOf } from "./prepare.ts";
import { restartFor } from "./restart.ts";
import { settle } from "./settle.ts";

/**
 * Undoes what the job wrote. An entry that is not ours any more stays: whoever wrote it since has a newer token than we
 * could put back (a consumed refresh token revokes its whole family, facts/codex-oauth.md §0.3). What goes wrong here is
 * told, not thrown: the job ends either way and its login stays parked.
 */
export async function rollBack(run: JobRun, services: ExecutorServices): Promise<void> {
  await run.report("rolling-back");
  try {
    await undoFiles(run, services);
    if (run.job.mode === "restart") await restartFor([run], services);
  } catch (error) {
    services.log.error("rollback incomplete", error, { job: run.job.id });
    await run.update({ problem: problemOf(toCodexAuthError(error)) });
  }
  const location = await services.gateway.locate();
  await run.update({ gatewayAfter: location.kind === "running" ? "running" : "stopped" });
  const { problem } = run.job;
  await settle(
    run,
    { outcome: "rolled-back", park: "rolled-back", ...(problem === undefined ? {} : { problem }) },
    services,
  );
}

async function undoFiles(run: JobRun, services: ExecutorServices): Promise<void> {
  const values = await valuesOf(run, services);
  const files = (run.job.plan?.files ?? []).toReversed();
  for (const [index, file] of files.entries()) {
    const entry = values.get(file.path);
    if (entry === undefined || (await services.store.check(file)) !== "after") continue;
    const isLast = index === files.length - 1;
    await services.store.undo(file, entry, {
      whileLocked: async (hold) => {
        if (!isLast || run.job.mode !== "reload") return;
        const location = await services.gateway.locate();
        if (location.kind !== "running") return;
        await services.gateway.reload(
          location.instance,
          AbortSignal.timeout(Math.max(1, Math.floor(hold.remainingMs()))),
        );
      },
    });
  }
}
