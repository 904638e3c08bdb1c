// One flush: what lies in the spool goes to the broker, batch by batch, and each is settled before the next.

import { isCodexAuthError, toCodexAuthError, type CodexAuthError } from "../errors.ts";
import type { Log } from "../secrets/log.ts";
import { addUsage, isSameLease, NO_USAGE, reportOf, type Batch, type LeaseContext, type UsageSums } from "./batch.ts";
import type { Lease, LeaseBroker, LeasedCredential } from "./broker.ts";
import { UnreadAnswer } from "./broker-answer.ts";
import type { SpoolTurn } from "./spool.ts";

/** What came of a flush; it never throws. */
export interface FlushResult {
  /** `sent`: all that there was is settled. `nothing`: there was nothing. `failed`: something is still unsent; `error` says why. */
  readonly outcome: "sent" | "nothing" | "failed";
  /** How many rows the broker took. */
  readonly rows: number;
  readonly sent: UsageSums;
  /** What could be told of no lease, and was counted apart. */
  readonly unattributed: UsageSums;
  readonly damagedFiles: number;
  readonly error: CodexAuthError | undefined;
  /** When it is tried again by itself; undefined where it need not be. */
  readonly retryAtMs: number | undefined;
  /** What the broker last answered about the current lease; undefined where it was not asked. */
  readonly answer: { readonly lease: Lease; readonly credential: LeasedCredential | undefined } | undefined;
}

/** What batches are sent with. */
export interface SendOptions {
  readonly broker: Pick<LeaseBroker, "telemetry">;
  readonly now: () => number;
  /** Now by the broker's clock. */
  readonly brokerNow: () => number;
  /** Who sends, to know which batches are its own. */
  readonly process: Batch["process"];
  readonly currentLease: () => LeaseContext | undefined;
  /** Ids that the broker took but that could not be settled: they are settled, not sent, the next time. */
  readonly told: Set<string>;
  readonly log: Log;
}

/** One flush in progress. */
export class Sending {
  rows = 0;
  sent: UsageSums = NO_USAGE;
  unattributed: UsageSums = NO_USAGE;
  damagedFiles = 0;
  /** The first failure that left a batch where it is. */
  error: CodexAuthError | undefined;
  answer: FlushResult["answer"];
  readonly #options: SendOptions;
  /** Batches that were refused in this flush: they are not tried twice. */
  readonly #refused = new Set<string>();

  constructor(options: SendOptions) {
    this.#options = options;
  }

  /** How many batches the broker refused and that stay where they are. */
  get refused(): number {
    return this.#refused.size;
  }

  /** Sends all that is sealed. @throws what makes it useless to go on: no answer, no access, a full disk. */
  async sendSealed(turn: SpoolTurn, signal: AbortSignal): Promise<void> {
    const { batches, damagedFiles } = await turn.sealed();
    this.damagedFiles = damagedFiles;
    for (const batch of batches) {
      signal.throwIfAborted();
      if (!this.#refused.has(batch.id)) await this.#sendOne(turn, batch, signal);
    }
  }

  async #sendOne(turn: SpoolTurn, batch: Batch, signal: AbortSignal): Promise<void> {
    try {
      const outcome = this.#options.told.has(batch.id) ? "sent" : await this.#tell(batch, signal);
      await turn.settle(batch, outcome);
      this.#options.told.delete(batch.id);
      if (outcome !== "nothing") this[outcome] = addUsage(this[outcome], batch.totals);
    } catch (error) {
      // This row was refused, or answered with something else: it stays, and must not keep the others from being told.
      if (!isCodexAuthError(error, "ERR_BROKER_REQUEST", "ERR_BROKER_RESPONSE")) throw error;
      this.#refused.add(batch.id);
      this.error ??= error;
    }
  }

  /** Tells the broker of one batch, at least once: the broker has no idempotency, so each row names its batch. */
  async #tell(batch: Batch, signal: AbortSignal): Promise<"sent" | "unattributed" | "nothing"> {
    const { broker, now, brokerNow, currentLease, process: sender, told, log } = this.#options;
    if (batch.lease === undefined) return "unattributed";
    const isOwn = batch.process.pid === sender.pid && batch.process.startTime === sender.startTime;
    const isCurrent = isSameLease(batch.lease, currentLease());
    const report = reportOf(batch, { now: now(), capturedAtMs: brokerNow(), isLate: !isOwn || !isCurrent });
    if (report === undefined) return "nothing";
    const { leaseId, ...owner } = batch.lease;
    try {
      const answer = await broker.telemetry(leaseId, owner, report, { signal });
      if (isCurrent) this.answer = answer;
    } catch (error) {
      // The broker does not know the lease, or not as ours: its counts can never be told, and are not thrown away.
      if (isCodexAuthError(error, "ERR_LEASE_NOT_OWNED")) return "unattributed";
      // The row is stored by now, whatever was said of it: sent again, it would be stored again, for as long as the answer is so.
      if (!(error instanceof UnreadAnswer)) throw error;
      log.error("lease-telemetry-answer-unread", error, { batch: batch.id });
    }
    told.add(batch.id);
    this.rows += 1;
    return "sent";
  }

  /** The result, where `thrown` is what ended it early. */
  result(thrown?: unknown): Omit<FlushResult, "retryAtMs"> {
    const error = thrown === undefined ? this.error : toCodexAuthError(thrown);
    const hasTold = this.rows > 0 || this.sent !== NO_USAGE || this.unattributed !== NO_USAGE;
    return {
      outcome: error === undefined ? (hasTold ? "sent" : "nothing") : "failed",
      rows: this.rows,
      sent: this.sent,
      unattributed: this.unattributed,
      damagedFiles: this.damagedFiles,
      error,
      answer: this.answer,
    };
  }
}
