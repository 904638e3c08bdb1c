// The embedded fake of the Auth Manager's lease broker: a loopback server for the demo and the tests, honest where the facts speak.

import { randomBytes } from "node:crypto";
import { createServer, type Server } from "node:http";
import { DAY, HOUR } from "../config/defaults.ts";
import { CodexAuthError } from "../errors.ts";
import { Secret } from "../secrets/secret.ts";
import type { BrokerFaultQueue } from "./broker-faults.ts";
import { BrokerSite, type BrokerLogEntry } from "./broker-http.ts";
import { tokensOf, type SandboxLogin } from "./broker-profiles.ts";
import type { BrokerSettings, CredentialRow, LeaseRow, TelemetryRow } from "./broker-rows.ts";
import { BrokerState } from "./broker-state.ts";
import { BrokerTelemetry } from "./broker-telemetry.ts";
import { BrokerUsage, type UsageImport } from "./broker-usage.ts";

/** How a sandbox broker is started. */
export interface SandboxBrokerOptions {
  readonly now?: () => number;
  /** Default: a new one; null: the broker has none (503). */
  readonly token?: Secret | null;
  /** Default: alpha, bravo, charlie and delta, used to 10, 20, 30 and 40 %, and leased in that order. */
  readonly credentials?: readonly SandboxLogin[];
  /** Default: the defaults of the broker's code. */
  readonly settings?: Partial<BrokerSettings>;
  /** Whose 422 it gives. Default 2, which is installed today; the captured exchanges are of 1. */
  readonly pydantic?: 1 | 2;
}

/** A running sandbox broker. Labels are those of its credentials; an unknown one, or lease, is `ERR_USAGE`. */
export interface SandboxBroker {
  readonly origin: string;
  readonly token: Secret;
  readonly log: readonly BrokerLogEntry[];
  readonly faults: BrokerFaultQueue;
  /** The lease as it is now; undefined: there is none of this id. */
  lease(id: string): Readonly<LeaseRow> | undefined;
  /** Oldest first, ended ones too. */
  leases(): readonly Readonly<LeaseRow>[];
  credential(label: string): Readonly<CredentialRow>;
  /** In the order in which they came. */
  telemetryRows(leaseId: string): readonly TelemetryRow[];
  /** Imports of usage that were new, oldest first. */
  imports(): readonly UsageImport[];
  /** The tokens that the manager has for a login now. */
  tokens(label: string): { readonly accessToken: Secret; readonly refreshToken: Secret | undefined };
  /** The manager refreshes: the refresh token rotates. `expiresInMs` below 0: it has expired already (§3.4). */
  refreshCredential(label: string, expiresInMs?: number): void;
  /** The manager's own figure, which lasts: from 99 not assignable, from 100 exhausted with the lease still active (§4). */
  setUtilization(label: string, pct: number | null): void;
  /** The manager's own figure: 0 is not assignable. */
  setQuota(label: string, quota: number | null): void;
  /** As an admin does: its leases are revoked; with a figure below 100 it is available again at the next call (§3.8). */
  markExhausted(label: string, reason?: string): void;
  /** For `ms` from now; 0 ends it. Default an hour. */
  cooldown(label: string, ms?: number): void;
  /** Revokes the credential for good; its leases stay as they are. */
  revoke(label: string): void;
  /** As an admin does; the next call wipes it (§3.8). */
  disable(label: string): void;
  /** Its credential stays and is leased on as a ghost (§3.4). */
  deleteProfile(label: string): void;
  /** Puts a lease's end into the past, as by hand in the database. */
  expireLease(id: string): void;
  /** Takes a lease out of the database: it is "not found" from now on. */
  deleteLease(id: string): void;
  configure(settings: Partial<BrokerSettings>): void;
  /** Down: connections are refused; what it knows is kept. */
  stop(): Promise<void>;
  /** Up again, at the same port. */
  start(): Promise<void>;
  /** {@link stop} and {@link start}. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

const LOGINS: readonly SandboxLogin[] = ["alpha", "bravo", "charlie", "delta"].map((label, index) => ({
  label,
  name: `Fake ${label.slice(0, 1).toUpperCase()}${label.slice(1)}`,
  utilizationPct: 10 * (index + 1),
  weeklyResetInMs: (index + 2) * DAY,
}));

/** Starts a sandbox broker on a free port of 127.0.0.1. */
export async function startSandboxBroker(options: SandboxBrokerOptions = {}): Promise<SandboxBroker> {
  const now = options.now ?? Date.now;
  const token = options.token === undefined ? Secret.of(randomBytes(24).toString("base64url")) : options.token;
  const state = new BrokerState(options.credentials ?? LOGINS, options.settings ?? {}, now);
  const parts = { state, telemetry: new BrokerTelemetry(state), usage: new BrokerUsage(state) };
  const site = new BrokerSite(parts, { token: token ?? undefined, pydantic: options.pydantic ?? 2 });
  let server: Server | undefined;
  let port = 0;
  const start = async (): Promise<void> => {
    if (server !== undefined) return;
    server = createServer((request, response) => {
      site.handle(request, response).catch(() => response.destroy());
    });
    port = await listen(server, port);
  };
  const stop = async (): Promise<void> => {
    const running = server;
    server = undefined;
    if (running !== undefined) await shut(running);
  };
  const leaseOf = (id: string): LeaseRow => {
    const lease = state.lease(id);
    if (lease === undefined) throw unknownLease();
    return lease;
  };
  const { credentials } = state;
  await start();
  return {
    origin: `http://127.0.0.1:${port}`,
    token: token ?? Secret.of(""),
    log: site.log,
    faults: site.faults,
    lease: (id) => {
      state.sweep();
      const lease = state.lease(id);
      return lease === undefined ? undefined : { ...lease };
    },
    leases: () => {
      state.sweep();
      return state.leases().map((lease) => ({ ...lease }));
    },
    credential: (label) => ({ ...credentials.byLabel(label) }),
    telemetryRows: (leaseId) => parts.telemetry.rows(leaseId),
    imports: () => [...parts.usage.imports],
    tokens: (label) => {
      const { access_token: access, refresh_token: refresh } = tokensOf(credentials.profile(label).auth);
      return {
        accessToken: Secret.of(String(access)),
        refreshToken: typeof refresh === "string" ? Secret.of(refresh) : undefined,
      };
    },
    refreshCredential: (label, expiresInMs) => credentials.refresh(label, expiresInMs),
    setUtilization: (label, pct) => credentials.setUsage(label, { pct }),
    setQuota: (label, quota) => credentials.setUsage(label, { quota }),
    markExhausted: (label, reason = "admin_marked_exhausted") => state.exhaust(credentials.byLabel(label), reason),
    cooldown: (label, ms = 1 * HOUR) => {
      credentials.byLabel(label).cooldownUntilMs = ms > 0 ? now() + ms : null;
      credentials.settle(credentials.byLabel(label));
    },
    revoke: (label) => {
      credentials.byLabel(label).revokedAtMs = now();
      credentials.settle(credentials.byLabel(label));
    },
    disable: (label) => state.setDisabled(credentials.byLabel(label), true),
    deleteProfile: (label) => credentials.deleteProfile(label),
    expireLease: (id) => {
      leaseOf(id).expiresAtMs = now() - 1;
    },
    deleteLease: (id) => state.forget(leaseOf(id)),
    configure: (settings) => {
      state.settings = { ...state.settings, ...settings };
    },
    stop,
    start,
    restart: async () => {
      await stop();
      await start();
    },
    close: stop,
  };
}

async function listen(server: Server, port: number): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : port;
}

function shut(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    // A hanging or kept-alive connection must not keep the demo from ending.
    server.closeAllConnections();
  });
}

function unknownLease(): CodexAuthError {
  return new CodexAuthError("ERR_USAGE", {
    message: "The sandbox broker has no such lease.",
    next: "Name a lease that it has given.",
  });
}
