// Puts this machine's lease together from its settings: broker, record, telemetry and keeper; the broker is opened at its first use.

import { createHash, randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { Address } from "../apply/job.ts";
import type { LeaseDoor, UsageTotals } from "../chat/lease-door.ts";
import { LEASE } from "../config/defaults.ts";
import { brokerToken } from "../config/lease-settings.ts";
import { CodexAuthError } from "../errors.ts";
import { LeasedAuthFile } from "../lease/auth-file.ts";
import { createLeaseBroker } from "../lease/broker-client.ts";
import type { LeaseBroker } from "../lease/broker.ts";
import type { DeskParts } from "../lease/desk-parts.ts";
import { LeaseDesk } from "../lease/desk.ts";
import { LeaseKeeper } from "../lease/keeper.ts";
import { QueuedLeasedStore } from "../lease/materialize.ts";
import { pushRenewedTokens } from "../lease/reconcile.ts";
import { LeaseService, notSet, type LeaseDeed, type LeaseView } from "../lease/service.ts";
import { LeaseFile, type RecordOwner } from "../lease/sticky.ts";
import { LeaseTelemetry } from "../lease/telemetry.ts";
import { importUsageExport } from "../lease/usage-import.ts";
import type { CodexLogin } from "../profiles/codex-home.ts";
import type { Parts } from "./services.ts";

interface Opened {
  readonly broker: LeaseBroker;
  readonly service: LeaseService;
  readonly telemetry: LeaseTelemetry;
}

/** The lease of one host process. */
export class LeaseHost implements LeaseDoor {
  readonly #parts: Parts;
  readonly #owner: RecordOwner;
  readonly #book: LeaseFile;
  #opened: Promise<Opened> | undefined;
  #keeper: LeaseKeeper | undefined;
  #isCounting = false;

  /** @throws CodexAuthError `ERR_BROKER_NOT_SET` where no broker is set, or the lease is off. */
  constructor(parts: Parts) {
    const { lease } = parts.config;
    if (lease.broker === undefined) throw notSet(lease);
    this.#parts = parts;
    this.#owner = { brokerUrl: lease.broker.baseUrl, machineId: lease.machineId, agentId: lease.agentId };
    this.#book = new LeaseFile(parts.own.lease);
  }

  async view(): Promise<LeaseView> {
    return (await this.#open()).service.view();
  }

  async totals(): Promise<UsageTotals | undefined> {
    return (await this.#open()).telemetry.totals();
  }

  async act(deed: LeaseDeed, requestedBy?: Address): Promise<unknown> {
    const { service, telemetry } = await this.#open();
    const result = await service.act(deed, requestedBy === undefined ? {} : { requestedBy });
    await this.#attribute(telemetry);
    return result;
  }

  async flush(): Promise<unknown> {
    const { service, telemetry } = await this.#open();
    await telemetry.flush();
    return service.step({ isForced: true });
  }

  /** Counts the usage of one request, for the lease that is held now; false where there is nothing to count in it. */
  async observe(event: unknown): Promise<boolean> {
    const { telemetry } = await this.#open();
    this.#isCounting = true;
    await this.#attribute(telemetry);
    return telemetry.observeUsage(event);
  }

  /** Keeps the lease until `signal` aborts; a broker that is away does not end it. */
  async keep(signal: AbortSignal): Promise<void> {
    const { config, log } = this.#parts;
    const { service, telemetry } = await this.#open();
    const keeper = new LeaseKeeper({
      step: async (options) => {
        const dueMs = await service.step({ ...options, pid: process.pid });
        await this.#attribute(telemetry);
        await this.#importUsage();
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
    await service.begin().catch((error: unknown) => log.error("lease.begin", error));
    await this.#attribute(telemetry);
    await keeper.run(signal);
  }

  /** Closes the connections; what is not told yet stays on disk. */
  async close(): Promise<void> {
    if (this.#opened === undefined) return;
    const { broker, telemetry } = await this.#opened;
    // Its stop tells the broker what is unsent: a call that only looked at the lease must not.
    if (this.#isCounting) await telemetry.stop();
    await broker.close();
  }

  async #atEnd(): Promise<void> {
    const { service, telemetry } = await this.#open();
    await telemetry.stop();
    if (this.#parts.config.lease.releaseLeaseOnShutdown) {
      const late = AbortSignal.timeout(LEASE.stopWithinMs);
      // Not by a person: the next start asks for a lease again.
      await service.releaseForNow({ signal: late });
    }
  }

  /** Counts belong to the lease that is held now. */
  async #attribute(telemetry: LeaseTelemetry): Promise<void> {
    const status = (await this.#book.read(this.#owner))?.status;
    const { machineId, agentId } = this.#owner;
    telemetry.setLease(status === undefined ? undefined : { leaseId: status.leaseId, owner: { machineId, agentId } });
  }

  async #importUsage(): Promise<void> {
    const { config, log, now, own } = this.#parts;
    const { usageExportJsonPath: path, usageExportDays: days } = config.lease;
    if (path === undefined) return;
    const { broker } = await this.#open();
    const leaseId = (await this.#book.read(this.#owner))?.status?.leaseId;
    const { machineId, agentId } = this.#owner;
    try {
      const outcome = await importUsageExport({
        broker,
        owner: { machineId, agentId },
        path,
        days,
        folder: own.lease,
        now,
        ...(leaseId === undefined ? {} : { leaseId }),
      });
      if (outcome === "imported") log.info("lease.usage-imported");
    } catch (error) {
      // The figures are absolute: the next try tells all of them.
      log.error("lease.usage-import", error);
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
    const { config, engine, environment, log, now, own, store } = this.#parts;
    const settings = config.lease;
    if (settings.broker === undefined) throw notSet(settings);
    const broker = createLeaseBroker({
      baseUrl: settings.broker.baseUrl,
      allowInsecureLocalhost: settings.broker.allowInsecureLocalhost,
      token: await brokerToken(settings.broker, environment.uid),
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
      authFile: this.#authFilePort(file),
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
    const telemetry = new LeaseTelemetry({
      broker,
      folder: own.lease,
      flushEveryRequests: settings.flushEveryRequests,
      flushIntervalMs: settings.flushIntervalMs,
      now,
      random: Math.random,
      randomBytes,
      log,
      onFlushed: ({ rows }) => {
        // What was told may have used the credential up: the broker then revokes the lease at once (facts/lease-broker.md §3.5).
        if (rows > 0) this.#keeper?.lookNow();
      },
    });
    return {
      broker,
      service: new LeaseService({ settings, owner: this.#owner, book: this.#book, desk, now }),
      telemetry,
    };
  }

  #authFilePort(file: LeasedAuthFile): DeskParts["authFile"] & object {
    const { config, log } = this.#parts;
    // Nobody else has them: whoever runs the machine should know why the account has to be signed in again at the manager.
    const tell = (isLost: boolean): void => {
      if (isLost) log.warn("lease.renewed-tokens-given-up", { path: config.lease.authFilePath });
    };
    return {
      ...(config.lease.writeAuthFile
        ? {
            write: async (leaseId, material) => tell((await file.write(leaseId, material)).replacedRenewed),
            takeOver: async (leaseId, material, requestedBy) => {
              const written = await file.takeOver(leaseId, material, (login) => this.#park(login, requestedBy));
              tell(written.replacedRenewed);
            },
          }
        : {}),
      remove: async () => tell((await file.remove()).removedRenewed),
    };
  }

  /** Keeps the Codex CLI's own login as a waiting one before the lease takes its place. */
  async #park(login: CodexLogin, requestedBy: Address): Promise<void> {
    const { config, engine } = this.#parts;
    const { tokens, whose } = login;
    // A waiting login is its tokens: whatever else stands in the file would be lost.
    if (tokens === undefined || whose.hasMore) throw notALogin();
    // The same login is the same parked one: killed between parking and replacing, this runs again.
    const id = `p-${createHash("sha256")
      .update(`put-aside\0${whose.refreshFingerprint ?? ""}`)
      .digest("hex")
      .slice(0, 16)}`;
    await engine.parked.put(
      {
        agentId: config.agentId,
        profileId: PUT_ASIDE_PROFILE,
        reason: "put-aside",
        expiresAtMs: whose.expiresAtMs ?? 0,
        requestedBy,
        ...(whose.email === undefined ? {} : { email: whose.email }),
        ...(whose.planType === undefined ? {} : { planType: whose.planType }),
        ...(whose.identity === undefined ? {} : { identity: whose.identity }),
      },
      {
        access: tokens.accessToken,
        refresh: tokens.refreshToken,
        id: tokens.idToken,
        expiresAtMs: whose.expiresAtMs ?? 0,
      },
      id,
    );
  }
}

/** Where a login that was put aside would go by default; a person chooses. */
const PUT_ASIDE_PROFILE = "openai-codex:codex-cli";

function notALogin(): CodexAuthError {
  return new CodexAuthError("ERR_LEASE_FILE_TAKEN", {
    message: "The Codex CLI's file holds an API key or something else that could not be kept beside a waiting login.",
    next: "Move the file away yourself, then write the lease there: `/lease materialize`.",
  });
}
