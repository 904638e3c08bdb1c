// A client of a loopback server, with time-outs and waits small enough for tests.

import type { IncomingMessage, ServerResponse } from "node:http";
import { onTestFinished } from "vitest";
import { CodexAuthError } from "../../src/errors.ts";
import { createLeaseBroker, type LeaseBrokerOptions } from "../../src/lease/broker-client.ts";
import type { LeaseBroker } from "../../src/lease/broker.ts";
import { Secret } from "../../src/secrets/secret.ts";
import { loadExchanges, wireBody } from "../support/broker-exchanges.ts";
import { brokerServer, type BrokerServer, type SeenRequest } from "../support/broker-server.ts";

export const OWNER = { machineId: "m1", agentId: "openclaw" };
export const LEASE_ID = "lease_G_2QKJJQTUy3J9MP";
export const TOKEN = "internal-token-of-the-lab";

/** A client, its server, and the waits that it made between tries. */
export interface BrokerLab {
  readonly broker: LeaseBroker;
  readonly server: BrokerServer;
  readonly waits: readonly number[];
}

/** A client of a server that answers by `answer`. Waits are not waited, only noted; `random` is 1/2. */
export async function brokerLab(
  answer: (request: SeenRequest, response: ServerResponse, raw: IncomingMessage) => void,
  options: Partial<LeaseBrokerOptions> = {},
): Promise<BrokerLab> {
  const waits: number[] = [];
  const server = await brokerServer(answer);
  const broker = createLeaseBroker({
    baseUrl: server.origin,
    token: Secret.of(TOKEN),
    random: () => 0.5,
    sleep: async (ms) => {
      waits.push(ms);
    },
    ...options,
  });
  onTestFinished(async () => broker.close());
  return { broker, server, waits };
}

/** Every call of the port, by name, for one lease. */
export function everyCall(broker: LeaseBroker, signal?: AbortSignal): Readonly<Record<string, () => Promise<object>>> {
  const options = signal === undefined ? {} : { signal };
  return {
    acquire: async () => broker.acquire(OWNER, { requestedTtlSeconds: 1_800, reason: "test" }, options),
    get: async () => broker.get(LEASE_ID, options),
    renew: async () => broker.renew(LEASE_ID, OWNER, options),
    rotate: async () => broker.rotate(LEASE_ID, OWNER, "low_quota_remaining", options),
    release: async () => broker.release(LEASE_ID, OWNER, "test", options),
    materialize: async () => broker.materialize(LEASE_ID, OWNER, options),
    telemetry: async () => broker.telemetry(LEASE_ID, OWNER, { capturedAtMs: Date.UTC(2026, 10, 21) }, options),
    reconcile: async () => broker.reconcileAuth(LEASE_ID, OWNER, Secret.of('{"tokens":{}}'), options),
    import: async () => broker.importUsage({ owner: OWNER, sourceName: "test", exportJson: {} }, options),
  };
}

/** The calls that may be made twice. */
export const REPEATABLE = ["acquire", "get", "renew", "materialize", "import"];

/** The recorded answer to exchange `number`, changed. */
export function recorded(number: number, change: (body: Record<string, unknown>) => void = () => undefined): unknown {
  const body = JSON.parse(wireBody(loadExchanges()[number]!)) as Record<string, unknown>;
  change(body);
  return body;
}

/** The error that `promise` ends with; anything else fails the test. */
export async function failure(promise: Promise<unknown>): Promise<CodexAuthError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof CodexAuthError) return error;
    throw error;
  }
  throw new Error("It did not fail.");
}
