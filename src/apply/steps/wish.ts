// What a job wants of the store as it is now: the change to plan, or why there is nothing to do. One function for each kind of job.

import { LEASE } from "../../config/defaults.ts";
import { CodexAuthError } from "../../errors.ts";
import { orderAfterRemoval, orderAfterSave } from "../../profiles/order.ts";
import { openCredential } from "../../profiles/profile.ts";
import { CODEX_PROVIDER } from "../../profiles/profile-id.ts";
import { isSameLogin } from "../../profiles/same-login.ts";
import type { PlannedChange, StoreSnapshot } from "../../profiles/store.ts";
import { decodeAccessToken } from "../../profiles/claims.ts";
import { canonicalJson, fingerprint } from "../../secrets/fingerprint.ts";
import type { Job, LoginJob, RemoveLeaseJob, SaveLeaseJob } from "../job.ts";
import { loadTokens } from "../parked.ts";
import type { ExecutorServices } from "../services.ts";
import { credentialFor, leasedCredentialFor } from "./credential.ts";
import { noSecret, spent } from "./job-errors.ts";
import { isFreeFor, isLeased, keepLogins, ownerEntry, profileTaken } from "./leased-profile.ts";
import { isSpent } from "./overtaken.ts";
import type { Wish, WishInput } from "./wish-kinds.ts";
import { wishForManaged } from "./wish-manage.ts";
import { wishForRenewal } from "./wish-renew.ts";

/** Works out what `job` wants of today's store. @throws CodexAuthError where it may not or cannot have it. */
export async function wishOf({ job, ...rest }: WishInput<Job>): Promise<Wish> {
  switch (job.kind) {
    case "save-login":
      return wishForLogin({ job, ...rest });
    case "renew-login":
      return wishForRenewal({ job, ...rest });
    case "save-lease":
      return wishForLease({ job, ...rest });
    case "remove-lease":
      return wishForRemoval({ job, ...rest });
    case "order":
    case "remove-profile":
    case "rename-profile":
    case "reset-profile":
      return wishForManaged({ job, ...rest });
  }
}

async function wishForLogin({ job, secret, snapshot, services }: WishInput<LoginJob>): Promise<Wish> {
  if (secret.login === undefined) throw noSecret();
  const tokens = loadTokens(secret.login);
  // A renewal may have used it up since it was put aside: presented once more it would end the login that came of it.
  if (job.plan === undefined && (await isSpent(job, services))) throw spent();
  const credential = credentialFor(tokens, services.store.provider);
  const saved = orderAfterSave(orderFacts(snapshot), job.profileId, job);
  // A profile that is tried already keeps its place: writing an order down would only freeze the others.
  const isWritten = saved.isChanged && (job.makeFirst || !snapshot.lastingOrder.includes(job.profileId));
  const order = isWritten ? { written: [...saved.order], wasImplicit: saved.isNew } : undefined;
  const asked = job.wantedOrder;
  const planned = await plan(services, job, credential, asked === undefined ? order?.written : asked);
  await assertAsPreviewed(job, credential, services);
  if (asked !== undefined) {
    const isKept = canonicalJson(asked ?? []) === canonicalJson(snapshot.storeOrder ?? []);
    return { kind: "change", planned, order: isKept ? undefined : { written: [...(asked ?? [])], wasImplicit: false } };
  }
  return { kind: "change", planned, order };
}

/** The order is the person's where there is one; none is begun for a leased credential that is not to come first. */
async function wishForLease({ job, secret, snapshot, services }: WishInput<SaveLeaseJob>): Promise<Wish> {
  if (secret.leased === undefined) throw noSecret();
  if (job.lease.expiresAtMs - services.now() < LEASE.materialMinLifeMs) throw materialExpired();
  const saved = orderAfterSave(orderFacts(snapshot), job.profileId, job);
  const isWritten = saved.isChanged && (job.makeFirst || snapshot.storeOrder !== undefined);
  const order = isWritten ? { written: [...saved.order], wasImplicit: saved.isNew } : undefined;
  const credential = leasedCredentialFor(job.lease, secret.leased.access, services.store.provider);
  const planned = await plan(services, job, credential, order?.written);
  const accountId = decodeAccessToken(secret.leased.access)?.accountId ?? job.lease.accountId;
  // Its own among them: it may have been written before this job was killed.
  const ours = [...(job.lease.ours ?? []), fingerprint(secret.leased.access)];
  const isFree = isFreeFor({ profileId: job.profileId, accountId, ours });
  if (!isFree(ownerEntry(planned))) throw profileTaken();
  return { kind: "change", planned: keepLogins(planned, isFree), order };
}

async function wishForRemoval({ job, snapshot, services }: WishInput<RemoveLeaseJob>): Promise<Wish> {
  const stored = await services.store.readCredential(job.profileId, job.agentId);
  if (stored === undefined) {
    if (job.plan !== undefined) return { kind: "as-planned" };
    return { kind: "nothing", note: "There is no such profile any more, so nothing was changed." };
  }
  // An order that only the lease has brought would keep logins that come later from being tried.
  const isLeaseOrder = canonicalJson(job.lease.madeOrder ?? null) === canonicalJson(snapshot.storeOrder ?? []);
  const rest = isLeaseOrder ? null : orderAfterRemoval(snapshot.storeOrder, job.profileId);
  const planned = await plan(services, job, null, rest);
  const owner = planned.plan.files.find(({ role }) => role === "owner");
  const isOurs = isLeased({ profileId: job.profileId, ours: job.lease.ours });
  if (!isOurs(ownerEntry(planned)) || !isOurs(openCredential(stored.credential)))
    return { kind: "nothing", note: "The profile holds somebody's own login by now, so nothing was changed." };
  if (job.lease.stored !== undefined && owner?.before !== job.lease.stored)
    return { kind: "nothing", note: "The profile holds another credential by now, so nothing was changed." };
  const order = rest === undefined ? undefined : { written: [...(rest ?? [])], wasImplicit: false };
  return { kind: "change", planned: keepLogins(planned, isOurs), order };
}

function plan(
  services: ExecutorServices,
  job: Job,
  credential: ReturnType<typeof credentialFor> | null,
  order: readonly string[] | null | undefined,
): Promise<PlannedChange> {
  const { profileId, agentId } = job;
  const { provider = CODEX_PROVIDER } = services.store;
  const change = { profileId, provider, credential, clearCooldown: true } as const;
  return services.store.plan({ ...change, ...(order === undefined ? {} : { order }) }, agentId);
}

function orderFacts({ storeOrder, lastingOrder }: StoreSnapshot): Parameters<typeof orderAfterSave>[0] {
  return { storeOrder, lasting: lastingOrder };
}

/**
 * Refuses to replace somebody else's login that came into the profile after the person had decided. A renewal of what was previewed,
 * and the same person's login, are no reason to ask again.
 *
 * @throws CodexAuthError `ERR_IDENTITY_CHANGED`.
 */
async function assertAsPreviewed(
  job: LoginJob,
  ours: ReturnType<typeof credentialFor>,
  services: ExecutorServices,
): Promise<void> {
  if (job.previewed === undefined || job.plan !== undefined) return;
  const stored = await services.store.readCredential(job.profileId, job.agentId);
  if (stored === undefined || fingerprint(stored.credential) === job.previewed) return;
  if (isSameLogin(openCredential(stored.credential), openCredential(ours))) return;
  throw new CodexAuthError("ERR_IDENTITY_CHANGED", {
    message: "Another login came into this profile after you decided.",
    next: "Look at both and decide again: `/codex_auth parked`.",
  });
}

function materialExpired(): CodexAuthError {
  return new CodexAuthError("ERR_LEASE_MATERIAL_EXPIRED", {
    message: "The leased credential has expired, or is about to.",
    next: "The store was left as it is; the broker is asked for a fresh one.",
    retryable: true,
  });
}
