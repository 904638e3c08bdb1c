// True usage counts to the broker: added up here, kept on disk, told at least once, each to the lease that it belonged to.

import { randomBytes as nodeRandomBytes } from "node:crypto";
import { LEASE } from "../config/defaults.ts";
import { toCodexAuthError, type ErrorCode } from "../errors.ts";
import { silentLog, type Log } from "../secrets/log.ts";
import { addUsage, isSameLease, NO_USAGE, type Batch, type LeaseContext, type UsageSums } from "./batch.ts";
import type { LeaseBroker } from "./broker.ts";
import { LeaseCounters } from "./counters.ts";
import { Sending, type FlushResult } from "./flush.ts";
import { backoffMs, cancelled, gapInMs, retryInMs, within } from "./flush-pace.ts";
import { MemorySpool } from "./memory-spool.ts";
import { OpenBatch } from "./open-batch.ts";
import { DiskSpool, thisProcess, type Spool } from "./spool.ts";

/** What telemetry works with. */
export interface LeaseTelemetryOptions {
  readonly broker: Pick<LeaseBroker, "telemetry">;
  /** Our own lease folder; counts lie in `<folder>/spool` until they are told. Default: in memory, and gone with the process. */
  readonly folder?: string;
  /** Milliseconds since 1970. Default `Date.now`. */
  readonly now?: () => number;
  /** Now by the broker's clock, for `captured_at` only: the broker ends a lease whose last contact seems old. Default `now`. */
  readonly brokerNow?: () => number;
  /** From 0 up to 1, for the jitter. Default `Math.random`. */
  readonly random?: () => number;
  readonly randomBytes?: (size: number) => Uint8Array;
  /** At how many requests a flush begins by itself, after {@link LeaseTelemetry.start}. Default `LEASE.flushEveryRequests`. */
  readonly flushEveryRequests?: number;
  /** How often a flush begins by itself, in milliseconds. Default `LEASE.flushIntervalMs`. */
  readonly flushIntervalMs?: number;
  /** How often unsent counts are written to disk, in milliseconds: what a SIGKILL may lose. Default `LEASE.spoolIntervalMs`. */
  readonly spoolIntervalMs?: number;
  readonly log?: Log;
  /** Called after each flush, whatever came of it. */
  readonly onFlushed?: (result: FlushResult) => void;
}

/** What was counted, as it is shown. */
export interface TelemetryTotals {
  /** What the broker has taken, since the ledger of this folder began. */
  readonly sent: UsageSums;
  /** What is still to be told, also by other processes of this folder. */
  readonly unsent: UsageSums;
  /** What belongs to no lease that the broker knows as ours; it is kept and never told. */
  readonly unattributed: UsageSums;
}

/** The usage of this machine's lease; see {@link LeaseTelemetryOptions}. */
export class LeaseTelemetry {
  /**
   * Counts one event for the lease that is set now; never throws, and keeps nothing else of it. False where it says nothing of usage.
   * Needs no `this`.
   */
  readonly observeUsage: (event: unknown) => boolean;
  readonly #options: LeaseTelemetryOptions;
  readonly #spool: Spool;
  readonly #now: () => number;
  readonly #log: Log;
  readonly #process = thisProcess();
  readonly #told = new Set<string>();
  /** One for all batches, so that V8 may take it for a constant. */
  readonly #counters: LeaseCounters;
  #open: OpenBatch;
  /** Batches that take no more events and are not sealed on disk yet, oldest first. */
  #closing: OpenBatch[] = [];
  #running: Promise<FlushResult> | undefined;
  #queued: Promise<FlushResult> | undefined;
  /** Writes of open batches, one after another. */
  #writing: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #dueTimer: NodeJS.Timeout | undefined;
  #failures = 0;
  #retryAtMs = 0;
  #begunAtMs: number;
  #lastFlushAtMs: number | undefined;
  #lastError: ErrorCode | undefined;

  constructor(options: LeaseTelemetryOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#log = options.log ?? silentLog;
    this.#spool =
      options.folder === undefined ? new MemorySpool() : new DiskSpool({ folder: options.folder, now: this.#now });
    this.#begunAtMs = this.#now();
    const counters = new LeaseCounters({
      now: this.#now,
      dueAt: options.flushEveryRequests ?? LEASE.flushEveryRequests,
      onDue: () => this.#onDue(),
    });
    this.#counters = counters;
    this.#open = this.#newBatch(undefined);
    this.observeUsage = (event) => counters.observe(event);
  }

  /** When a flush last ended without a failure; undefined: never. */
  get lastFlushAtMs(): number | undefined {
    return this.#lastFlushAtMs;
  }

  /** What the last flush failed of; undefined where it did not. */
  get lastError(): ErrorCode | undefined {
    return this.#lastError;
  }

  /** The lease that events belong to now. */
  get lease(): LeaseContext | undefined {
    return this.#open.lease;
  }

  /** From now on events belong to `lease`; those before stay with the lease before. Undefined: they are unattributed. */
  setLease(lease: LeaseContext | undefined): void {
    const current = this.#open.lease;
    if (current === lease) return;
    if (
      current !== undefined &&
      lease !== undefined &&
      isSameLease({ leaseId: current.leaseId, ...current.owner }, lease)
    )
      return;
    this.#seal(lease);
    void this.#save();
  }

  /**
   * Tells the broker all that was counted up to this call; tried at once, also after a failure. Never rejects: the result says what
   * came of it. Calls while a flush is under way share the one that follows, and the signal of the first of them.
   */
  async flush(signal?: AbortSignal): Promise<FlushResult> {
    if (this.#running === undefined) return this.#begin(signal);
    this.#queued ??= this.#running.then(() => {
      this.#queued = undefined;
      return this.#begin(signal);
    });
    return this.#queued;
  }

  /** Begins to save and to flush by itself; neither keeps the process alive. */
  start(): void {
    if (this.#timer !== undefined) return;
    const { spoolIntervalMs, flushIntervalMs } = this.#options;
    const everyMs = Math.min(spoolIntervalMs ?? LEASE.spoolIntervalMs, flushIntervalMs ?? LEASE.flushIntervalMs);
    this.#timer = setInterval(() => this.tick(), everyMs);
    this.#timer.unref();
    this.#onDue();
  }

  /** Ends what {@link start} began, after a last flush of at most `LEASE.stopFlushMs`; what is unsent then lies sealed in the spool. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    clearTimeout(this.#dueTimer);
    this.#timer = undefined;
    this.#dueTimer = undefined;
    await within(LEASE.stopFlushMs, async (signal) => this.flush(signal));
    // A process that lives on would keep an open batch of its own from being adopted.
    this.#seal(this.#open.lease);
    await this.#save();
  }

  /** Does what is due by the clock: saves what changed, and begins a flush where it is time for one. */
  tick(): void {
    void this.#save();
    const now = this.#now();
    const flushIntervalMs = this.#options.flushIntervalMs ?? LEASE.flushIntervalMs;
    this.#begunAtMs = Math.min(this.#begunAtMs, now);
    if (retryInMs(this.#retryAtMs, now) > 0 || this.#running !== undefined) return;
    if (this.#failures > 0 || now - this.#begunAtMs >= flushIntervalMs) void this.flush();
  }

  /** What was sent, is unsent, and belongs to no lease. */
  async totals(): Promise<TelemetryTotals> {
    const now = this.#now();
    const records = [...this.#closing, this.#open].map((batch) => batch.record("open", now));
    const own = new Map<string, Batch>(records.map((batch) => [batch.id, batch]));
    const { batches, ledger } = await this.#spool.survey();
    for (const batch of batches) if (batch.state === "sealed" || !own.has(batch.id)) own.set(batch.id, batch);
    let { unattributed } = ledger;
    let unsent = NO_USAGE;
    for (const { id, lease, totals } of own.values()) {
      if (ledger.settled.includes(id)) continue;
      if (lease === undefined) unattributed = addUsage(unattributed, totals);
      else unsent = addUsage(unsent, totals);
    }
    return { sent: ledger.sent, unsent, unattributed };
  }

  #begin(signal: AbortSignal | undefined): Promise<FlushResult> {
    this.#begunAtMs = this.#now();
    this.#running = this.#run(signal).finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #run(signal: AbortSignal | undefined): Promise<FlushResult> {
    const sending = new Sending({
      broker: this.#options.broker,
      now: this.#now,
      brokerNow: this.#options.brokerNow ?? this.#now,
      process: this.#process,
      currentLease: () => this.#open.lease,
      told: this.#told,
      log: this.#log,
    });
    let thrown: unknown;
    try {
      await this.#spool.withTurn(async (turn, lost) => {
        const ends = signal === undefined ? lost : AbortSignal.any([signal, lost]);
        ends.throwIfAborted();
        await this.#write();
        // The earlier ones first: while the broker is away the open batch stays open, and does not become a file per try.
        await sending.sendSealed(turn, ends);
        if (sending.refused >= LEASE.refusedBatches) return;
        this.#seal(this.#open.lease);
        await this.#write();
        await sending.sendSealed(turn, ends);
      });
    } catch (error) {
      thrown = signal?.aborted === true ? cancelled(error) : toCodexAuthError(error);
    }
    return this.#conclude(sending.result(thrown), signal?.aborted === true);
  }

  #conclude(result: Omit<FlushResult, "retryAtMs">, isCancelled: boolean): FlushResult {
    const { error } = result;
    const now = this.#now();
    if (error === undefined) {
      this.#failures = 0;
      this.#retryAtMs = 0;
      this.#lastFlushAtMs = now;
    } else if (!isCancelled) {
      this.#failures += 1;
      this.#retryAtMs = now + backoffMs(error, this.#failures, this.#options.random ?? Math.random);
      this.#log.warn("lease-telemetry-not-sent", { code: error.code, failures: this.#failures });
    }
    this.#lastError = error?.code;
    const concluded = {
      ...result,
      retryAtMs: error === undefined || this.#retryAtMs === 0 ? undefined : this.#retryAtMs,
    };
    try {
      this.#options.onFlushed?.(concluded);
    } catch (thrown) {
      this.#log.error("lease-telemetry-listener", thrown);
    }
    return concluded;
  }

  #newBatch(lease: LeaseContext | undefined): OpenBatch {
    const now = this.#now();
    const random = this.#options.randomBytes ?? nodeRandomBytes;
    return new OpenBatch({
      lease,
      counters: this.#counters,
      process: this.#process,
      createdAtMs: now,
      newId: () => `${now}-${Buffer.from(random(8)).toString("hex")}`,
    });
  }

  /** Ends the open batch; events from now on go into the next one, for `next`. */
  #seal(next: LeaseContext | undefined): void {
    this.#open.close();
    this.#closing.push(this.#open);
    this.#open = this.#newBatch(next);
  }

  /** Begins a flush soon, where so many requests were counted and nothing speaks against it. */
  #onDue(): void {
    if (this.#timer === undefined || this.#dueTimer !== undefined) return;
    if (this.#counters.requests < (this.#options.flushEveryRequests ?? LEASE.flushEveryRequests)) return;
    const inMs = gapInMs(this.#begunAtMs, this.#retryAtMs, this.#now());
    this.#dueTimer = setTimeout(() => {
      this.#dueTimer = undefined;
      void this.flush();
    }, inMs);
    this.#dueTimer.unref();
  }

  /** Writes what changed; a failure is logged, and tried again at the next tick. */
  async #save(): Promise<void> {
    await this.#write().catch((error: unknown) => this.#log.error("lease-telemetry-not-saved", error));
  }

  /** Seals on disk what is closing, and saves the open batch. */
  #write(): Promise<void> {
    const write = async (): Promise<void> => {
      let batch = this.#closing[0];
      while (batch !== undefined) {
        await batch.save(this.#spool, "sealed", this.#now());
        this.#closing.shift();
        batch = this.#closing[0];
      }
      await this.#open.save(this.#spool, "open", this.#now());
    };
    const done = this.#writing.then(write, write);
    this.#writing = done.catch(() => undefined);
    return done;
  }
}
