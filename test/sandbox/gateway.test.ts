// The sandbox gateway behaves as the facts say of the real one, and our gateway port takes it for one.

import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it, onTestFinished } from "vitest";
import { openClawPaths } from "../../src/config/paths.ts";
import { createGateway } from "../../src/gateway/gateway.ts";
import type { GatewayInstance } from "../../src/gateway/instance.ts";
import { openSandboxWorld, type SandboxWorldOptions } from "../../src/sandbox/world.ts";
import { storedLogin } from "../support/apply-world.ts";

// Longer than the slack by which a younger uptime is told from the old one.
const LIMITS = { startWindowMs: 1_200, restartWithinMs: 1_500, pollMs: 20 };

async function setUp(options: SandboxWorldOptions) {
  const world = await openSandboxWorld(options);
  onTestFinished(() => world.close());
  const paths = openClawPaths(world.environment);
  const gateway = createGateway({
    paths,
    tmp: world.environment.tmp,
    uid: process.getuid?.(),
    environment: world.environment.openclaw,
    limits: LIMITS,
  });
  const located = async (): Promise<GatewayInstance> => {
    const location = await gateway.locate();
    if (location.kind !== "running") throw new Error(`not running but ${location.kind}`);
    return location.instance;
  };
  /** Puts a login of `name` into the store, as somebody outside would. */
  const edit = (name: string): void => {
    const store = JSON.parse(readFileSync(world.storePath, "utf8")) as { profiles: Record<string, unknown> };
    store.profiles[`openai-codex:${name}`] = storedLogin(name);
    writeFileSync(world.storePath, JSON.stringify(store));
  };
  const stored = (): string[] =>
    Object.keys((JSON.parse(readFileSync(world.storePath, "utf8")) as { profiles: object }).profiles);
  return { world, gateway, located, edit, stored };
}

describe.each(["one-file", "two-files"] as const)("the sandbox gateway with %s", (shape) => {
  it("is located, is healthy, and does not see an edit before it reloads", async () => {
    const { gateway, located, edit } = await setUp({ shape });
    const instance = await located();
    expect(await gateway.health(instance)).toMatchObject({ live: true, ready: true });
    edit("carol");
    const before = await gateway.profiles(instance);
    await gateway.reload(instance);
    const after = await gateway.profiles(instance);
    if (shape === "one-file") expect([before, after]).toEqual([undefined, undefined]);
    else {
      expect(before?.map(({ profileId }) => profileId)).not.toContain("openai-codex:carol");
      expect(after?.map(({ profileId }) => profileId)).toContain("openai-codex:carol");
    }
  });

  it("restarts by signal as its generation does, and reads the store again", async () => {
    const { gateway, located, edit } = await setUp({ shape });
    const before = await located();
    edit("carol");
    const plan = await gateway.planRestart(before);
    expect(plan).toMatchObject({ kind: "possible", method: "signal" });
    const { instance } = await gateway.restart(before, plan, {});
    // 2026.4.5 comes back as a new process, 2026.5.28 in the same one.
    expect(instance.pid === before.pid).toBe(shape === "two-files");
    expect((await gateway.health(instance)).ready).toBe(true);
  });

  it("writes its old memory over the store when told to", async () => {
    const { gateway, located, edit, stored } = await setUp({ shape, faults: [{ kind: "writes-back", times: 1 }] });
    edit("carol");
    await gateway.reload(await located());
    await expect.poll(stored).not.toContain("openai-codex:carol");
  });

  it("refuses a reload when told to", async () => {
    const { gateway, located } = await setUp({ shape, faults: [{ kind: "reload-fails", times: 1 }] });
    await expect(gateway.reload(await located())).rejects.toMatchObject({ code: "ERR_GATEWAY_RPC" });
  });

  it("is gone after a restart that never comes back, and that is said", async () => {
    const { gateway, located, world } = await setUp({ shape, faults: [{ kind: "never-comes-back" }] });
    const before = await located();
    const plan = await gateway.planRestart(before);
    await expect(gateway.restart(before, plan, {})).rejects.toMatchObject({
      code: expect.stringMatching(/^ERR_(GATEWAY_UNHEALTHY|RESTART_NOT_SEEN|GATEWAY_STOPPED)$/),
    });
    expect(await world.gatewayPid()).toBeUndefined();
  });
});
