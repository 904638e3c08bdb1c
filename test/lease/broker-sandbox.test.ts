// The client against the sandbox broker, which others wrote from the same facts: one whole life of a lease.

import { expect, it, onTestFinished } from "vitest";
import { createLeaseBroker } from "../../src/lease/broker-client.ts";
import { startSandboxBroker } from "../../src/sandbox/broker.ts";
import { Secret } from "../../src/secrets/secret.ts";
import { failure, OWNER } from "./broker-lab.ts";

it("a lease lives its whole life at the sandbox broker", async () => {
  const sandbox = await startSandboxBroker();
  onTestFinished(() => sandbox.close());
  const broker = createLeaseBroker({ baseUrl: sandbox.origin, token: sandbox.token, sleep: async () => undefined });
  onTestFinished(async () => broker.close());
  const wish = { requestedTtlSeconds: 1_800, reason: "test" };
  const { lease } = await broker.acquire(OWNER, wish);
  expect(lease).toMatchObject({ state: "active", ...OWNER });
  expect(await broker.acquire(OWNER, wish)).toMatchObject({ reused: true, lease: { leaseId: lease.leaseId } });
  expect((await broker.get(lease.leaseId)).authRefreshRequired).toBe(true);

  const { material } = await broker.materialize(lease.leaseId, OWNER);
  const label = material.label ?? "";
  expect(material.accessToken.expose()).toBe(sandbox.tokens(label).accessToken.expose());
  expect(material.expiresAtMs).toBeGreaterThan(Date.now());
  expect((await broker.get(lease.leaseId)).authRefreshRequired).toBe(false);
  const { accountId, lastRefresh } = material;
  const tokens = {
    access_token: material.accessToken.expose(),
    refresh_token: material.refreshToken?.expose(),
    id_token: material.idToken?.expose(),
    account_id: accountId,
  };
  const authJson = Secret.of(JSON.stringify({ auth_mode: "chatgpt", tokens, last_refresh: lastRefresh }));
  expect(await broker.reconcileAuth(lease.leaseId, OWNER, authJson)).toEqual({ decision: "in_sync" });

  expect((await broker.renew(lease.leaseId, OWNER)).expiresAtMs).toBeGreaterThan(lease.expiresAtMs);
  const report = { capturedAtMs: Date.now(), requestsCount: 3, utilizationPct: 92 };
  expect(await broker.telemetry(lease.leaseId, OWNER, report)).toMatchObject({
    lease: { state: "rotation_required", utilizationPct: 92 },
    credential: { label },
  });
  expect(sandbox.telemetryRows(lease.leaseId)).toHaveLength(1);
  expect((await failure(broker.renew(lease.leaseId, OWNER))).code).toBe("ERR_LEASE_STATE");

  const next = await broker.rotate(lease.leaseId, OWNER, "approaching_utilization_threshold");
  expect(next.leaseId).not.toBe(lease.leaseId);
  expect((await broker.get(lease.leaseId)).state).toBe("released");
  const usage = { owner: OWNER, leaseId: next.leaseId, sourceName: "test", exportJson: { totals: {}, daily: [] } };
  expect((await broker.importUsage(usage)).imported).toBe(true);
  expect((await broker.importUsage(usage)).imported).toBe(false);
  expect((await broker.release(next.leaseId, OWNER, "done")).state).toBe("released");
  expect((await failure(broker.release(next.leaseId, OWNER, "done"))).code).toBe("ERR_LEASE_STATE");

  await sandbox.stop();
  expect(await failure(broker.rotate(next.leaseId, OWNER, "expiry_approaching"))).toMatchObject({
    code: "ERR_BROKER_UNREACHABLE",
    wasSent: false,
  });
  await sandbox.start();
  expect((await broker.get(next.leaseId)).state).toBe("released");
});
