// Whether a value that came later stands where a job wrote its own: then to write ours again would do harm.

import { openCredential, refreshTokenOf, unsealEntry } from "../../profiles/profile.ts";
import { isSameLogin } from "../../profiles/same-login.ts";
import { isChange, readValues, type FileChange } from "../../profiles/store.ts";
import { canonicalJson, fingerprint } from "../../secrets/fingerprint.ts";
import { bringsLogin, isManaged, loginFactsOf, type Job, type ManagedJob } from "../job.ts";
import { loadTokens } from "../parked.ts";
import type { ExecutorServices } from "../services.ts";
import { credentialFor } from "./credential.ts";

/**
 * True where the store holds a later value than the job's: the same person's login with a later expiry, so the gateway has read ours
 * and already used its refresh token (to write ours again would put a consumed token back, facts/codex-oauth.md §0.3); for a
 * lease, which nobody renews in place, what a newer job about that profile has written.
 */
export async function isOvertaken(job: Job, services: ExecutorServices): Promise<boolean> {
  if (bringsLogin(job)) return isRenewed(job, services);
  return isManaged(job) ? isChangedSince(job, services) : hasNewerJob(job, services);
}

/**
 * True where the job's tokens are spent by now, or a newer job has written the same store about the same profile or order, and what
 * it wrote stands there: jobs that share one restart are verified together, and the older must not put its own back.
 */
export async function hasGivenWay(job: Job, services: ExecutorServices): Promise<boolean> {
  if (await isSpent(job, services)) return true;
  for (const newer of await newerThan(job, services)) {
    if (!hasWritten(newer)) continue;
    for (const theirs of newer.plan?.files ?? []) {
      if (!job.plan?.files.some((ours) => isAbout(ours, theirs))) continue;
      if ((await services.store.check(theirs)) === "after") return true;
    }
  }
  return false;
}

/** Whether the tokens that the job brings were used for a renewal since: they are never written again. */
export async function isSpent(job: Job, { queue, renewal }: ExecutorServices): Promise<boolean> {
  if (!bringsLogin(job) || renewal === undefined) return false;
  const login = (await queue.secrets.get(job.id))?.login;
  return login !== undefined && renewal.rotations.isBarred(fingerprint(login.refresh));
}

/**
 * Whether the profile holds the very refresh token that the job brings, however its entry looks: OpenClaw writes one anew when it takes
 * its files over into its database.
 */
export async function holdsOurs(job: Job, { queue, store }: ExecutorServices): Promise<boolean> {
  if (!bringsLogin(job)) return false;
  const login = (await queue.secrets.get(job.id))?.login;
  const stored = await store.readCredential(job.profileId, job.agentId);
  const theirs = stored === undefined ? undefined : refreshTokenOf(openCredential(stored.credential));
  if (login === undefined || theirs === undefined) return false;
  return fingerprint(loadTokens(login).refresh) === fingerprint(theirs);
}

function isAbout(ours: FileChange, theirs: FileChange): boolean {
  if (ours.path !== theirs.path || !isChange(theirs)) return false;
  const isSameProfile = idsOf(ours).some((id) => idsOf(theirs).includes(id));
  return isSameProfile || (changesOrder(ours) && changesOrder(theirs));
}

function idsOf({ profileId, renameTo }: FileChange): readonly string[] {
  return renameTo === undefined ? [profileId] : [profileId, renameTo];
}

function changesOrder({ orderBefore, orderAfter }: FileChange): boolean {
  return canonicalJson(orderBefore) !== canonicalJson(orderAfter);
}

/** What was written once and is now something third was changed by somebody later: an order, a name, another failure. */
async function isChangedSince(job: ManagedJob, services: ExecutorServices): Promise<boolean> {
  if (!hasWritten(job) || (await isBackRenewed(job, services))) return false;
  for (const file of job.plan?.files ?? []) if ((await services.store.check(file)) === "other") return true;
  return false;
}

/** Whether a removed login is back with other tokens: the gateway has renewed it out of its memory, which is no later wish. */
async function isBackRenewed(job: ManagedJob, { queue, store }: ExecutorServices): Promise<boolean> {
  const owner = job.plan?.files.find(({ role }) => role === "owner");
  if (job.kind !== "remove-profile" || owner === undefined) return false;
  const values = (await queue.secrets.get(job.id))?.values;
  const removed = values === undefined ? undefined : readValues(values).get(owner.path)?.previous;
  const stored = await store.readCredential(job.profileId, job.agentId);
  if (stored === undefined || removed === undefined || removed === null) return false;
  return isSameLogin(openCredential(stored.credential), unsealEntry(removed));
}

function hasWritten({ journal }: Job): boolean {
  return journal.some(({ state }) => state === "written");
}

async function newerThan({ id }: Job, { queue }: ExecutorServices): Promise<readonly Job[]> {
  const jobs = await queue.list();
  return jobs.slice(jobs.findIndex((job) => job.id === id) + 1);
}

/** Whether the store holds a later login of the same person: ours, renewed by the gateway. */
export async function isRenewed(job: Job, services: ExecutorServices): Promise<boolean> {
  const facts = bringsLogin(job) ? loginFactsOf(job) : undefined;
  if (facts === undefined) return false;
  const stored = await services.store.readCredential(job.profileId, job.agentId);
  const secret = await services.queue.secrets.get(job.id);
  if (stored === undefined || secret?.login === undefined) return false;
  const credential = openCredential(stored.credential);
  const ours = credentialFor(loadTokens(secret.login), services.store.provider);
  const isLater = credential.type === "oauth" && (credential.expires ?? 0) > facts.expiresAtMs;
  return isLater && isSameLogin(credential, openCredential(ours));
}

async function hasNewerJob(job: Job, services: ExecutorServices): Promise<boolean> {
  const owner = job.plan?.files.find(({ role }) => role === "owner");
  if (owner === undefined) return false;
  for (const { profileId, plan } of await newerThan(job, services)) {
    const theirs = plan?.files.find((file) => file.path === owner.path && file.role === "owner");
    if (profileId !== job.profileId || theirs === undefined || theirs.before === theirs.after) continue;
    if ((await services.store.check(theirs)) === "after") return true;
  }
  return false;
}
