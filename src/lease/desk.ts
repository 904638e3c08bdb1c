// What can be done about the lease, one turn at a time: the calls to the broker with what they leave in the record.

import { CodexAuthError, isCodexAuthError } from "../errors.ts";
import type { LeaseOwner, LeaseStatus, RotateReason } from "./broker.ts";
import { known, withSignal, type CallContext, type DeskParts } from "./desk-parts.ts";
import { LeaseRemovals } from "./lease-removals.ts";
import { LeaseTokens } from "./lease-tokens.ts";
import { backoffMs, countEnded } from "./situation.ts";
import type { LeaseRecord, Turn } from "./sticky.ts";

/** The calls about the lease. Each needs a turn; each leaves the record true at whatever line it is killed. */
export class LeaseDesk {
  readonly tokens: LeaseTokens;
  readonly removals: LeaseRemovals;
  readonly #parts: DeskParts;
  readonly #owner: LeaseOwner;

  constructor(parts: DeskParts) {
    this.#parts = parts;
    this.removals = new LeaseRemovals(parts);
    this.tokens = new LeaseTokens(parts, this.removals);
    const { machineId, agentId } = parts.settings;
    this.#owner = { machineId, agentId };
  }

  /** Looks at the lease of the record; a lease that the broker does not know is forgotten. */
  async look(turn: Turn, { signal }: CallContext): Promise<void> {
    const last = turn.record.status;
    if (last === undefined || turn.record.endedLeaseId === last.leaseId) return;
    try {
      await this.#saw(turn, await this.#parts.broker.get(last.leaseId, withSignal(signal)));
    } catch (error) {
      if (!isCodexAuthError(error, "ERR_LEASE_NOT_FOUND")) throw error;
      this.#parts.log.warn("lease.unknown-to-broker", { lease: last.leaseId });
      await turn.change({ status: undefined });
    }
  }

  /** Takes over the lease that the settings name. @throws CodexAuthError `ERR_LEASE_NOT_OWNED`, `ERR_LEASE_NOT_FOUND`. */
  async adopt(turn: Turn, leaseId: string, { signal }: CallContext): Promise<void> {
    const status = await this.#parts.broker.get(leaseId, withSignal(signal)).catch((error: unknown) => {
      throw isCodexAuthError(error, "ERR_LEASE_NOT_FOUND") ? goneLease(error) : error;
    });
    if (status.machineId !== this.#owner.machineId || status.agentId !== this.#owner.agentId) throw foreignLease();
    await this.#saw(turn, status);
  }

  /** Asks for a lease and looks at it. @throws CodexAuthError `ERR_LEASE_NO_CREDENTIAL`. */
  async acquire(turn: Turn, why: string, { signal }: CallContext): Promise<void> {
    const { broker, settings } = this.#parts;
    const wish = { requestedTtlSeconds: settings.requestedTtlSeconds, reason: why };
    const { lease } = await broker.acquire(this.#owner, wish, withSignal(signal));
    await turn.change({ release: undefined });
    await this.#saw(turn, await broker.get(lease.leaseId, withSignal(signal)));
  }

  /** Gives an unusable lease back once another one is there; that it fails is no loss, it ends by itself. */
  async giveBack(leaseId: string, { signal }: CallContext): Promise<void> {
    try {
      await this.#parts.broker.release(leaseId, this.#owner, "replaced", withSignal(signal));
    } catch (error) {
      this.#parts.log.warn("lease.give-back", { lease: leaseId, code: codeOf(error) });
    }
  }

  /** Renews the lease and looks at it. */
  async renew(turn: Turn, { signal }: CallContext): Promise<void> {
    const { leaseId } = known(turn.record);
    await this.#parts.broker.renew(leaseId, this.#owner, withSignal(signal));
    await this.#saw(turn, await this.#parts.broker.get(leaseId, withSignal(signal)));
  }

  /**
   * Exchanges the lease for one on another credential. An answer that is lost is no harm: the next look shows the old lease
   * released, and acquiring for this machine gives the new one (§3.1).
   */
  async rotate(turn: Turn, reason: RotateReason, { signal }: CallContext): Promise<void> {
    const { leaseId } = known(turn.record);
    const { broker, now, random } = this.#parts;
    try {
      const lease = await broker.rotate(leaseId, this.#owner, reason, withSignal(signal));
      await turn.change({
        rotatedAtMs: now(),
        rotateFailures: 0,
        rotateNotBeforeMs: 0,
        rotationDisabledAtMs: undefined,
      });
      await this.#saw(turn, await broker.get(lease.leaseId, withSignal(signal)));
    } catch (error) {
      const failures = turn.record.rotateFailures + 1;
      await turn.change({
        rotateFailures: failures,
        rotateNotBeforeMs: now() + backoffMs(failures, random()),
        ...(isCodexAuthError(error, "ERR_LEASE_ROTATION_DISABLED") ? { rotationDisabledAtMs: now() } : {}),
      });
      throw error;
    }
  }

  /**
   * Has the tokens removed here and gives the lease back, in this order: a broker that is away, or hostile, must not keep them
   * here. What for is on disk first: killed at any line, the keeper goes on with it.
   */
  async release(turn: Turn, why: NonNullable<LeaseRecord["release"]>, context: CallContext): Promise<void> {
    const { status } = turn.record;
    // Later nobody would take them, and they are the only ones that work.
    if (turn.record.release === undefined) await this.tokens.pushRenewed(turn, context);
    await turn.change({ release: why });
    await this.removals.remove(turn, context.requestedBy);
    if (status !== undefined) await this.#returnLease(status.leaseId, context);
    await turn.change({
      status: undefined,
      label: undefined,
      email: undefined,
      shortLived: 0,
      acquireNotBeforeMs: 0,
      ...(why === "for-another" ? { release: undefined } : {}),
    });
  }

  /** Puts what went wrong on the side into the operator's log. */
  note(event: string, error: unknown): void {
    this.#parts.log.error(event, error);
  }

  async #returnLease(leaseId: string, { signal }: CallContext): Promise<void> {
    try {
      await this.#parts.broker.release(leaseId, this.#owner, "released_by_person", withSignal(signal));
    } catch (error) {
      // One that has ended already, or that is not ours any more, needs no giving back.
      if (!isCodexAuthError(error, "ERR_LEASE_STATE", "ERR_LEASE_NOT_OWNED", "ERR_LEASE_NOT_FOUND")) throw error;
    }
  }

  async #saw(turn: Turn, status: LeaseStatus): Promise<void> {
    const { now, random, log } = this.#parts;
    const isNew = turn.record.status?.leaseId !== status.leaseId;
    const isOther = turn.record.status?.credentialId !== status.credentialId;
    // What the last credential was called is not what this one is.
    await turn.change({ status, lookedAtMs: now(), ...(isOther ? { label: undefined, email: undefined } : {}) });
    if (isNew) log.info("lease.have", { lease: status.leaseId, standing: status.state });
    const isOver = status.state === "released" || status.state === "revoked" || status.state === "expired";
    if (isOver) {
      log.warn("lease.ended", { lease: status.leaseId, standing: status.state });
      await turn.change(countEnded(turn.record, now(), random()));
    }
  }
}

function foreignLease(): CodexAuthError {
  return new CodexAuthError("ERR_LEASE_NOT_OWNED", {
    message: "The lease that the setting lease.leaseId names belongs to another machine or agent.",
    next: "Remove the setting (a lease is then acquired), or correct lease.machineId and lease.agentId.",
  });
}

function goneLease(cause: unknown): CodexAuthError {
  return new CodexAuthError("ERR_LEASE_NOT_FOUND", {
    message: "The broker does not know the lease that the setting lease.leaseId names.",
    next: "Remove the setting: a lease is then acquired.",
    cause,
  });
}

function codeOf(error: unknown): string {
  return isCodexAuthError(error) ? error.code : "ERR_INTERNAL";
}
