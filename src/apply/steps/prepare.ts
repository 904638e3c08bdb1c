// queued → prepared: works the change out against today's store and decides how the gateway will hear of it; writes no store.

import {
  exposeValues,
  readValues,
  type EntryValues,
  type FileChange,
  type PlannedChange,
} from "../../profiles/store.ts";
import { canonicalJson } from "../../secrets/fingerprint.ts";
import { chooseActivation } from "../activation.ts";
import type { JobSecret } from "../job-secrets.ts";
import type { JobRun } from "../job-run.ts";
import type { ExecutorServices } from "../services.ts";
import { noSecret } from "./job-errors.ts";
import { restartPlanFor, wantsRestart } from "./restart.ts";
import { locateSettled } from "./settled.ts";
import { wishOf } from "./wish.ts";

/** Plans the job of `run` and journals the plan. @throws CodexAuthError where it cannot be carried out at all. */
export async function prepare(run: JobRun, services: ExecutorServices): Promise<void> {
  const { job } = run;
  const secret = await secretOf(run, services);
  const snapshot = await services.store.read(job.agentId, { forChange: true });
  const wish = await wishOf({ job, secret, snapshot, services });
  if (wish.kind === "nothing") return run.advance("verified", { mode: "none", note: wish.note });
  // A renewal comes here with the locks in hand, and must be written whatever the gateway is doing.
  const isRenewal = job.kind === "renew-login";
  const location = isRenewal ? await services.gateway.locate() : await locateSettled(run, services);
  const restart = wantsRestart(job, services) ? await restartPlanFor(location, services) : undefined;
  const isInside = services.gateway.isInside === true;
  const choice = chooseActivation({ asked: job.activation, gateway: location, restart, isInside });
  if (choice.kind === "impossible" && !isRenewal) throw choice.error;
  const mode = choice.kind === "impossible" ? "reload" : choice.mode;
  if (wish.kind === "as-planned") return run.advance("prepared", { mode });
  const { plan, values } = keepEarlier(wish.planned, run, secret);
  await services.queue.secrets.put(job.id, { ...secret, values: exposeValues(values) });
  await run.advance("prepared", {
    plan,
    mode,
    ...(wish.order === undefined ? {} : { order: wish.order }),
    removedCopies: plan.files.filter(isRemovedCopy).map((file) => file.agentId),
  });
}

/** A second copy goes, so that main's is inherited; where the profile gets another name, it gets it too. */
function isRemovedCopy({ role, renameTo }: FileChange): boolean {
  return role === "copy" && renameTo === undefined;
}

/** The job's secret. @throws CodexAuthError `ERR_JOB_SECRET_MISSING`. */
async function secretOf(run: JobRun, services: ExecutorServices): Promise<JobSecret> {
  const secret = await services.queue.secrets.get(run.job.id);
  if (secret === undefined) throw noSecret();
  return secret;
}

/** The values of the job's plan. */
export async function valuesOf(run: JobRun, services: ExecutorServices): Promise<PlannedChange["values"]> {
  return readValues((await secretOf(run, services)).values);
}

/**
 * A plan made anew after some file was already written sees our own value as the earlier one there.
 * What an undo would put back is the value from before the first plan, so that one is kept.
 */
function keepEarlier(planned: PlannedChange, run: JobRun, secret: JobSecret): PlannedChange {
  const earlier = run.job.plan;
  if (earlier === undefined || secret.values === undefined) return planned;
  const earlierValues = readValues(secret.values);
  const values = new Map<string, EntryValues>(planned.values);
  const files = planned.plan.files.map((file) => {
    const old = earlier.files.find((candidate) => candidate.path === file.path);
    const oldValues = earlierValues.get(file.path);
    if (old === undefined || oldValues === undefined || old.after !== file.before || old.after === old.before)
      return file;
    values.set(file.path, { next: values.get(file.path)?.next ?? null, previous: oldValues.previous });
    // The order is ours to take back only where it is still the one we wrote.
    const isOurOrder = canonicalJson(old.orderAfter) === canonicalJson(file.orderBefore);
    return { ...file, before: old.before, orderBefore: isOurOrder ? old.orderBefore : file.orderBefore };
  });
  return { plan: { ...planned.plan, files }, values };
}
