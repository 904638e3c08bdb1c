// What the chat needs of the lease, as a narrow port; `src/hosts/lease.ts` fills it.

import type { Address } from "../apply/job.ts";
import type { LeaseDeed, LeaseView } from "../lease/service.ts";

/** Requests and tokens. */
export interface UsageSum {
  readonly requests: number;
  readonly tokensIn: number;
  readonly tokensOut: number;
}

/** What was counted here. */
export interface UsageTotals {
  /** Told to the broker. */
  readonly sent: UsageSum;
  /** Counted, and not told yet. */
  readonly unsent: UsageSum;
  /** Not known of which lease. */
  readonly unattributed: UsageSum;
}

/** The lease of this machine. */
export interface LeaseDoor {
  /** How it is, asking nobody. */
  view(): Promise<LeaseView>;
  /** What was counted; undefined where nothing is counted here. */
  totals(): Promise<UsageTotals | undefined>;
  /** Does what a person asked for. @throws CodexAuthError `ERR_BROKER_*`, `ERR_LEASE_*`, `ERR_LOCK_TIMEOUT`. */
  act(deed: LeaseDeed, requestedBy?: Address): Promise<unknown>;
  /** Tells the broker what is not told yet. */
  flush(): Promise<unknown>;
}
