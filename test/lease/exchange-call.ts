// One recorded exchange as a call of our client: the same request, as far as our client would ever send it.

import { Secret } from "../../src/secrets/secret.ts";
import type { LeaseBroker, RotateReason, TelemetryReport } from "../../src/lease/broker.ts";
import type { Exchange } from "../support/broker-exchanges.ts";

type Body = Readonly<Record<string, unknown>>;

/** Makes the call of `exchange`; what the port asks for and the recording lacks is filled in. Undefined where our client has no such call. */
export function callOf(broker: LeaseBroker, exchange: Exchange): (() => Promise<object>) | undefined {
  const request: Body = isBody(exchange.request) ? exchange.request : {};
  const owner = { machineId: text(request["machine_id"], "m1"), agentId: text(request["agent_id"], "openclaw") };
  const reason = text(request["reason"], "startup");
  const [, area, id, verb] = /^\/api\/(leases|openclaw)\/([^/]+)(?:\/([^/]+))?$/.exec(exchange.path) ?? [];
  if (area === undefined || id === undefined) return undefined;
  if (area === "openclaw")
    return verb === "import" ? async () => broker.importUsage(imported(request, owner)) : undefined;
  if (exchange.method === "GET") return async () => broker.get(id);
  if (exchange.method !== "POST") return undefined;
  switch (verb ?? id) {
    case "acquire":
      return async () =>
        broker.acquire(owner, { requestedTtlSeconds: number(request["requested_ttl_seconds"], 1_800), reason });
    case "rotate":
      return async () => broker.rotate(text(request["lease_id"], "lease_x"), owner, reason as RotateReason);
    case "renew":
      return async () => broker.renew(id, owner);
    case "release":
      return async () => broker.release(id, owner, reason);
    case "materialize":
      return async () => broker.materialize(id, owner);
    case "telemetry":
      return async () => broker.telemetry(id, owner, report(request));
    case "reconcile-auth":
      return async () => broker.reconcileAuth(id, owner, Secret.of(JSON.stringify(request["auth_json"] ?? {})));
    default:
      return undefined;
  }
}

/** A body with every time in one spelling: the broker takes `…+00:00` and `….000Z` alike (the recording has both). */
export function sameTimes(body: unknown): unknown {
  if (!isBody(body)) return body;
  return Object.fromEntries(
    Object.entries(body).map(([key, value]) => [key, key.endsWith("_at") ? Date.parse(String(value)) : value]),
  );
}

function report(request: Body): TelemetryReport {
  const numbers = {
    requestsCount: request["requests_count"],
    tokensIn: request["tokens_in"],
    tokensOut: request["tokens_out"],
    utilizationPct: request["utilization_pct"],
    quotaRemaining: request["quota_remaining"],
    rateLimitRemaining: request["rate_limit_remaining"],
    errorRate1h: request["error_rate_1h"],
    status: request["status"],
    metadata: request["metadata"],
    lastSuccessAtMs: time(request["last_success_at"]),
    lastErrorAtMs: time(request["last_error_at"]),
  };
  const present = Object.fromEntries(Object.entries(numbers).filter(([, value]) => value !== undefined));
  return { capturedAtMs: time(request["captured_at"]) ?? Date.UTC(2026, 10, 21), ...present };
}

function imported(request: Body, owner: { machineId: string; agentId: string }) {
  const leaseId = request["lease_id"];
  const exportJson = request["export_json"];
  return {
    owner,
    ...(typeof leaseId === "string" ? { leaseId } : {}),
    sourceName: text(request["source_name"], "bench"),
    exportJson: isBody(exportJson) ? exportJson : {},
  };
}

function isBody(value: unknown): value is Body {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function text(value: unknown, otherwise: string): string {
  return typeof value === "string" ? value : otherwise;
}

function number(value: unknown, otherwise: number): number {
  return typeof value === "number" ? value : otherwise;
}

function time(value: unknown): number | undefined {
  const ms = typeof value === "string" ? Date.parse(value) : Number.NaN;
  return Number.isNaN(ms) ? undefined : ms;
}
