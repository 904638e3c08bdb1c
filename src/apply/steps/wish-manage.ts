// What the changes of a profile that is there want of the store as it is now: its place, its end, its name, its failures.

import { CodexAuthError } from "../../errors.ts";
import { factsOf } from "../../profiles/credential-facts.ts";
import { orderAfterChoice, orderAfterRemoval } from "../../profiles/order.ts";
import { CODEX_PROVIDER } from "../../profiles/profile-id.ts";
import { loginPrint } from "../../profiles/same-login.ts";
import type { PlannedChange, StoreChange, StoreSnapshot } from "../../profiles/store.ts";
import { canonicalJson } from "../../secrets/fingerprint.ts";
import type { ManagedJob, OrderJob, RemoveJob, RenameJob, ResetJob } from "../job.ts";
import type { ExecutorServices } from "../services.ts";
import { assertOwn, keeperOf } from "../whose.ts";
import { hasBegun, type Wish, type WishInput } from "./wish-kinds.ts";

type Input<J extends ManagedJob> = Pick<WishInput<J>, "job" | "snapshot" | "services">;

/** Works out what `job` wants. @throws CodexAuthError where it may not or cannot have it. */
export async function wishForManaged({ job, snapshot, services }: Input<ManagedJob>): Promise<Wish> {
  // What was begun is carried to its end: planned anew, a name that is half changed would look taken.
  if (job.plan !== undefined && (await hasBegun(job, services))) return { kind: "as-planned" };
  switch (job.kind) {
    case "order":
      return wishForOrder({ job, snapshot, services });
    case "remove-profile":
      return wishForRemoval({ job, snapshot, services });
    case "rename-profile":
      return wishForName({ job, snapshot, services });
    case "reset-profile":
      return wishForReset({ job, snapshot, services });
  }
}

async function wishForOrder({ job, snapshot, services }: Input<OrderJob>): Promise<Wish> {
  const wanted = wantedOrder(job, snapshot);
  if (canonicalJson(wanted ?? []) === canonicalJson(snapshot.storeOrder ?? []))
    return { kind: "nothing", note: "The order is this one already, so nothing was changed." };
  const planned = await plan(services, job, { order: wanted });
  return { kind: "change", planned, order: { written: [...(wanted ?? [])], wasImplicit: wasImplicit(snapshot) } };
}

function wantedOrder(job: OrderJob, snapshot: StoreSnapshot): readonly string[] | null {
  const { how, profileId } = job;
  if (how === "exactly") return job.wantedOrder ?? null;
  if (!isKnown(snapshot, profileId)) throw gone();
  return orderAfterChoice({ storeOrder: snapshot.storeOrder, lasting: snapshot.lastingOrder }, profileId, how).order;
}

async function wishForRemoval({ job, snapshot, services }: Input<RemoveJob>): Promise<Wish> {
  if (!isKnown(snapshot, job.profileId))
    return { kind: "nothing", note: "There is no such profile any more, so nothing was changed." };
  await assertAsPreviewed(job, services);
  const rest = job.wantedOrder === undefined ? orderAfterRemoval(snapshot.storeOrder, job.profileId) : job.wantedOrder;
  const planned = await plan(services, job, { credential: null, ...(rest === undefined ? {} : { order: rest }) });
  const order = rest === undefined ? undefined : { written: [...(rest ?? [])], wasImplicit: false };
  return { kind: "change", planned, order };
}

async function wishForName({ job, snapshot, services }: Input<RenameJob>): Promise<Wish> {
  if (!isKnown(snapshot, job.profileId)) throw gone();
  await assertAsPreviewed(job, services);
  const planned = await plan(services, job, { renameTo: job.to });
  return { kind: "change", planned, order: undefined };
}

async function wishForReset({ job, snapshot, services }: Input<ResetJob>): Promise<Wish> {
  if (!isKnown(snapshot, job.profileId)) throw gone();
  const planned = await plan(services, job, { failures: job.wantedNotes ?? "clear" });
  if (planned.plan.files.length === 0)
    return { kind: "nothing", note: "OpenClaw holds nothing against this profile, so nothing was changed." };
  return { kind: "change", planned, order: undefined };
}

async function plan(
  { store }: ExecutorServices,
  { profileId, agentId }: ManagedJob,
  change: Omit<StoreChange, "profileId" | "provider">,
): Promise<PlannedChange> {
  return store.plan({ profileId, provider: store.provider ?? CODEX_PROVIDER, ...change }, agentId);
}

function isKnown({ summaries }: StoreSnapshot, profileId: string): boolean {
  return summaries.some(({ id }) => id === profileId);
}

function wasImplicit({ storeOrder }: StoreSnapshot): boolean {
  return storeOrder === undefined;
}

/**
 * A confirmation is for the login that was shown, and for nobody else's.
 *
 * @throws CodexAuthError `ERR_IDENTITY_CHANGED`, `ERR_PROFILE_MANAGED`.
 */
async function assertAsPreviewed(job: RemoveJob | RenameJob, services: ExecutorServices): Promise<void> {
  const stored = await services.store.readCredential(job.profileId, job.agentId);
  const facts = stored === undefined ? undefined : factsOf(stored);
  assertOwn(await keeperOf(facts, job.profileId, services.receipts));
  if (job.previewed === undefined || (facts?.login ?? loginPrint(undefined)) === job.previewed) return;
  throw new CodexAuthError("ERR_IDENTITY_CHANGED", {
    message: "Another login came into this profile after you decided.",
    next: "Nothing was changed. Look at it and decide again: `/codex_auth`.",
  });
}

function gone(): CodexAuthError {
  return new CodexAuthError("ERR_PROFILE_UNKNOWN", {
    message: "There is no such profile any more.",
    next: "Nothing was changed. See those there are with `/codex_auth`.",
  });
}
