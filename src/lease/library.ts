// The telemetry of the lease as a library: what the Auth Manager's OpenClaw plugin offered to programs, without its store access.

import { CodexAuthError, type ErrorCode } from "../errors.ts";
import { Secret } from "../secrets/secret.ts";
import type { Log } from "../secrets/log.ts";
import type { LeaseContext } from "./batch.ts";
import { createLeaseBroker } from "./broker-client.ts";
import type { LeaseBroker } from "./broker.ts";
import type { FlushResult } from "./flush.ts";
import { LeaseTelemetry, type TelemetryTotals } from "./telemetry.ts";

/** The lease whose usage is counted, and who has it. */
export interface OpenClawLeaseContext {
  readonly leaseId: string;
  readonly machineId: string;
  readonly agentId: string;
}

/** How the plugin is made. */
export interface OpenClawAuthManagerOptions {
  /** Where the broker answers: https, or http on this machine. Undefined or wrong: `flushTelemetry` says so. */
  readonly baseUrl: string | undefined;
  /** The broker's token. Undefined or empty: `flushTelemetry` says so. */
  readonly internalApiToken: string | undefined;
  /** Without one, what is observed is `unattributed` until `setLeaseContext`. */
  readonly context?: OpenClawLeaseContext;
  /** An absolute folder of our own for counts that are not told yet. Default: none; they are then gone with the process. */
  readonly spoolFolder?: string;
  /** A flush begins by itself after so many requests. Default 10. */
  readonly flushEveryRequests?: number;
  /** And after so many milliseconds. Default 60,000. */
  readonly flushIntervalMs?: number;
  /** Whether http is taken for a broker on this machine. Default `true`. */
  readonly allowInsecureLocalhost?: boolean;
  /** Milliseconds since 1970. Default `Date.now`. */
  readonly now?: () => number;
  readonly log?: Log;
}

/** See {@link createOpenClawAuthManagerPlugin}. The functions need no `this`. */
export interface OpenClawAuthManagerPlugin {
  /** Counts one usage event; never throws, reads nothing but numbers, status and names. False where it says nothing of usage. */
  readonly observeUsage: (event: unknown) => boolean;
  /** From now on events belong to this lease; those before stay with the one before. */
  readonly setLeaseContext: (context: OpenClawLeaseContext | undefined) => void;
  /** Tells the broker all that was observed up to now. Never rejects: look at `outcome` and `error` of the result. */
  readonly flushTelemetry: (signal?: AbortSignal) => Promise<FlushResult>;
  /** What was sent, is unsent, and belongs to no lease. */
  readonly totals: () => Promise<TelemetryTotals>;
  /** Flushes once more (10 s at most), ends the timers and the connections. */
  readonly stop: () => Promise<void>;
}

/**
 * Usage telemetry for a program that has a lease already. It touches no OpenClaw store, and nothing of it keeps the process alive.
 *
 * ```ts
 * const plugin = createOpenClawAuthManagerPlugin({
 *   baseUrl: env.AUTH_MANAGER_BASE_URL, // the process's environment, read where your program reads it
 *   internalApiToken: env.AUTH_MANAGER_INTERNAL_API_TOKEN,
 *   context: { leaseId: "lease_…", machineId: "debian", agentId: "openclaw:main" },
 * });
 * plugin.observeUsage({ usage: { prompt_tokens: 1200, completion_tokens: 340, total_tokens: 1540 }, model: "gpt-5.4", status: "ok" });
 * await plugin.flushTelemetry();
 * ```
 *
 * Settings that are missing or wrong do not throw here, since a host must not die of its telemetry: counting works, and every flush
 * fails with `ERR_BROKER_NOT_SET` (or the code of what is wrong) and keeps the counts.
 */
export function createOpenClawAuthManagerPlugin(options: OpenClawAuthManagerOptions): OpenClawAuthManagerPlugin {
  const { broker, close } = connect(options);
  const telemetry = new LeaseTelemetry({
    broker,
    ...(options.spoolFolder === undefined ? {} : { folder: options.spoolFolder }),
    ...(options.now === undefined ? {} : { now: options.now }),
    ...(options.log === undefined ? {} : { log: options.log }),
    ...(options.flushEveryRequests === undefined ? {} : { flushEveryRequests: options.flushEveryRequests }),
    ...(options.flushIntervalMs === undefined ? {} : { flushIntervalMs: options.flushIntervalMs }),
  });
  telemetry.setLease(toContext(options.context));
  telemetry.start();
  return {
    observeUsage: telemetry.observeUsage,
    setLeaseContext: (context) => telemetry.setLease(toContext(context)),
    flushTelemetry: async (signal) => telemetry.flush(signal),
    totals: async () => telemetry.totals(),
    stop: async () => {
      await telemetry.stop();
      await close();
    },
  };
}

function connect(options: OpenClawAuthManagerOptions): {
  readonly broker: Pick<LeaseBroker, "telemetry">;
  readonly close: () => Promise<void>;
} {
  const { baseUrl = "", internalApiToken = "", allowInsecureLocalhost, now } = options;
  try {
    if (baseUrl === "" || internalApiToken === "") throw notSet(baseUrl === "" ? "address" : "token");
    const broker = createLeaseBroker({
      baseUrl,
      token: Secret.of(internalApiToken),
      ...(allowInsecureLocalhost === undefined ? {} : { allowInsecureLocalhost }),
      ...(now === undefined ? {} : { now }),
    });
    return { broker, close: async () => broker.close() };
  } catch (error) {
    return { broker: { telemetry: async () => Promise.reject(error) }, close: async () => undefined };
  }
}

function notSet(what: "address" | "token"): CodexAuthError {
  const code: ErrorCode = "ERR_BROKER_NOT_SET";
  return what === "address"
    ? new CodexAuthError(code, {
        message: "No lease broker is set.",
        next: "Give `baseUrl`, or set AUTH_MANAGER_BASE_URL; what was counted is kept.",
      })
    : new CodexAuthError(code, {
        message: "No token for the lease broker is set.",
        next: "Give `internalApiToken`, or set AUTH_MANAGER_INTERNAL_API_TOKEN; what was counted is kept.",
      });
}

function toContext(context: OpenClawLeaseContext | undefined): LeaseContext | undefined {
  if (context === undefined) return undefined;
  const { leaseId, machineId, agentId } = context;
  // A context that lacks a part would be refused by the broker each time, and its counts lost to every lease.
  if (![leaseId, machineId, agentId].every((text) => typeof text === "string" && text.trim() !== "")) return undefined;
  return { leaseId: leaseId.trim(), owner: { machineId: machineId.trim(), agentId: agentId.trim() } };
}
