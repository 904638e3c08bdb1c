// Telemetry on a real sandbox broker, with a spool in a folder of its own.

import { mkdtemp, readdir, rm } from "node:fs/promises";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { createLeaseBroker } from "../../src/lease/broker-client.ts";
import type { LeaseContext } from "../../src/lease/batch.ts";
import type { LeaseBroker } from "../../src/lease/broker.ts";
import { LeaseTelemetry, type LeaseTelemetryOptions } from "../../src/lease/telemetry.ts";
import { Secret } from "../../src/secrets/secret.ts";
import { startSandboxBroker, type SandboxBroker } from "../../src/sandbox/broker.ts";
import { temporaryFolder } from "../support/temp-folder.ts";

/** One request of 100 tokens in and 10 out. */
export const REQUEST = { usage: { prompt_tokens: 100, completion_tokens: 10 }, model: "gpt-5.4", status: "ok" };

/** What the broker has of a lease, summed up over its rows. */
interface Told {
  readonly rows: number;
  readonly requests: number;
  readonly tokensIn: number;
  readonly tokensOut: number;
  readonly batches: readonly unknown[];
}

/** A broker, a client and a folder. */
export interface TelemetryLab {
  readonly site: SandboxBroker;
  readonly broker: LeaseBroker;
  readonly folder: string;
  /** A lease for `machineId`. */
  lease(machineId?: string): Promise<LeaseContext>;
  telemetry(options?: Partial<LeaseTelemetryOptions>): LeaseTelemetry;
  told(context: LeaseContext): Told;
  /** Names of the files of batches. */
  batchFiles(): Promise<string[]>;
}

/** Opens one, with its folder in `parent`; everything goes with the test. */
export async function openTelemetryLab(parent?: string): Promise<TelemetryLab> {
  const site = await startSandboxBroker();
  onTestFinished(() => site.close());
  const broker = createLeaseBroker({ baseUrl: site.origin, token: site.token });
  onTestFinished(async () => broker.close());
  const folder = parent === undefined ? await temporaryFolder() : await folderIn(parent);
  return {
    site,
    broker,
    folder,
    lease: async (machineId = "m1") => {
      const owner = { machineId, agentId: "openclaw:main" };
      const { lease } = await broker.acquire(owner, { requestedTtlSeconds: 1800, reason: "test" });
      return { leaseId: lease.leaseId, owner };
    },
    telemetry: (options = {}) => new LeaseTelemetry({ broker, folder, ...options }),
    told: ({ leaseId }) => {
      const rows = site.telemetryRows(leaseId);
      const sum = (pick: (row: (typeof rows)[number]) => number | null): number =>
        rows.reduce((total, row) => total + (pick(row) ?? 0), 0);
      return {
        rows: rows.length,
        requests: sum((row) => row.requestsCount),
        tokensIn: sum((row) => row.tokensIn),
        tokensOut: sum((row) => row.tokensOut),
        batches: rows.map((row) => row.metadata?.["batch_id"]),
      };
    },
    // Not one that is only being written.
    batchFiles: async () =>
      (await readdir(join(folder, "spool")).catch(() => [])).filter((name) => !name.endsWith(".tmp")),
  };
}

async function folderIn(parent: string): Promise<string> {
  const folder = await mkdtemp(join(parent, "case-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }));
  return folder;
}

/** A client of `server`, which begins to listen by this and ends with the test. */
export async function clientOf(server: Server): Promise<LeaseBroker> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const broker = createLeaseBroker({ baseUrl: `http://127.0.0.1:${port}`, token: Secret.of("broker-token") });
  onTestFinished(async () => {
    await broker.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return broker;
}
