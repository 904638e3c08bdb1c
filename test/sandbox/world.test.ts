// A sandbox world is a machine on which our own program finds everything by itself, and of which nothing is left.

import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { loadConfig } from "../../src/config/config.ts";
import { brokerToken } from "../../src/config/lease-settings.ts";
import { ownPaths } from "../../src/config/paths.ts";
import { createLeaseBroker } from "../../src/lease/broker-client.ts";
import { openSandboxWorld, type SandboxWorld } from "../../src/sandbox/world.ts";

async function open(): Promise<SandboxWorld> {
  const world = await openSandboxWorld();
  onTestFinished(() => world.close());
  return world;
}

describe("a sandbox world", () => {
  it("has settings under which our own client leases from its broker as `demo`", async () => {
    const { broker, environment, stateDir } = await open();
    const own = ownPaths(stateDir);
    const { lease } = await loadConfig(own.config, environment);
    expect(lease).toMatchObject({ machineId: "demo", agentId: "openclaw" });
    expect(lease.broker).toMatchObject({ baseUrl: broker.origin, token: undefined });
    if (lease.broker === undefined) throw new Error("no broker in the settings");

    const { baseUrl, allowInsecureLocalhost } = lease.broker;
    const token = await brokerToken(lease.broker, environment.uid);
    const client = createLeaseBroker({ baseUrl, allowInsecureLocalhost, token });
    onTestFinished(() => client.close());
    const owner = { machineId: lease.machineId, agentId: lease.agentId };
    const acquired = await client.acquire(owner, { requestedTtlSeconds: 1_800, reason: "test" });
    expect(broker.lease(acquired.lease.leaseId)).toMatchObject({ machineId: "demo", state: "active" });
  });

  it("keeps the broker's token in a file of its own, which only its owner can read", async () => {
    const { broker, stateDir } = await open();
    const { config, root } = ownPaths(stateDir);
    const path = join(root, "broker-token");
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(root).mode & 0o777).toBe(0o700);
    expect(readFileSync(path, "utf8").trim()).toBe(broker.token.expose());
    expect(readFileSync(config, "utf8")).not.toContain(broker.token.expose());
  });

  it("closes its broker and removes its folder, and may be closed twice", async () => {
    const world = await open();
    await world.close();
    await world.close();
    expect(existsSync(world.folder)).toBe(false);
    await expect(fetch(world.broker.origin)).rejects.toThrow("fetch failed");
  });
});
