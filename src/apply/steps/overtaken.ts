// Whether a value that came later stands where a job wrote its own: then to write ours again would do harm.

import { openCredential } from "../../profiles/profile.ts";
import { isSameLogin } from "../../profiles/same-login.ts";
import type { Job } from "../job.ts";
import { loadTokens } from "../parked.ts";
import type { ExecutorServices } from "../services.ts";
import { credentialFor } from "./credential.ts";

/**
 * True where the store holds a later value than the job's: the same person's login with a later expiry, so the gateway has read ours
 * and already used its refresh token (to write ours again would put a consumed token back, facts/codex-oauth.md §0.3); for a
 * lease, which nobody renews in place, what a newer job about that profile has written.
 */
export async function isOvertaken(job: Job, services: ExecutorServices): Promise<boolean> {
  return job.kind === "save-login" ? isRenewed(job, services) : hasNewerJob(job, services);
}

/** Whether the store holds a later login of the same person: ours, renewed by the gateway. */
export async function isRenewed(job: Job, services: ExecutorServices): Promise<boolean> {
  if (job.kind !== "save-login") return false;
  const stored = await services.store.readCredential(job.profileId, job.agentId);
  const secret = await services.queue.secrets.get(job.id);
  if (stored === undefined || secret?.login === undefined) return false;
  const credential = openCredential(stored.credential);
  const ours = credentialFor(loadTokens(secret.login));
  const isLater = credential.type === "oauth" && (credential.expires ?? 0) > job.login.expiresAtMs;
  return isLater && isSameLogin(credential, openCredential(ours));
}

async function hasNewerJob(job: Job, services: ExecutorServices): Promise<boolean> {
  const owner = job.plan?.files.find(({ role }) => role === "owner");
  if (owner === undefined) return false;
  const jobs = await services.queue.list();
  const newer = jobs.slice(jobs.findIndex(({ id }) => id === job.id) + 1);
  for (const { profileId, plan } of newer) {
    const theirs = plan?.files.find((file) => file.path === owner.path && file.role === "owner");
    if (profileId !== job.profileId || theirs === undefined || theirs.before === theirs.after) continue;
    if ((await services.store.check(theirs)) === "after") return true;
  }
  return false;
}
