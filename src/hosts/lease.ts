// Puts this machine's lease together from its settings: broker, record, telemetry and keeper; the broker is opened at its first use.

import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { Address } from "../apply/job.ts";
import type { LeaseDoor, UsageTotals } from "../chat/lease-door.ts";
import { LEASE } from "../config/defaults.ts";
import { brokerToken } from "../config/lease-settings.ts";
import { isCodexAuthError } from "../errors.ts";
import type { FlushResult } from "../lease/flush.ts";
import { LeasedAuthFile } from "../lease/auth-file.ts";
import type { LeaseBroker } from "../lease/broker.ts";
import { LeaseDesk } from "../lease/desk.ts";
import { LeaseKeeper } from "../lease/keeper.ts";
import { QueuedLeasedStore } from "../lease/materialize.ts";
import { pushRenewedTokens } from "../lease/reconcile.ts";
import { LeaseService, notSet, type LeaseDeed, type LeaseView } from "../lease/service.ts";
import { LeaseFile, type RecordOwner } from "../lease/sticky.ts";
import { LeaseTelemetry } from "../lease/telemetry.ts";
import { importUsageExport } from "../lease/usage-import.ts";
import { withoutRepeats, type Log } from "../secrets/log.ts";
import type { Secret } from "../secrets/secret.ts";
import { KeeperEvents } from "./keeper-events.ts";
import { loginFilePort } from "./lease-login-file.ts";
import type { Parts } from "./services.ts";

interface Opened {
  /** From the next request on. */
  readonly renewToken: (token: Secret) => void;
  readonly broker: LeaseBroker;
  readonly service: LeaseService;
  readonly telemetry: LeaseTelemetry;
  /** Counts what belongs to no lease that is known; it never gets one. */
  readonly unattributed: LeaseTelemetry;
}

/** The lease of one host process. */
export class LeaseHost implements LeaseDoor {
  readonly #parts: Parts;
  readonly #owner: RecordOwner;
  readonly #book: LeaseFile;
  readonly #log: Log;
  #opened: Promise<Opened> | undefined;
  #keeper: LeaseKeeper | undefined;
  #isCounting = false;
  #isCountingApart = false;
  #isImporting = false;
  /** How far the broker's clock is ahead of ours, in milliseconds. */
  #clockAheadMs = 0;

  /** @throws CodexAuthError `ERR_BROKER_NOT_SET` where no broker is set, or the lease is off. */
  constructor(parts: Parts) {
    const { lease } = parts.config;
    if (lease.broker === undefined) throw notSet(lease);
    this.#parts = parts;
    this.#owner = { brokerUrl: lease.broker.baseUrl, machineId: lease.machineId, agentId: lease.agentId };
    this.#book = new LeaseFile(parts.own.lease, parts.now);
    this.#log = withoutRepeats(parts.log, parts.now);
  }

  async view(): Promise<LeaseView> {
    return (await this.#open()).service.view();
  }

  async totals(): Promise<UsageTotals | undefined> {
    return (await this.#open()).telemetry.totals();
  }

  async act(deed: LeaseDeed, requestedBy?: Address): Promise<unknown> {
    return this.#asking(async ({ service, telemetry }) => {
      const result = await service.act(deed, requestedBy === undefined ? {} : { requestedBy });
      await this.#attribute(telemetry);
      return result;
    });
  }

  async flush(): Promise<unknown> {
    return this.#asking(async ({ service, telemetry }) => {
      const told = await telemetry.flush();
      if (told.rows > 0) await service.step({ isForced: true });
      if (told.error !== undefined) throw told.error;
    });
  }

  /** Tells the broker what was counted, and nothing else; what it does not take stays on disk. */
  async tell(): Promise<FlushResult> {
    return this.#asking(({ telemetry }) => telemetry.flush());
  }

  /**
   * Counts the usage of one request, for the lease that is held now, or for none where nobody can say that it was the lease's (default:
   * it was); false where there is nothing to count in it.
   */
  async observe(event: unknown, { isLeased = true }: { readonly isLeased?: boolean } = {}): Promise<boolean> {
    const { telemetry, unattributed } = await this.#open();
    if (!isLeased) {
      // A counter of its own: one that changed its lease to and fro would leave a file behind each time.
      this.#isCountingApart = true;
      unattributed.start();
      return unattributed.observeUsage(event);
    }
    this.#isCounting = true;
    await this.#attribute(telemetry);
    return telemetry.observeUsage(event);
  }

  /** Keeps the lease until `signal` aborts; a broker that is away does not end it. `tell` gets a sentence for each turn of events. */
  async keep(signal: AbortSignal, tell: (line: string) => void = () => undefined): Promise<void> {
    const { config } = this.#parts;
    const log = this.#log;
    // A token that is missing is said at once; one that is wrong is read again at each step, for somebody may mend it.
    const { telemetry } = await this.#open();
    const events = new KeeperEvents(tell, () => this.#book.read(this.#owner));
    let importing: Promise<void> = Promise.resolve();
    const keeper = new LeaseKeeper({
      step: async (options) => {
        const dueMs = await events.of(() =>
          this.#asking(({ service }) => service.step({ ...options, pid: process.pid })),
        );
        await this.#attribute(telemetry);
        // Beside the loop: a slow import must not keep the lease waiting.
        if (!this.#isImporting) importing = this.#importUsage(signal);
        return dueMs;
      },
      record: () => this.#book.read(this.#owner),
      onStop: () => this.#atEnd(),
      settings: config.lease,
      random: Math.random,
      sleep: (ms, end) => delay(ms, undefined, { signal: end }),
      log,
    });
    this.#keeper = keeper;
    this.#isCounting = true;
    telemetry.start();
    await (await this.#open()).service.begin().catch((error: unknown) => log.error("lease.begin", error));
    await this.#attribute(telemetry);
    await keeper.run(signal);
    await importing;
  }

  /** Closes the connections; what is not told yet stays on disk. */
  async close(): Promise<void> {
    if (this.#opened === undefined) return;
    const { broker, telemetry, unattributed } = await this.#opened;
    // Its stop tells the broker what is unsent: a call that only looked at the lease must not.
    if (this.#isCounting) await telemetry.stop();
    if (this.#isCountingApart) await unattributed.stop();
    await broker.close();
  }

  async #atEnd(): Promise<void> {
    const { service, telemetry } = await this.#open();
    await telemetry.stop();
    await service.end(process.pid);
    if (this.#parts.config.lease.releaseLeaseOnShutdown) {
      const late = AbortSignal.timeout(LEASE.stopWithinMs);
      // Not by a person: the next start asks for a lease again.
      await service.releaseForNow({ signal: late, pid: process.pid });
    }
  }

  /** Counts belong to the lease that is held now. */
  async #attribute(telemetry: LeaseTelemetry): Promise<void> {
    const record = await this.#book.read(this.#owner);
    const status = record?.status;
    const { machineId, agentId } = this.#owner;
    // A look is contact, so "last seen" is the broker's time of that look.
    if (record !== undefined && status?.lastSeenAtMs !== undefined)
      this.#clockAheadMs = status.lastSeenAtMs - record.lookedAtMs;
    telemetry.setLease(status === undefined ? undefined : { leaseId: status.leaseId, owner: { machineId, agentId } });
  }

  async #importUsage(signal: AbortSignal): Promise<void> {
    const { config, now, own } = this.#parts;
    const { usageExportJsonPath: path, usageExportDays: days } = config.lease;
    if (path === undefined || signal.aborted) return;
    this.#isImporting = true;
    try {
      const { broker } = await this.#open();
      const leaseId = (await this.#book.read(this.#owner))?.status?.leaseId;
      const { machineId, agentId } = this.#owner;
      const outcome = await importUsageExport({
        broker,
        owner: { machineId, agentId },
        path,
        days,
        folder: own.lease,
        now,
        signal,
        ...(leaseId === undefined ? {} : { leaseId }),
      });
      if (outcome === "imported") this.#log.info("lease.usage-imported");
    } catch (error) {
      // The figures are absolute: the next try tells all of them.
      if (!signal.aborted) this.#log.error("lease.usage-import", error);
    } finally {
      this.#isImporting = false;
    }
  }

  /** Asks the broker; where it refuses our token, the token's file is read again at the next question. */
  async #asking<T>(work: (opened: Opened) => Promise<T>): Promise<T> {
    const opened = await this.#open();
    try {
      return await work(opened);
    } catch (error) {
      if (isCodexAuthError(error, "ERR_BROKER_AUTH")) opened.renewToken(await this.#token());
      throw error;
    }
  }

  #open(): Promise<Opened> {
    this.#opened ??= this.#build().catch((error: unknown) => {
      // A token file that was missing may be there at the next try.
      this.#opened = undefined;
      throw error;
    });
    return this.#opened;
  }

  async #build(): Promise<Opened> {
    const { config, engine, now, own, store } = this.#parts;
    const log = this.#log;
    const settings = config.lease;
    if (settings.broker === undefined) throw notSet(settings);
    let token = await this.#token();
    // Loaded where a broker is asked: every host is put together with a lease, and few have one.
    const { createLeaseBroker } = await import("../lease/broker-client.ts");
    const broker = createLeaseBroker({
      baseUrl: settings.broker.baseUrl,
      allowInsecureLocalhost: settings.broker.allowInsecureLocalhost,
      token: () => token,
      now,
    });
    const { machineId, agentId } = this.#owner;
    const file = new LeasedAuthFile({ path: settings.authFilePath, folder: own.lease, now });
    const desk = new LeaseDesk({
      broker,
      store: new QueuedLeasedStore({
        engine,
        store,
        settings,
        agentId: config.agentId,
        activation: config.activation,
        randomBytes,
        log,
      }),
      settings,
      authFile: loginFilePort(file, this.#parts, log),
      ...(!settings.reconcileAuth
        ? {}
        : {
            pushRenewed: (lease, signal) =>
              pushRenewedTokens({
                enabled: true,
                broker,
                file,
                lease,
                owner: { machineId, agentId },
                ...(signal === undefined ? {} : { signal }),
              }),
          }),
      now,
      random: Math.random,
      log,
    });
    const spool = { broker, folder: own.lease, now, log, randomBytes, random: Math.random };
    const unattributed = new LeaseTelemetry(spool);
    const telemetry = new LeaseTelemetry({
      ...spool,
      flushEveryRequests: settings.flushEveryRequests,
      flushIntervalMs: settings.flushIntervalMs,
      brokerNow: () => now() + this.#clockAheadMs,
      onFlushed: ({ rows }) => {
        // What was told may have used the credential up: the broker then revokes the lease at once (facts/lease-broker.md §3.5).
        if (rows > 0) this.#keeper?.lookNow();
      },
    });
    const service = new LeaseService({ settings, owner: this.#owner, book: this.#book, desk, now });
    return { broker, service, telemetry, unattributed, renewToken: (renewed) => (token = renewed) };
  }

  async #token(): Promise<Secret> {
    const { config, environment } = this.#parts;
    if (config.lease.broker === undefined) throw notSet(config.lease);
    return brokerToken(config.lease.broker, environment.uid);
  }
}
