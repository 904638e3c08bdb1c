// activated → verified: was the store written back over ours, and has the gateway read it? Mends the first, proves the second.

import { APPLY } from "../../config/defaults.ts";
import { CodexAuthError } from "../../errors.ts";
import { openCredential } from "../../profiles/profile.ts";
import { isSameLogin } from "../../profiles/same-login.ts";
import type { Job } from "../job.ts";
import type { JobRun } from "../job-run.ts";
import { loadTokens } from "../parked.ts";
import type { ExecutorServices } from "../services.ts";
import { credentialFor } from "./credential.ts";

/** What the look at the store says should happen next. */
export type Verdict = "verified" | "write-again";

/**
 * Compares the store with the plan and asks the gateway what it has.
 *
 * @throws CodexAuthError `ERR_STORE_CONFLICT` where it was written back more often than we patch, `ERR_RELOAD_NOT_SEEN` where
 * the gateway does not know the new login.
 */
export async function verify(run: JobRun, services: ExecutorServices): Promise<Verdict> {
  await run.report("checking");
  const holding = await lookAt(run.job, services);
  if (holding === "lost") {
    if (run.job.repairs >= APPLY.repairAttempts) throw writtenBack();
    services.log.warn("store was written back", { job: run.job.id, repairs: run.job.repairs + 1 });
    await run.update({ repairs: run.job.repairs + 1 });
    return "write-again";
  }
  if (holding === "renewed") await run.advance("verified", { proven: "reloaded" }, "renewed by the gateway meanwhile");
  else await run.advance("verified", { proven: await prove(run.job, services) });
  return "verified";
}

/**
 * What became of the plan in the store. `renewed`: the same person's login with a later expiry, so the gateway has read ours
 * and already used its refresh token; to write ours again would put a consumed token back (facts/codex-oauth.md §0.3).
 */
async function lookAt(job: Job, services: ExecutorServices): Promise<"holds" | "renewed" | "lost"> {
  for (const file of job.plan?.files ?? []) {
    const holding = await services.store.check(file);
    if (holding === "after") continue;
    return holding === "other" && (await isRenewed(job, services)) ? "renewed" : "lost";
  }
  return "holds";
}

/** Whether the store holds a later login of the same person: ours, renewed by the gateway. */
export async function isRenewed(job: Job, services: ExecutorServices): Promise<boolean> {
  const stored = await services.store.readCredential(job.profileId, job.agentId);
  const secret = await services.queue.secrets.get(job.id);
  if (stored === undefined || secret === undefined) return false;
  const credential = openCredential(stored.credential);
  const ours = credentialFor(loadTokens(secret.login));
  const isLater = credential.type === "oauth" && (credential.expires ?? 0) > job.login.expiresAtMs;
  return isLater && isSameLogin(credential, openCredential(ours));
}

/** What shows that the running gateway has the login. */
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
  if (ours === undefined || (ours.expiresAtMs !== undefined && ours.expiresAtMs < job.login.expiresAtMs))
    throw notSeen();
  return "listed-by-gateway";
}

function writtenBack(): CodexAuthError {
  return new CodexAuthError("ERR_STORE_CONFLICT", {
    message: "The gateway kept writing its own copy of the profiles over the new login.",
    next: "The login is kept: restart the gateway, then take it with `/codex_auth parked`.",
    retryable: true,
  });
}

function notSeen(): CodexAuthError {
  return new CodexAuthError("ERR_RELOAD_NOT_SEEN", {
    message: "The gateway does not list the new login, although the store holds it.",
    next: "The login is kept: restart the gateway, then take it with `/codex_auth parked`.",
    retryable: true,
  });
}
