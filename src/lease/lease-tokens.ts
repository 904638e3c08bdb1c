// The tokens of the lease on this machine: fetched, handed to the store and the login file, watched, and taken away again.

import type { Address, Problem } from "../apply/job.ts";
import { LEASE } from "../config/defaults.ts";
import { CodexAuthError, isCodexAuthError, toCodexAuthError } from "../errors.ts";
import { fingerprint } from "../secrets/fingerprint.ts";
import type { LeaseMaterial } from "./broker.ts";
import { known, ownerOf, withSignal, type CallContext, type DeskParts } from "./desk-parts.ts";
import { backoffMs } from "./situation.ts";
import type { Turn } from "./sticky.ts";

/** What is done with the leased tokens. Each call needs a turn. */
export class LeaseTokens {
  readonly #parts: DeskParts;

  constructor(parts: DeskParts) {
    this.#parts = parts;
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

  /** Has the leased tokens removed from the store, and from the login file where they are ours. */
  async remove(turn: Turn, requestedBy: Address | undefined): Promise<void> {
    const { store, authFile } = this.#parts;
    const { material, status, storedBy } = turn.record;
    if (material !== undefined || storedBy !== undefined) {
      const leaseId = status?.leaseId ?? material?.leaseId;
      await store.remove({
        ...(leaseId === undefined ? {} : { leaseId }),
        ...(requestedBy === undefined ? {} : { requestedBy }),
      });
      await turn.change({ material: undefined, storedBy: undefined });
    }
    await authFile?.remove();
    await turn.change({ fileProblem: undefined });
  }

  /** Fetches the tokens of the lease and hands them to the queue. @throws CodexAuthError `ERR_LEASE_MATERIAL_EXPIRED`, `ERR_LEASE_NO_MATERIAL`. */
  async materialize(turn: Turn, { signal, requestedBy }: CallContext): Promise<string> {
    const { broker, store, now } = this.#parts;
    const { leaseId, credentialId, credentialAuthUpdatedAt } = known(turn.record);
    try {
      const { material } = await broker.materialize(leaseId, ownerOf(this.#parts.settings), withSignal(signal));
      const { expiresAtMs } = material;
      // The broker hands an expired token out with 200 where the manager could not refresh it (§3.4).
      if (expiresAtMs === undefined || expiresAtMs - now() < LEASE.materialMinLifeMs) throw expiredMaterial();
      // Killed after the next line, tokens are on their way that no record names: a release must look for them all the same.
      await turn.change({ storedBy: turn.record.storedBy ?? "not known" });
      const jobId = await store.write({
        leaseId,
        material: { ...material, expiresAtMs },
        ...(requestedBy === undefined ? {} : { requestedBy }),
      });
      await turn.change({
        material: {
          leaseId,
          credentialId,
          atMs: now(),
          expiresAtMs,
          access: fingerprint(material.accessToken),
          jobId,
          ...(credentialAuthUpdatedAt === undefined ? {} : { authUpdatedAt: credentialAuthUpdatedAt }),
        },
        ghostCredentialId: undefined,
        label: material.label,
        email: material.email,
      });
      await this.#writeFile(turn, leaseId, material);
      return jobId;
    } catch (error) {
      const failures = turn.record.materialFailures + 1;
      await turn.change({
        materialFailures: failures,
        materializeNotBeforeMs: now() + backoffMs(failures, this.#parts.random()),
        ...(isCodexAuthError(error, "ERR_LEASE_NO_MATERIAL") ? { ghostCredentialId: credentialId } : {}),
      });
      throw error;
    }
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
        await turn.change({ storedBy: material.jobId, materialFailures: 0, materializeNotBeforeMs: 0 });
        return store.holds(material.access);
      case "unknown": {
        // Its job is long gone (we were not there when it ended): what the store holds decides.
        const isHeld = await store.holds(material.access);
        if (isHeld) await turn.change({ storedBy: material.jobId });
        return isHeld;
      }
      case "failed":
        await this.#writeFailed(turn, state.problem);
        return false;
    }
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

function noFileWanted(): CodexAuthError {
  return new CodexAuthError("ERR_USAGE", {
    message: "The leased login is not written into the Codex CLI's file: `lease.writeAuthFile` is off.",
    next: "Switch it on in the settings; the README says what that means.",
  });
}

function expiredMaterial(): CodexAuthError {
  return new CodexAuthError("ERR_LEASE_MATERIAL_EXPIRED", {
    message: "The broker gave a login that has expired already; it was not written.",
    next: "Sign that account in again at the Auth Manager, or rotate to another one: `/lease rotate`.",
    retryable: true,
  });
}
