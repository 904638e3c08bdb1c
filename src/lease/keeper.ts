// Keeps the lease: one loop, one step at a time, which nothing that happens at the broker can end.

import type { LeaseSettings } from "../config/lease-settings.ts";
import { LEASE } from "../config/defaults.ts";
import { toCodexAuthError } from "../errors.ts";
import type { Log } from "../secrets/log.ts";
import type { CallContext } from "./desk-parts.ts";
import type { LeaseRecord } from "./sticky.ts";
import { backoffMs } from "./situation.ts";

/** What a keeper works with. */
export interface KeeperParts {
  /** Takes one step; gives when the next one is due, in milliseconds. */
  readonly step: (options: CallContext & { readonly isForced?: boolean }) => Promise<number>;
  /** The record as it is, for the time between failures. */
  readonly record: () => Promise<LeaseRecord | undefined>;
  /** What is done once when the keeper stops: a last flush, a release. Bounded by its own time-outs. */
  readonly onStop?: () => Promise<void>;
  readonly settings: Pick<LeaseSettings, "refreshIntervalMs">;
  readonly random: () => number;
  /** Waits, or less long where `signal` aborts. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly log: Log;
}

/**
 * The loop of the lease.
 *
 * - *stepping*: one step is under way; `lookNow` makes another one follow at once.
 * - *waiting*: until the next step is due, `lookNow` is called, or it is stopped.
 * - *stopped*: the step under way has ended (within `LEASE.stopWithinMs`), what is to be done at the end is done.
 */
export class LeaseKeeper {
  readonly #parts: KeeperParts;
  #wake: AbortController | undefined;
  #isWanted = false;

  constructor(parts: KeeperParts) {
    this.#parts = parts;
  }

  /** Has the lease looked at now: after a flush of telemetry, which may have revoked it, and after a press in a chat. */
  lookNow(): void {
    this.#isWanted = true;
    this.#wake?.abort();
  }

  /** Keeps the lease until `signal` aborts; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { log, onStop } = this.#parts;
    const abandon = new AbortController();
    let graceTimer: NodeJS.Timeout | undefined;
    // A step is let end: cut off behind an acquire, the broker would hold a lease for us that we do not know of.
    const stopping = (): void => {
      graceTimer = setTimeout(() => abandon.abort(), LEASE.stopWithinMs);
    };
    signal.addEventListener("abort", stopping, { once: true });
    await this.#steps(signal, abandon.signal);
    clearTimeout(graceTimer);
    await onStop?.().catch((error: unknown) => log.error("lease.stop", error));
  }

  async #steps(signal: AbortSignal, abandon: AbortSignal): Promise<void> {
    const { log, sleep } = this.#parts;
    let failures = 0;
    let lastCode: string | undefined;
    while (!signal.aborted) {
      const isForced = this.#isWanted;
      this.#isWanted = false;
      let waitMs: number;
      try {
        waitMs = await this.#parts.step({ signal: abandon, isForced });
        if (failures > 0) log.info("lease.recovered", { after: failures });
        failures = 0;
        lastCode = undefined;
      } catch (error) {
        if (signal.aborted) break;
        failures += 1;
        const { code } = toCodexAuthError(error);
        // The same failure every minute of a night is one line in the log, not five hundred.
        if (code !== lastCode) log.error("lease.step", error, { failures });
        lastCode = code;
        waitMs = await this.#waitAfter(failures);
      }
      if (!this.#isWanted) await this.#wait(waitMs, signal, sleep);
    }
  }

  /** A lease that we have must be seen to in time, however often that failed; without one there is no hurry. */
  async #waitAfter(failures: number): Promise<number> {
    const { record, settings, random } = this.#parts;
    const hasLease = (await record().catch(() => undefined))?.status !== undefined;
    return backoffMs(failures, random(), hasLease ? settings.refreshIntervalMs : LEASE.backoffMaxMs);
  }

  async #wait(ms: number, signal: AbortSignal, sleep: KeeperParts["sleep"]): Promise<void> {
    const wake = new AbortController();
    this.#wake = wake;
    const end = (): void => wake.abort();
    // Not `AbortSignal.any`: on a signal that lives as long as the host each use leaves something behind, once a minute.
    signal.addEventListener("abort", end, { once: true });
    if (signal.aborted) end();
    try {
      await sleep(ms, wake.signal).catch(() => undefined);
    } finally {
      signal.removeEventListener("abort", end);
      this.#wake = undefined;
    }
  }
}
