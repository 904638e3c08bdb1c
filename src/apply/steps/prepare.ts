// queued → prepared: works the change out against today's store and decides how the gateway will hear of it; writes no store.

import { setTimeout as delay } from "node:timers/promises";
import { APPLY } from "../../config/defaults.ts";
import { CodexAuthError } from "../../errors.ts";
import type { GatewayLocation } from "../../gateway/gateway.ts";
import { orderAfterSave } from "../../profiles/order.ts";
import { CODEX_PROVIDER, openCredential } from "../../profiles/profile.ts";
import { isSameLogin } from "../../profiles/same-login.ts";
import { exposeValues, readValues, type EntryValues, type PlannedChange } from "../../profiles/store.ts";
import { canonicalJson, fingerprint } from "../../secrets/fingerprint.ts";
import { chooseActivation } from "../activation.ts";
import type { JobSecret } from "../job-secrets.ts";
import type { JobRun } from "../job-run.ts";
import { loadTokens } from "../parked.ts";
import type { ExecutorServices } from "../services.ts";
import { credentialFor } from "./credential.ts";
import { restartPlanFor } from "./restart.ts";

/** Plans the job of `run` and journals the plan. @throws CodexAuthError where it cannot be carried out at all. */
export async function prepare(run: JobRun, services: ExecutorServices): Promise<void> {
  const { job } = run;
  const secret = await secretOf(run, services);
  const snapshot = await services.store.read(job.agentId, { forChange: true });
  const order = orderAfterSave({ storeOrder: snapshot.storeOrder, lasting: snapshot.lastingOrder }, job.profileId, job);
  // A profile that is tried already keeps its place: writing an order down would only freeze the others.
  const writesOrder = order.isChanged && (job.makeFirst || !snapshot.lastingOrder.includes(job.profileId));
  const planned = await services.store.plan(
    {
      profileId: job.profileId,
      provider: CODEX_PROVIDER,
      credential: credentialFor(loadTokens(secret.login)),
      clearCooldown: true,
      ...(writesOrder ? { order: order.order } : {}),
    },
    job.agentId,
  );
  await assertAsPreviewed(run, secret, services);
  const location = await locateSettled(run, services);
  const restart = job.activation === "restart" ? await restartPlanFor(location, services) : undefined;
  const choice = chooseActivation({ asked: job.activation, gateway: location, restart });
  if (choice.kind === "impossible") throw choice.error;
  const { plan, values } = keepEarlier(planned, run, secret);
  await services.queue.secrets.put(job.id, { ...secret, values: exposeValues(values) });
  await run.advance("prepared", {
    plan,
    mode: choice.mode,
    ...(writesOrder ? { order: { written: [...order.order], wasImplicit: order.isNew } } : {}),
    removedCopies: plan.files.filter((file) => file.role === "copy").map((file) => file.agentId),
  });
}

/**
 * Refuses to replace somebody else's login that came into the profile after the person had decided. A renewal of what was previewed,
 * and the same person's login, are no reason to ask again.
 *
 * @throws CodexAuthError `ERR_IDENTITY_CHANGED`.
 */
async function assertAsPreviewed(run: JobRun, secret: JobSecret, services: ExecutorServices): Promise<void> {
  const { job } = run;
  if (job.previewed === undefined || job.plan !== undefined) return;
  const stored = await services.store.readCredential(job.profileId, job.agentId);
  if (stored === undefined || fingerprint(stored.credential) === job.previewed) return;
  const ours = openCredential(credentialFor(loadTokens(secret.login)));
  if (isSameLogin(openCredential(stored.credential), ours)) return;
  throw new CodexAuthError("ERR_IDENTITY_CHANGED", {
    message: "Another login came into this profile after you decided.",
    next: "Look at both and decide again: `/codex_auth parked`.",
  });
}

/** Where the gateway is; one that is just starting cannot be believed yet, so it is given some time. */
async function locateSettled(run: JobRun, services: ExecutorServices): Promise<GatewayLocation> {
  const giveUpAt = services.now() + APPLY.gatewaySettlesMs;
  for (;;) {
    const location = await services.gateway.locate();
    if (location.kind !== "refused" || !location.error.retryable || services.now() > giveUpAt) return location;
    await run.report("waiting-for-start-window");
    await delay(APPLY.executorRetryMs);
  }
}

/** The job's secret. @throws CodexAuthError `ERR_JOB_SECRET_MISSING`. */
async function secretOf(run: JobRun, services: ExecutorServices): Promise<JobSecret> {
  const secret = await services.queue.secrets.get(run.job.id);
  if (secret !== undefined) return secret;
  throw new CodexAuthError("ERR_JOB_SECRET_MISSING", {
    message: "The tokens of this job are not on the disk any more.",
    next: "Sign in again; the store was not changed by this job.",
  });
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
