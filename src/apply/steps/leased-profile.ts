// Which entries a leased credential may replace or leave with: never somebody's own login. Pure.

import { LEASE } from "../../config/defaults.ts";
import { CodexAuthError } from "../../errors.ts";
import { decodeAccessToken } from "../../profiles/claims.ts";
import { accessTokenOf, parseCredential, unsealEntry, type Credential } from "../../profiles/profile.ts";
import { isSameProfile } from "../../profiles/profile-id.ts";
import type { EntryValues, FileChange, PlannedChange } from "../../profiles/store.ts";
import { canonicalJson, fingerprint } from "../../secrets/fingerprint.ts";

/** Says of a stored entry (undefined = none) whether it may go. */
type MayGo = (entry: unknown) => boolean;

/** Which access tokens under which id are the lease's. */
interface LeasedProfile {
  readonly profileId: string;
  /** Fingerprints of access tokens that we wrote; under the lease's own id every bare one is ours. */
  readonly ours: readonly string[] | undefined;
}

/** True for a leased credential: a bare access token, under an id that people use too only one that we wrote ourselves. */
export function isLeased({ profileId, ours = [] }: LeasedProfile): MayGo {
  return (entry) => {
    const credential = parseCredential(entry);
    // A token that lies elsewhere (`tokenRef`) was put there by a person: we never write one.
    if (credential?.type !== "token" || credential["tokenRef"] !== undefined) return false;
    if (isSameProfile(profileId, LEASE.profileId)) return true;
    const access = accessTokenOf(credential);
    return access !== undefined && ours.includes(fingerprint(access));
  };
}

/**
 * What a leased credential may replace: nothing, another leased one, an entry that no one can renew, and the copies with a refresh
 * token that the Auth Manager plugin left of the same account under the lease's id (facts/lease-broker.md §5 C).
 */
export function isFreeFor(leased: LeasedProfile & { readonly accountId: string | undefined }): MayGo {
  const isOurs = isLeased(leased);
  return (entry) => {
    if (entry === undefined || isOurs(entry)) return true;
    const credential = parseCredential(entry);
    if (credential?.type !== "oauth") return false;
    // Not `refreshTokenOf`: a token that is just being refreshed has a marker in its place, and is somebody's all the same.
    const renewsItself = (credential.refresh ?? "") !== "" || credential["oauthRef"] !== undefined;
    if (!renewsItself) return true;
    const account = accountOf(credential);
    return isSameProfile(leased.profileId, LEASE.profileId) && account !== undefined && account === leased.accountId;
  };
}

/** The entry that the owner's file holds before a plan is carried out. */
export function ownerEntry({ plan, values }: PlannedChange): unknown {
  const owner = plan.files.find(({ role }) => role === "owner");
  return owner === undefined ? undefined : previousIn(values, owner);
}

/**
 * A plan removes other agents' copies of what it changes. Those that may not go stay: they are somebody's own login.
 *
 * @throws CodexAuthError `ERR_LEASE_PROFILE_TAKEN` where it is the very agent that was asked for.
 */
export function keepLogins(planned: PlannedChange, mayGo: MayGo): PlannedChange {
  const { plan } = planned;
  const values = new Map<string, EntryValues>(planned.values);
  const keptElsewhere = [...plan.keptElsewhere];
  const files = plan.files.flatMap((file): FileChange[] => {
    const previous = values.get(file.path)?.previous ?? null;
    if (file.role !== "copy" || mayGo(previousIn(planned.values, file))) return [file];
    if (file.agentId === plan.agentId) throw profileTaken();
    keptElsewhere.push(file.agentId);
    values.set(file.path, { next: previous, previous });
    const isOrderKept = canonicalJson(file.orderBefore) === canonicalJson(file.orderAfter);
    return isOrderKept ? [] : [{ ...file, role: "order", after: file.before, clearCooldown: false }];
  });
  return { plan: { ...plan, files, keptElsewhere }, values };
}

/** The error of a lease whose profile holds something else. */
export function profileTaken(): CodexAuthError {
  return new CodexAuthError("ERR_LEASE_PROFILE_TAKEN", {
    message: "The profile of the lease holds somebody's own login, which was left as it is.",
    next: "Give the lease a profile of its own (`leaseProfileId`), or remove that login yourself.",
  });
}

function previousIn(values: PlannedChange["values"], { path }: FileChange): unknown {
  const previous = values.get(path)?.previous ?? null;
  return previous === null ? undefined : unsealEntry(previous);
}

function accountOf(credential: Credential & { readonly type: "oauth" }): string | undefined {
  const access = accessTokenOf(credential);
  const claimed = access === undefined ? undefined : decodeAccessToken(access)?.accountId;
  return claimed ?? credential.accountId;
}
