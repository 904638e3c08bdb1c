// activated → verified: was the store written back over ours, and has the gateway read it? Mends the first, proves the second.

import { APPLY } from "../../config/defaults.ts";
import { CodexAuthError } from "../../errors.ts";
import type { GatewayProfile } from "../../gateway/instance.ts";
import {
  bringsLogin,
  isManaged,
  loginFactsOf,
  type Job,
  type LoginJob,
  type RenewJob,
  type SaveLeaseJob,
} from "../job.ts";
import type { JobRun } from "../job-run.ts";
import type { ExecutorServices } from "../services.ts";
import { hasGivenWay, isOvertaken } from "./overtaken.ts";
import { hasRestartedSince, wantsRestart } from "./restart.ts";
import { locateSettled } from "./settled.ts";

/**
 * Compares the store with the plan and asks the gateway what it has; moves the job to `verified`, or back to where what is missing is
 * done.
 *
 * @throws CodexAuthError `ERR_STORE_CONFLICT` where it was written back more often than we patch, `ERR_RELOAD_NOT_SEEN` where
 * the gateway does not know the new login.
 */
export async function verify(run: JobRun, services: ExecutorServices): Promise<void> {
  await run.report("checking");
  const holding = await lookAt(run.job, services);
  if (holding === "lost") {
    if (run.job.repairs >= APPLY.repairAttempts) throw writtenBack(run.job);
    const repairs = run.job.repairs + 1;
    services.log.warn("store was written back", { job: run.job.id, repairs });
    return run.advance("prepared", { repairs }, "written back, once more");
  }
  if (holding === "overtaken") {
    // A login that was renewed is still the person's; an order or a name that somebody else has changed since is not.
    const note = isManaged(run.job) ? { note: "It was changed again meanwhile, which was left as it is." } : {};
    return run.advance("verified", { proven: "reloaded", ...note }, "a later value of the profile has come meanwhile");
  }
  if (run.job.mode === "none" && (await tellNewGateway(run, services))) return;
  await run.advance("verified", { proven: await prove(run.job, services) });
}

/** What became of the plan in the store. */
async function lookAt(job: Job, services: ExecutorServices): Promise<"holds" | "overtaken" | "lost"> {
  for (const file of job.plan?.files ?? []) {
    const holding = await services.store.check(file);
    if (holding === "after") continue;
    if (await hasGivenWay(job, services)) return "overtaken";
    return holding === "other" && (await isOvertaken(job, services)) ? "overtaken" : "lost";
  }
  return "holds";
}

/**
 * A gateway that was stopped when the job was prepared may run by now, and have started before our write: it is told, as the job
 * asks. Gives true where the job was sent back for that.
 */
async function tellNewGateway(run: JobRun, services: ExecutorServices): Promise<boolean> {
  const { activation, journal } = run.job;
  if (activation === "none") return false;
  const location = await locateSettled(run, services);
  if (location.kind !== "running") return false;
  const writtenAt = journal.findLast((entry) => entry.state === "written")?.at ?? 0;
  const isRestart = wantsRestart(run.job, services);
  if (isRestart && (await hasRestartedSince([run], writtenAt, services))) {
    await run.advance("activated", { mode: "restart", proven: "restarted" }, "the gateway has started since");
    return false;
  }
  // One that keeps starting and stopping must not keep the job from its end.
  if (journal.filter(({ note }) => note === GATEWAY_CAME).length >= APPLY.repairAttempts) return false;
  if (isRestart) await run.advance("written", { mode: "restart" }, GATEWAY_CAME);
  // The write finds itself done, and reloads under the lock.
  else await run.advance("prepared", { mode: "reload" }, GATEWAY_CAME);
  return true;
}

const GATEWAY_CAME = "a gateway has started meanwhile";

/** What shows that the running gateway has the new value. */
async function prove(job: Job, services: ExecutorServices): Promise<NonNullable<Job["proven"]>> {
  const location = await services.gateway.locate();
  if (location.kind === "stopped") return "not-running";
  if (location.kind === "refused" || job.mode === "none") return "unproven";
  const told = job.mode === "restart" ? "restarted" : "reloaded";
  // What the gateway will not tell (2026.4.5 cannot, a token may be kept elsewhere) undoes nothing: then its own answer to the
  // reload, or the restart, is the proof.
  const listed = await services.gateway.profiles(location.instance, job.agentId).catch((error: unknown) => {
    services.log.error("proof", error, { job: job.id });
    return undefined;
  });
  if (listed === undefined) return told;
  const ours = listed.find((profile) => profile.profileId === job.profileId);
  // The list of a gateway says nothing about orders and cooldowns.
  if (job.kind === "order" || job.kind === "reset-profile") return told;
  if (job.kind === "rename-profile") {
    const isKnown = listed.some(({ profileId }) => profileId === job.to);
    const left = await services.store.readCredential(job.profileId, job.agentId);
    if (!isKnown || (ours !== undefined && left === undefined)) throw notSeen(job);
    return "listed-by-gateway";
  }
  if (job.kind === "remove-lease" || job.kind === "remove-profile") {
    // Where the agent has an entry of its own under that id, the list says nothing about the one that went.
    const left = await services.store.readCredential(job.profileId, job.agentId);
    if (left !== undefined) return told;
    if (ours !== undefined) throw notSeen(job);
  } else if (!hasRead(job, ours)) throw notSeen(job);
  return "listed-by-gateway";
}

/** A login may be listed with a later expiry, since the gateway renews it; a leased credential is what it is. */
function hasRead(job: LoginJob | RenewJob | SaveLeaseJob, ours: GatewayProfile | undefined): boolean {
  if (ours === undefined || ours.expiresAtMs === undefined) return ours !== undefined;
  return job.kind === "save-lease"
    ? ours.expiresAtMs === job.lease.expiresAtMs
    : ours.expiresAtMs >= (loginFactsOf(job)?.expiresAtMs ?? 0);
}

function writtenBack(job: Job): CodexAuthError {
  return new CodexAuthError("ERR_STORE_CONFLICT", {
    message: "The gateway kept writing its own copy of the profiles over the change.",
    next: nextStep(job),
    retryable: true,
  });
}

function notSeen(job: Job): CodexAuthError {
  return new CodexAuthError("ERR_RELOAD_NOT_SEEN", {
    message: "The gateway does not show the change, although the store holds it.",
    next: nextStep(job),
    retryable: true,
  });
}

function nextStep(job: Job): string {
  if (bringsLogin(job)) return "The login is kept: restart the gateway, then take it with `/codex_auth parked`.";
  return isManaged(job)
    ? "Restart the gateway, then ask for the change again."
    : "Restart the gateway; the lease is tried again.";
}
