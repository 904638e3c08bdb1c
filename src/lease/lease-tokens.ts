// The tokens of the lease on this machine: fetched, handed to the store and the login file, and watched.

import type { Problem } from "../apply/job.ts";
import { LEASE } from "../config/defaults.ts";
import { CodexAuthError, isCodexAuthError, toCodexAuthError } from "../errors.ts";
import { fingerprint } from "../secrets/fingerprint.ts";
import type { LeaseMaterial } from "./broker.ts";
import { known, ownerOf, withSignal, type CallContext, type DeskParts } from "./desk-parts.ts";
import type { LeaseRemovals } from "./lease-removals.ts";
import { backoffMs } from "./situation.ts";
import type { LeaseRecord, Turn } from "./sticky.ts";

/** Where leased tokens are: in the store, in a job on its way there, gone from it, nowhere, or in a store that cannot be read. */
export type TokensState = "stored" | "on-their-way" | "missing" | "none" | "unknown";

/** How tokens are fetched. */
export interface MaterializeOptions {
  /** Written even if they are the same: a person asked for it. Default false. */
  readonly isForced?: boolean;
  /** True where somebody else took them out of the store. Default false. */
  readonly isMissing?: boolean;
}

/** What is done with the leased tokens. Each call needs a turn. */
export class LeaseTokens {
  readonly #parts: DeskParts;

  readonly #removals: LeaseRemovals;

  constructor(parts: DeskParts, removals: LeaseRemovals) {
    this.#parts = parts;
    this.#removals = removals;
  }

  /** Gives renewed tokens back to the broker; true where the tokens are to be fetched again. A failure is tried again at the next look. */
  async pushRenewed(turn: Turn, { signal }: CallContext): Promise<boolean> {
    const { status } = turn.record;
    if (this.#parts.pushRenewed === undefined || status === undefined) return false;
    try {
      return (await this.#parts.pushRenewed(status, signal)).materializeAgain;
    } catch (error) {
      this.#parts.log.error("lease.push-renewed", error);
      return false;
    }
  }

  /**
   * Fetches the tokens of the lease and hands them to the queue, where they are others than those that are there. Gives the job.
   *
   * @throws CodexAuthError `ERR_LEASE_MATERIAL_EXPIRED`, `ERR_LEASE_NO_MATERIAL`.
   */
  async materialize(turn: Turn, context: CallContext, how: MaterializeOptions = {}): Promise<string> {
    const { broker, now, random, settings } = this.#parts;
    const { leaseId, credentialId } = known(turn.record);
    try {
      const { material } = await broker.materialize(leaseId, ownerOf(settings), withSignal(context.signal));
      const { expiresAtMs } = material;
      // The broker hands an expired token out with 200 where the manager could not refresh it (§3.4).
      if (expiresAtMs === undefined || expiresAtMs - now() < LEASE.materialMinLifeMs) throw expiredMaterial();
      await turn.change({ ghostCredentialId: undefined, label: material.label, email: material.email });
      const earlier = turn.record.material;
      const isSame = earlier?.access === fingerprint(material.accessToken) && earlier.leaseId === leaseId;
      // The manager has not renewed them yet: to write them again would reload, or restart, the gateway for nothing.
      if (isSame && how.isForced !== true && how.isMissing !== true) {
        const seen = { ...earlier, atMs: now(), ...authUpdatedOf(turn.record) };
        await turn.change({ material: seen, materializeNotBeforeMs: now() + LEASE.sameMaterialAgainMs });
        return earlier.jobId;
      }
      const jobId = await this.#write(turn, { ...material, expiresAtMs }, context);
      // Somebody else takes them out again and again: not a race of every minute.
      if (how.isMissing === true) await turn.change({ materializeNotBeforeMs: now() + LEASE.rewriteAgainMs });
      await this.#writeFile(turn, leaseId, material);
      return jobId;
    } catch (error) {
      const failures = turn.record.materialFailures + 1;
      await turn.change({
        materialFailures: failures,
        materializeNotBeforeMs: now() + backoffMs(failures, random()),
        ...(isCodexAuthError(error, "ERR_LEASE_NO_MATERIAL") ? { ghostCredentialId: credentialId } : {}),
      });
      throw error;
    }
  }

  async #write(
    turn: Turn,
    material: LeaseMaterial & { readonly expiresAtMs: number },
    { requestedBy }: CallContext,
  ): Promise<string> {
    const { store, now } = this.#parts;
    const { leaseId, credentialId } = known(turn.record);
    const access = fingerprint(material.accessToken);
    const place = store.place();
    const before = turn.record.stored;
    const isMoved = before !== undefined && (before.profileId !== place.profileId || before.agentId !== place.agentId);
    // The settings name another profile than they did: nobody would look for the tokens in the old one.
    if (isMoved) await this.#removals.remove(turn, undefined);
    const ours = turn.record.stored;
    await turn.change({
      // Before they are on their way: killed after it, a release looks for them all the same.
      stored: {
        ...place,
        leaseIds: [...new Set([leaseId, ...(ours?.leaseIds ?? [])])].slice(0, 4),
        access: [...new Set([access, ...(ours?.access ?? [])])].slice(0, 4),
        ...(ours?.madeOrder === undefined ? {} : { madeOrder: ours.madeOrder }),
      },
      // One that is not carried out yet must not take these away later.
      removals: turn.record.removals.filter(
        ({ profileId, agentId }) => profileId !== place.profileId || agentId !== place.agentId,
      ),
    });
    const jobId = await store.write({
      leaseId,
      material,
      ours: turn.record.stored?.access ?? [],
      ...(requestedBy === undefined ? {} : { requestedBy }),
    });
    const { expiresAtMs } = material;
    await turn.change({
      material: { leaseId, credentialId, atMs: now(), expiresAtMs, access, jobId, ...authUpdatedOf(turn.record) },
    });
    return jobId;
  }

  /** Writes the leased login into the Codex CLI's file for a person who confirmed that the login there may go. */
  async takeFile(turn: Turn, { signal, requestedBy }: CallContext): Promise<void> {
    const { authFile, broker, settings } = this.#parts;
    if (authFile?.takeOver === undefined || requestedBy === undefined) throw noFileWanted();
    const { leaseId } = known(turn.record);
    const { material } = await broker.materialize(leaseId, ownerOf(settings), withSignal(signal));
    await authFile.takeOver(leaseId, material, requestedBy);
    await turn.change({ fileProblem: undefined });
  }

  /**
   * Whether the store holds what was written last; takes the outcome of a job that has ended into the record. A store that
   * cannot be read counts as holding it: to write there would fail too, and the lease must be kept meanwhile.
   */
  async isInPlace(turn: Turn): Promise<boolean> {
    try {
      return await this.#isHeld(turn);
    } catch (error) {
      this.#parts.log.error("lease.look-at-store", error);
      return true;
    }
  }

  /** Where the tokens of `record` are, for showing; changes nothing. */
  async stateOf(record: LeaseRecord | undefined): Promise<TokensState> {
    const { material } = record ?? {};
    if (material === undefined) return "none";
    const { store } = this.#parts;
    try {
      const state = await store.state(material.jobId);
      if (state.kind === "open") return "on-their-way";
      return (await store.holds(material.access)) ? "stored" : "missing";
    } catch {
      return "unknown";
    }
  }

  async #isHeld(turn: Turn): Promise<boolean> {
    const { material, storedBy } = turn.record;
    if (material === undefined) return false;
    const { store } = this.#parts;
    if (storedBy === material.jobId) return store.holds(material.access);
    const state = await store.state(material.jobId);
    switch (state.kind) {
      case "open":
        return true;
      case "done":
        await this.#isDone(turn, material, state.madeOrder);
        return store.holds(material.access);
      case "unknown": {
        // Its job is long gone (we were not there when it ended): what the store holds decides.
        const isHeld = await store.holds(material.access);
        if (isHeld) await this.#isDone(turn, material);
        return isHeld;
      }
      case "failed":
        await this.#writeFailed(turn, state.problem);
        return false;
    }
  }

  async #isDone(
    turn: Turn,
    { jobId, leaseId, access }: NonNullable<LeaseRecord["material"]>,
    madeOrder?: readonly string[],
  ): Promise<void> {
    const { stored, materialFailures } = turn.record;
    await turn.change({
      storedBy: jobId,
      // Those before them are gone from the store now.
      ...(stored === undefined
        ? {}
        : {
            stored: {
              ...stored,
              leaseIds: [leaseId],
              access: [access],
              ...(madeOrder === undefined ? {} : { madeOrder: [...madeOrder] }),
            },
          }),
      ...(materialFailures > 0 ? { materialFailures: 0, materializeNotBeforeMs: 0 } : {}),
    });
  }

  /** The file is the second place: that it is somebody's must not keep the lease out of the store. */
  async #writeFile(turn: Turn, leaseId: string, material: LeaseMaterial): Promise<void> {
    const { authFile } = this.#parts;
    if (authFile?.write === undefined) return;
    try {
      await authFile.write(leaseId, material);
      await turn.change({ fileProblem: undefined });
    } catch (error) {
      const { code, message, next } = toCodexAuthError(error);
      this.#parts.log.error("lease.auth-file", error);
      await turn.change({ fileProblem: { code, message, next } });
    }
  }

  async #writeFailed(turn: Turn, problem: Problem): Promise<void> {
    const { now, random } = this.#parts;
    const failures = turn.record.materialFailures + 1;
    await turn.change({
      // Forgotten, so that one failure is counted once.
      material: undefined,
      materialFailures: failures,
      // A store that refuses is not asked every minute: each try leaves a receipt.
      materializeNotBeforeMs: now() + backoffMs(failures + LEASE.writeFailureSteps, random(), LEASE.writeBackoffMaxMs),
      problem: { ...problem, atMs: now() },
    });
  }
}

function authUpdatedOf({ status }: LeaseRecord): { readonly authUpdatedAt?: string } {
  return status?.credentialAuthUpdatedAt === undefined ? {} : { authUpdatedAt: status.credentialAuthUpdatedAt };
}

function noFileWanted(): CodexAuthError {
  return new CodexAuthError("ERR_USAGE", {
    message: "The leased login is not written into the Codex CLI's file: `lease.writeAuthFile` is off.",
    next: "Switch it on in the settings; docs/lease.md says what that means.",
  });
}

function expiredMaterial(): CodexAuthError {
  return new CodexAuthError("ERR_LEASE_MATERIAL_EXPIRED", {
    message: "The broker gave a login that has expired already; it was not written.",
    next: "Sign that account in again at the Auth Manager, or rotate to another one: `/lease rotate`.",
    retryable: true,
  });
}
