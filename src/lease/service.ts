// This machine's lease as hosts and the chat see it: how it is, what a person may do about it, and its keeper.

import type { LeaseSettings } from "../config/lease-settings.ts";
import { LEASE } from "../config/defaults.ts";
import { CodexAuthError } from "../errors.ts";
import { known, type CallContext } from "./desk-parts.ts";
import type { LeaseDesk } from "./desk.ts";
import type { TokensState } from "./lease-tokens.ts";
import { rotateReason, type LeasePolicy } from "./policy.ts";
import { policyOf } from "./situation.ts";
import { takeStep } from "./step.ts";
import type { LeaseBook, LeaseRecord, RecordOwner, Turn } from "./sticky.ts";

/** What a person may do about the lease. */
export type LeaseDeed =
  | { readonly kind: "refresh" | "renew" | "materialize" | "take-file" }
  /** `leaseId`: the lease that the person was shown; where it is another one by now, nothing is given up. Absent: whichever it is. */
  | { readonly kind: "rotate" | "release" | "reacquire"; readonly leaseId?: string }
  | { readonly kind: "auto-renew" | "auto-rotate"; readonly on: boolean };

/** How the lease is. */
export interface LeaseView {
  readonly settings: LeaseSettings;
  readonly policy: LeasePolicy;
  /** Absent where this machine never had anything to do with this broker. */
  readonly record: LeaseRecord | undefined;
  /** Where the leased tokens are now. */
  readonly tokens: TokensState;
}

/** What a {@link LeaseService} is made of. */
export interface LeaseServiceParts {
  readonly settings: LeaseSettings;
  readonly owner: RecordOwner;
  readonly book: LeaseBook;
  readonly desk: LeaseDesk;
  readonly now: () => number;
}

/** The lease of this machine; safe to use from several processes at once, which take turns. */
export class LeaseService {
  readonly #parts: LeaseServiceParts;

  constructor(parts: LeaseServiceParts) {
    this.#parts = parts;
  }

  /** How the lease was when it was last looked at; asks nobody. */
  async view(): Promise<LeaseView> {
    const { settings, owner, book, desk } = this.#parts;
    const record = await book.read(owner);
    const tokens = await desk.tokens.stateOf(record);
    return { settings, record, policy: policyOf(settings, record), tokens };
  }

  /** One step of the keeper; gives when the next is due, in milliseconds. */
  async step(options: CallContext & { readonly isForced?: boolean; readonly pid?: number } = {}): Promise<number> {
    const { desk, settings, now } = this.#parts;
    return this.#turn(async (turn) => {
      if (options.pid !== undefined) await turn.change({ keeper: { pid: options.pid, atMs: now() } });
      return takeStep(turn, { desk, settings, now }, options);
    });
  }

  /**
   * Does what a person asked for, and what follows from it (a new lease is written out at once).
   *
   * @returns The job that writes or removes the tokens, where there is one to follow.
   * @throws CodexAuthError what the broker refuses, `ERR_LEASE_NONE` where there is no lease to do it with.
   */
  async act(deed: LeaseDeed, context: CallContext = {}): Promise<{ readonly jobId?: string }> {
    return this.#turn(async (turn) => {
      const before = turn.record.material?.jobId;
      await this.#perform(turn, deed, context);
      const after = turn.record.material?.jobId;
      return after === undefined || after === before ? {} : { jobId: after };
    });
  }

  /** Gives the lease back because its host stops, not because a person wants none. */
  async releaseForNow(context: CallContext & { readonly pid?: number }): Promise<void> {
    const { now } = this.#parts;
    await this.#turn(async (turn) => {
      const { keeper } = turn.record;
      const isKept = keeper !== undefined && keeper.pid !== context.pid && now() - keeper.atMs < LEASE.keeperSilentMs;
      // Another process keeps it, and goes on.
      if (isKept) return;
      if (turn.record.release === undefined && turn.record.status !== undefined)
        await this.#parts.desk.release(turn, "until-start", context);
    });
  }

  /** The keeper `pid` is at work no more. */
  async end(pid: number): Promise<void> {
    await this.#turn(async (turn) => {
      if (turn.record.keeper?.pid === pid) await turn.change({ keeper: undefined });
    });
  }

  /** Takes up what {@link releaseForNow} has put down. */
  async begin(): Promise<void> {
    await this.#turn(async (turn) => {
      const { release, status } = turn.record;
      // One that is only half carried out is ended first, by the first step.
      if (release === "until-start") await turn.change({ release: status === undefined ? undefined : "for-another" });
    });
  }

  async #perform(turn: Turn, deed: LeaseDeed, context: CallContext): Promise<void> {
    const { desk } = this.#parts;
    if ("leaseId" in deed && deed.leaseId !== turn.record.status?.leaseId) throw anotherLease();
    switch (deed.kind) {
      case "auto-renew":
        return turn.change({ autoRenew: deed.on });
      case "auto-rotate":
        return turn.change({ autoRotate: deed.on });
      case "refresh":
        return this.#settle(turn, context);
      case "renew":
        await desk.look(turn, context);
        await desk.renew(turn, context);
        return this.#settle(turn, context);
      case "rotate":
        await desk.look(turn, context);
        await desk.rotate(turn, rotateReason(known(turn.record)), context);
        await turn.change({ materializeNotBeforeMs: 0 });
        return this.#settle(turn, context);
      case "release":
        await desk.release(turn, "for-good", context);
        return this.#settle(turn, context);
      case "reacquire":
        await turn.change({ note: undefined });
        if (turn.record.status !== undefined) await desk.release(turn, "for-another", context);
        await turn.change({ release: undefined, note: undefined, acquireNotBeforeMs: 0, materializeNotBeforeMs: 0 });
        return this.#settle(turn, context);
      case "materialize":
        await desk.look(turn, context);
        await desk.tokens.materialize(turn, context, { isForced: true });
        return;
      case "take-file":
        return desk.tokens.takeFile(turn, context);
    }
  }

  async #settle(turn: Turn, context: CallContext): Promise<void> {
    const { desk, settings, now } = this.#parts;
    await takeStep(turn, { desk, settings, now }, { ...context, isForced: true });
  }

  async #turn<T>(work: (turn: Turn) => Promise<T>): Promise<T> {
    const { settings, book, owner } = this.#parts;
    if (settings.broker === undefined) throw notSet(settings);
    return book.turn(owner, work);
  }
}

function anotherLease(): CodexAuthError {
  return new CodexAuthError("ERR_LEASE_STATE", {
    message: "The lease is another one by now; nothing was given up.",
    next: "Look at it again with `/lease`.",
  });
}

/** What to do where no broker is set. */
export function notSet(settings: Pick<LeaseSettings, "enabled">): CodexAuthError {
  return new CodexAuthError("ERR_BROKER_NOT_SET", {
    message: settings.enabled
      ? "This machine has no lease broker set."
      : "The lease is switched off (`lease.enabled`).",
    next: settings.enabled
      ? "Set lease.baseUrl and lease.internalApiTokenFile in the settings (or AUTH_MANAGER_BASE_URL and AUTH_MANAGER_INTERNAL_API_TOKEN)."
      : "Switch it on in the settings, then try again.",
  });
}
