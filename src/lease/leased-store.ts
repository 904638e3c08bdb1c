// The port through which leased tokens reach the profile store; `materialize.ts` fills it with the apply queue.

import type { Address, Problem } from "../apply/job.ts";
import type { LeaseMaterial } from "./broker.ts";
import type { StoredTokens } from "./sticky.ts";

/** How the job that writes leased tokens stands. */
export type WriteState =
  | { readonly kind: "open" }
  /** `madeOrder`: the order that was written down for it, where the store had none. */
  | { readonly kind: "done"; readonly madeOrder?: readonly string[] }
  | { readonly kind: "failed"; readonly problem: Problem }
  /** No such job: it ended long ago, or was never made. */
  | { readonly kind: "unknown" };

/** The profile store as the lease sees it: one profile that is ours. */
export interface LeasedStore {
  /** Hands leased tokens to the queue; resolves when that is durable. Gives the job's id. */
  write(request: {
    readonly leaseId: string;
    readonly material: LeaseMaterial & { readonly expiresAtMs: number };
    /** Fingerprints of the leased tokens that may be there already. */
    readonly ours?: readonly string[];
    readonly requestedBy?: Address;
  }): Promise<string>;
  /** Hands the removal of the leased tokens at a place to the queue. Gives the job's id. */
  remove(request: {
    readonly from: StoredTokens;
    readonly leaseId?: string;
    readonly requestedBy?: Address;
  }): Promise<string>;
  /** Where {@link write} puts tokens, by the settings of today. */
  place(): Pick<StoredTokens, "profileId" | "agentId">;
  /** How a job of {@link write} stands. */
  state(jobId: string): Promise<WriteState>;
  /**
   * Whether the store holds the access token with this fingerprint. Of the entry only the token counts: OpenClaw may add to
   * the rest, and a keeper that took that for a loss would write it again every minute.
   */
  holds(accessFingerprint: string): Promise<boolean>;
}
