// Leased tokens through the apply queue: each write and removal is a job, so the executor stays the only writer of the store.

import type { ApplyEngine } from "../apply/engine.ts";
import { hasEnded, type Activation } from "../apply/job.ts";
import type { LeaseSettings } from "../config/lease-settings.ts";
import { describeCredential } from "../profiles/credential-facts.ts";
import type { ProfileStore } from "../profiles/store.ts";
import type { Log } from "../secrets/log.ts";
import type { LeasedStore, WriteState } from "./leased-store.ts";

/** What a {@link QueuedLeasedStore} works with. */
export interface QueuedStoreOptions {
  readonly engine: Pick<ApplyEngine, "queue" | "kick">;
  readonly store: Pick<ProfileStore, "readCredential" | "describe">;
  readonly settings: Pick<LeaseSettings, "leaseProfileId" | "enforceLeaseAsActiveAuth">;
  /** The agent of OpenClaw whose store is meant. */
  readonly agentId: string;
  readonly activation: Activation;
  readonly randomBytes: (size: number) => Uint8Array;
  readonly log: Log;
}

/** The store behind the queue. */
export class QueuedLeasedStore implements LeasedStore {
  readonly #options: QueuedStoreOptions;

  constructor(options: QueuedStoreOptions) {
    this.#options = options;
  }

  async write({ leaseId, material, ours, requestedBy }: Parameters<LeasedStore["write"]>[0]): Promise<string> {
    const { engine, settings } = this.#options;
    const { job } = await engine.queue.enqueueLeased({
      ...this.#common(),
      leaseId,
      makeFirst: settings.enforceLeaseAsActiveAuth,
      credential: {
        access: material.accessToken,
        expiresAtMs: material.expiresAtMs,
        email: material.email,
        accountId: material.accountId,
        label: material.label,
      },
      ...(ours === undefined ? {} : { ours }),
      ...(requestedBy === undefined ? {} : { requestedBy }),
    });
    await this.#kick();
    return job.id;
  }

  async remove({ from, leaseId, requestedBy }: Parameters<LeasedStore["remove"]>[0]): Promise<string> {
    const { engine } = this.#options;
    const { profileId, agentId } = from;
    const { job } = await engine.queue.enqueueLeaseRemoval({
      ...this.#common(),
      profileId,
      agentId,
      ours: from.access,
      ...(from.madeOrder === undefined ? {} : { madeOrder: from.madeOrder }),
      ...(leaseId === undefined ? {} : { leaseId }),
      ...(requestedBy === undefined ? {} : { requestedBy }),
    });
    await this.#kick();
    return job.id;
  }

  place(): { readonly profileId: string; readonly agentId: string } {
    return { profileId: this.#options.settings.leaseProfileId, agentId: this.#options.agentId };
  }

  async state(jobId: string): Promise<WriteState> {
    const job = await this.#options.engine.queue.get(jobId);
    if (job === undefined) return { kind: "unknown" };
    if (!hasEnded(job)) return { kind: "open" };
    if (job.state === "done") {
      const { order } = job;
      return order?.wasImplicit === true ? { kind: "done", madeOrder: order.written } : { kind: "done" };
    }
    // A newer write took its place, or a person gave it up: what the store holds decides.
    if (job.problem === undefined) return { kind: "unknown" };
    return { kind: "failed", problem: job.problem };
  }

  async holds(accessFingerprint: string): Promise<boolean> {
    const { store, settings, agentId } = this.#options;
    return (await describeCredential(store, settings.leaseProfileId, agentId))?.access === accessFingerprint;
  }

  /** The job is durable already: no executor now is no reason to think that it was not asked for. */
  async #kick(): Promise<void> {
    const { engine, log } = this.#options;
    await engine.kick().catch((error: unknown) => log.error("lease.kick", error));
  }

  #common(): { requestId: string; agentId: string; profileId: string; activation: Activation } {
    const { settings, agentId, activation, randomBytes } = this.#options;
    // A name of its own for each: the same tokens may have to be written again after somebody removed them.
    const requestId = Buffer.from(randomBytes(12)).toString("hex");
    return { requestId, agentId, profileId: settings.leaseProfileId, activation };
  }
}
