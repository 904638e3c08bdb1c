// What the calls about the lease work with, and the small things that they share.

import type { Address } from "../apply/job.ts";
import type { LeaseSettings } from "../config/lease-settings.ts";
import { CodexAuthError } from "../errors.ts";
import type { Log } from "../secrets/log.ts";
import type { LeaseBroker, LeaseMaterial, LeaseOwner, LeaseStatus } from "./broker.ts";
import type { LeasedStore } from "./leased-store.ts";
import type { LeaseRecord } from "./sticky.ts";

/** What the calls work with. */
export interface DeskParts {
  readonly broker: LeaseBroker;
  readonly store: LeasedStore;
  readonly settings: LeaseSettings;
  /** The Codex CLI's login file. `write` and `takeOver` are absent where the lease is not wanted there; what is there is removed all the same. */
  readonly authFile?: {
    write?(leaseId: string, material: LeaseMaterial): Promise<unknown>;
    /** Parks the login that is there for the person at `requestedBy`, then writes. */
    takeOver?(leaseId: string, material: LeaseMaterial, requestedBy: Address): Promise<unknown>;
    remove(): Promise<unknown>;
  };
  /** Gives tokens that were renewed in that file back to the broker; tells whether its own are newer. Absent where that is off. */
  readonly pushRenewed?: (
    lease: Pick<LeaseStatus, "leaseId" | "state">,
    signal: AbortSignal | undefined,
  ) => Promise<{ readonly materializeAgain: boolean }>;
  readonly now: () => number;
  /** A number from 0 to 1. */
  readonly random: () => number;
  readonly log: Log;
}

/** Why a call is made: by the keeper itself, or because a person asked (and is told of the job). */
export interface CallContext {
  readonly signal?: AbortSignal;
  readonly requestedBy?: Address;
}

/** The lease of the record. @throws CodexAuthError `ERR_LEASE_NONE`. */
export function known(record: LeaseRecord): NonNullable<LeaseRecord["status"]> {
  if (record.status !== undefined) return record.status;
  throw new CodexAuthError("ERR_LEASE_NONE", {
    message: "This machine has no lease now.",
    next: "Ask for one: `/lease reacquire`.",
  });
}

/** The owner as the broker is told it. */
export function ownerOf({ machineId, agentId }: Pick<LeaseSettings, "machineId" | "agentId">): LeaseOwner {
  return { machineId, agentId };
}

/** The options of a call that may be ended by `signal`. */
export function withSignal(signal: AbortSignal | undefined): { readonly signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}
