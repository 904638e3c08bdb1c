// What may be asked of the queue, and the job that each request becomes; the same request is always the same job.

import { createHash } from "node:crypto";
import type { Secret } from "../secrets/secret.ts";
import type {
  Activation,
  Address,
  Job,
  LoginJob,
  ManagedJob,
  OrderJob,
  RemoveJob,
  RemoveLeaseJob,
  RenameJob,
  RenewJob,
  ResetJob,
  SaveLeaseJob,
} from "./job.ts";

/** What a person decided about a parked login. */
export interface LoginRequest {
  readonly parkedId: string;
  readonly agentId: string;
  readonly profileId: string;
  /**
   * Fingerprint of what the profile held when the person decided (`none` = nothing); absent where nobody was shown it. Somebody
   * else's login that came there since is not replaced by a decision about another one.
   */
  readonly previewed?: string;
  /** Put the profile first in the order. */
  readonly makeFirst: boolean;
  readonly activation: Activation;
  readonly requestedBy: Address;
  /** The order to write; default: by `makeFirst`. */
  readonly wantedOrder?: string[] | null;
  /** The receipt whose removal this takes back. */
  readonly undoes?: string;
}

/** What a person confirmed about a profile that is there; `ManagedJob` says what each kind's own fields mean. */
export type ChangeRequest = {
  /** Names the confirmation: the same id is the same job, however often it is pressed. */
  readonly requestId: string;
  readonly agentId: string;
  readonly profileId: string;
  readonly activation: Activation;
  readonly requestedBy: Address;
  readonly previewed?: string;
  readonly undoes?: string;
} & (
  | Pick<OrderJob, "kind" | "how" | "wantedOrder">
  | Pick<RemoveJob, "kind" | "wantedOrder">
  | Pick<RenameJob, "kind" | "to">
  | Pick<ResetJob, "kind" | "wantedNotes">
  | Pick<RenewJob, "kind">
);

/** What the two requests about a lease share. */
interface LeaseRequestBase {
  /**
   * Fingerprints (`fingerprint(token)`) of the access tokens that we wrote into the profile. Under another id than `LEASE.profileId` a
   * bare access token that is none of these is a person's own, and stays.
   */
  readonly ours?: readonly string[];
  /** Names the request: the same id is the same job, however often it is asked. */
  readonly requestId: string;
  /** The agent of OpenClaw (not the broker's) whose store changes; main's is what the others inherit. */
  readonly agentId: string;
  readonly profileId: string;
  readonly activation: Activation;
  /** Absent where nobody in a chat asked: then nobody is told and nobody's permission is asked again. */
  readonly requestedBy?: Address;
}

/** A leased credential that is to be in OpenClaw's store, access-only. */
export interface LeaseRequest extends LeaseRequestBase {
  readonly leaseId: string;
  /** Put the profile first in the order; else it comes last where the store has an order, and nothing where it has none. */
  readonly makeFirst: boolean;
  readonly credential: {
    readonly access: Secret;
    readonly expiresAtMs: number;
    readonly email?: string | undefined;
    readonly accountId?: string | undefined;
    readonly label?: string | undefined;
  };
}

/** A leased credential that is to go from OpenClaw's store. */
export interface LeaseRemoval extends LeaseRequestBase {
  readonly leaseId?: string;
  /** Fingerprint of the entry that may go (`after` in the receipt that saved it); absent = whichever leased one is there. */
  readonly stored?: string;
  /** The order that the save wrote down where there was none: it goes with the profile, if nobody changed it since. */
  readonly madeOrder?: readonly string[];
}

/** The one job that a parked login can become. */
export function jobIdOf(parkedId: string): string {
  return idOf("save-login", parkedId);
}

/** The job of a login. */
export function newLoginJob(request: LoginRequest, at: number, login: LoginJob["login"]): LoginJob {
  const { parkedId, makeFirst, previewed, requestedBy, wantedOrder, undoes } = request;
  return {
    ...begin(jobIdOf(parkedId), request, at),
    kind: "save-login",
    makeFirst,
    ...(previewed === undefined ? {} : { previewed }),
    requestedBy,
    parkedId,
    login,
    ...(wantedOrder === undefined ? {} : { wantedOrder }),
    ...(undoes === undefined ? {} : { undoes }),
  };
}

/** The job of a confirmed change. */
export function newChangeJob(request: ChangeRequest, at: number): ManagedJob | RenewJob {
  const { requestId, ...asked } = request;
  return { ...begin(idOf(request.kind, requestId), request, at), ...asked };
}

/** The job of a leased credential. */
export function newSaveLeaseJob(request: LeaseRequest, at: number): SaveLeaseJob {
  const { credential, leaseId, makeFirst, ours, requestedBy } = request;
  // One by one: whatever else comes along with the tokens has no business in a job file.
  const { accountId, email, expiresAtMs, label } = credential;
  return {
    ...begin(idOf("save-lease", request.requestId), request, at),
    kind: "save-lease",
    makeFirst,
    ...(requestedBy === undefined ? {} : { requestedBy }),
    lease: {
      leaseId,
      expiresAtMs,
      ...(email === undefined ? {} : { email }),
      ...(label === undefined ? {} : { label }),
      ...(accountId === undefined ? {} : { accountId }),
      ...(ours === undefined ? {} : { ours: [...ours] }),
    },
  };
}

/** The job of a leased credential that goes. */
export function newRemoveLeaseJob(request: LeaseRemoval, at: number): RemoveLeaseJob {
  const { leaseId, madeOrder, ours, requestedBy, stored } = request;
  return {
    ...begin(idOf("remove-lease", request.requestId), request, at),
    kind: "remove-lease",
    ...(requestedBy === undefined ? {} : { requestedBy }),
    lease: {
      ...(leaseId === undefined ? {} : { leaseId }),
      ...(stored === undefined ? {} : { stored }),
      ...(ours === undefined ? {} : { ours: [...ours] }),
      ...(madeOrder === undefined ? {} : { madeOrder: [...madeOrder] }),
    },
  };
}

function begin(
  id: string,
  { agentId, profileId, activation }: Pick<Job, "agentId" | "profileId" | "activation">,
  at: number,
) {
  return {
    schemaVersion: 1 as const,
    id,
    createdAt: at,
    agentId,
    profileId,
    activation,
    state: "queued" as const,
    epoch: 0,
    repairs: 0,
    interrupted: false,
    journal: [{ state: "queued" as const, at, epoch: 0 }],
  };
}

function idOf(kind: Job["kind"], name: string): string {
  return `job-${createHash("sha256").update(`${kind}\0${name}`).digest("hex").slice(0, 16)}`;
}
