// The lease where no broker is set, or it is off: all that can be done is to take away what an earlier lease has left here.

import { randomBytes } from "node:crypto";
import type { Address } from "../apply/job.ts";
import type { LeaseDoor, UsageTotals } from "../chat/lease-door.ts";
import { LeasedAuthFile } from "../lease/auth-file.ts";
import { LeaseRemovals } from "../lease/lease-removals.ts";
import { QueuedLeasedStore } from "../lease/materialize.ts";
import { notSet, type LeaseDeed, type LeaseView } from "../lease/service.ts";
import { policyOf } from "../lease/situation.ts";
import { LeaseFile, type LeaseRecord } from "../lease/sticky.ts";
import { loginFilePort } from "./lease-login-file.ts";
import type { Parts } from "./services.ts";

/** A lease that is not kept. Everything but a look at leftovers and their removal throws `ERR_BROKER_NOT_SET`. */
export class ClosedLease implements LeaseDoor {
  readonly #parts: Parts;
  readonly #file: LeaseFile;
  readonly #store: QueuedLeasedStore;

  constructor(parts: Parts) {
    const { config, engine, log, now, own, store } = parts;
    this.#parts = parts;
    this.#file = new LeaseFile(own.lease, now);
    this.#store = new QueuedLeasedStore({
      engine,
      store,
      settings: config.lease,
      agentId: config.agentId,
      activation: config.activation,
      randomBytes,
      log,
    });
  }

  async view(): Promise<LeaseView> {
    const record = await this.#leftovers();
    const settings = this.#parts.config.lease;
    return {
      settings,
      policy: policyOf(settings, record),
      record: { ...record, note: "switched-off" },
      // Somewhere here: in the store, in the login file, or in a removal that was not carried out.
      tokens: "stored",
    };
  }

  async totals(): Promise<UsageTotals | undefined> {
    return undefined;
  }

  async act(deed: LeaseDeed, requestedBy?: Address): Promise<unknown> {
    if (deed.kind !== "release") throw notSet(this.#parts.config.lease);
    const owner = await this.#leftovers();
    const { config, log, now, own } = this.#parts;
    const file = new LeasedAuthFile({ path: config.lease.authFilePath, folder: own.lease, now });
    const removals = new LeaseRemovals({
      store: this.#store,
      authFile: loginFilePort(file, this.#parts, log),
      now,
      random: Math.random,
      log,
    });
    // Without contact the broker ends the lease itself after three minutes.
    return this.#file.turn(owner, async (turn) => {
      await removals.tend(turn);
      await removals.remove(turn, requestedBy);
      await turn.change({ release: "for-good", status: undefined });
    });
  }

  async flush(): Promise<unknown> {
    throw notSet(this.#parts.config.lease);
  }

  /** What is still here. @throws CodexAuthError `ERR_BROKER_NOT_SET` where nothing is. */
  async #leftovers(): Promise<LeaseRecord> {
    const record = await this.#file.readAny();
    if (record === undefined || !(await this.#isAnythingLeft(record))) throw notSet(this.#parts.config.lease);
    return record;
  }

  async #isAnythingLeft({ stored, isFileLeft, removals }: LeaseRecord): Promise<boolean> {
    if (stored !== undefined || isFileLeft) return true;
    // Nobody keeps this lease any more, who would see that a removal was carried out, or ask for it again.
    const states = await Promise.all(removals.map(({ jobId }) => this.#store.state(jobId)));
    return states.some(({ kind }) => kind !== "done");
  }
}
