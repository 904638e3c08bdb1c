// What an executor works with; each host's composition root fills it in.

import type { Gateway } from "../gateway/gateway.ts";
import type { ProfileStore } from "../profiles/store.ts";
import type { Log } from "../secrets/log.ts";
import type { Address } from "./job.ts";
import type { Outbox } from "./outbox.ts";
import type { ParkedLogins } from "./parked.ts";
import type { JobQueue } from "./queue.ts";
import type { Receipts } from "./receipt.ts";
import type { RenewalPort } from "./renewal.ts";

/** The parts an executor needs. */
export interface ExecutorServices {
  readonly queue: JobQueue;
  readonly parked: ParkedLogins;
  readonly receipts: Receipts;
  readonly outbox: Outbox;
  readonly store: ProfileStore;
  readonly gateway: Gateway;
  /** How logins are renewed, and which tokens were presented for it; absent where OpenClaw alone renews its logins. */
  readonly renewal?: RenewalPort;
  /** Whether whoever asked for a job may still have it carried out; absent means that nobody can have been taken off a list. */
  readonly mayStill?: (address: Address) => Promise<boolean> | boolean;
  readonly now: () => number;
  readonly log: Log;
}
