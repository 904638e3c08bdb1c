// The sandbox gateway behaves as the facts say of the real one, and our gateway port takes it for one.

import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { describe, expect, it, type TestContext } from "vitest";
import { openClawPaths } from "../../src/config/paths.ts";
import { createGateway } from "../../src/gateway/gateway.ts";
import type { GatewayInstance } from "../../src/gateway/instance.ts";
import { isAlive } from "../../src/sandbox/processes.ts";
import { openSandboxWorld, type SandboxWorldOptions } from "../../src/sandbox/world.ts";
import { storedLogin } from "../support/apply-world.ts";

// Longer than the slack by which a younger uptime is told from the old one, and than a busy machine takes to say it.
const LIMITS = { startWindowMs: 2_000, restartWithinMs: 20_000, pollMs: 20 };
/** Of a restart that fails: all of this time is waited, in which the old process is gone and another one has begun. */
const FAILS = { restartWithinMs: 6_000 };
const TIMEOUT = { timeout: 90_000 };

async function setUp(
  options: SandboxWorldOptions,
  { onTestFinished }: Pick<TestContext, "onTestFinished">,
  limits: Partial<typeof LIMITS> = {},
) {
  const world = await openSandboxWorld(options);
  onTestFinished(() => world.close());
  const paths = openClawPaths(world.environment);
  const gateway = createGateway({
    paths,
    tmp: world.environment.tmp,
    uid: process.getuid?.(),
    environment: world.environment.openclaw,
    limits: { ...LIMITS, ...limits },
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

describe.concurrent.each(["one-file", "two-files"] as const)("the sandbox gateway with %s", TIMEOUT, (shape) => {
  it("is located, is healthy, and does not see an edit before it reloads", async (context) => {
    const { gateway, located, edit } = await setUp({ shape }, context);
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

  it("restarts by signal as its generation does, and reads the store again", async (context) => {
    const { gateway, located, edit } = await setUp({ shape }, context);
    const before = await located();
    edit("carol");
    const plan = await gateway.planRestart(before);
    expect(plan).toMatchObject({ kind: "possible", method: "signal" });
    const { instance } = await gateway.restart(before, plan, {});
    // 2026.4.5 comes back as a new process, 2026.5.28 in the same one.
    expect(instance.pid === before.pid).toBe(shape === "two-files");
    expect((await gateway.health(instance)).ready).toBe(true);
  });

  it("writes its old memory over the store when told to", async (context) => {
    const { gateway, located, edit, stored } = await setUp(
      { shape, faults: [{ kind: "writes-back", times: 1 }] },
      context,
    );
    edit("carol");
    await gateway.reload(await located());
    // The test's own, here and below: the shared one belongs to whichever of these began last, and may belong to nobody.
    await context.expect.poll(stored, { timeout: 15_000 }).not.toContain("openai-codex:carol");
  });

  it("refuses a reload when told to", async (context) => {
    const { gateway, located } = await setUp({ shape, faults: [{ kind: "reload-fails", times: 1 }] }, context);
    await expect(gateway.reload(await located())).rejects.toMatchObject({ code: "ERR_GATEWAY_RPC" });
  });

  it("is gone after a restart that never comes back, and that is said", async (context) => {
    const { gateway, located, world } = await setUp({ shape, faults: [{ kind: "never-comes-back" }] }, context, FAILS);
    const before = await located();
    const plan = await gateway.planRestart(before);
    await expect(gateway.restart(before, plan, {})).rejects.toMatchObject({
      code: expect.stringMatching(/^ERR_(GATEWAY_UNHEALTHY|RESTART_NOT_SEEN|GATEWAY_STOPPED)$/),
    });
    expect(await world.gatewayPid()).toBeUndefined();
    expect(await world.usedProfile()).toBeUndefined();
    await world.setFaults([]);
    await Promise.all([world.startGateway(), world.startGateway()]);
    expect(await gateway.health(await located())).toMatchObject({ ready: true });
  });

  it("is back but not ready after a restart that hangs, and well after the next one", async (context) => {
    const { gateway, located } = await setUp({ shape, faults: [{ kind: "never-ready", times: 1 }] }, context, FAILS);
    const before = await located();
    const plan = await gateway.planRestart(before);
    await expect(gateway.restart(before, plan, {})).rejects.toMatchObject({ code: "ERR_GATEWAY_UNHEALTHY" });
    // Of `one-file` it is another process by then, which may still be starting.
    await context.expect.poll(async () => (await gateway.locate()).kind, { timeout: 30_000 }).toBe("running");
    const stuck = await located();
    expect(await gateway.health(stuck)).toMatchObject({ live: true, ready: false, failing: ["telegram"] });
    const { instance } = await gateway.restart(stuck, await gateway.planRestart(stuck), {});
    expect(await gateway.health(instance)).toMatchObject({ ready: true });
  });

  it("goes on using the login in its memory until it reloads", async (context) => {
    const { gateway, located, world } = await setUp({ shape }, context);
    const before = await world.usedProfile();
    expect(before).toMatchObject({ profileId: "openai-codex:main", email: "ada@example.com" });
    const store = JSON.parse(readFileSync(world.storePath, "utf8")) as { profiles: Record<string, unknown> };
    store.profiles["openai-codex:main"] = storedLogin("carol");
    writeFileSync(world.storePath, JSON.stringify(store));
    expect(await world.usedProfile()).toEqual(before);
    await gateway.reload(await located());
    expect(await world.usedProfile()).toMatchObject({ profileId: "openai-codex:main" });
    expect((await world.usedProfile())?.access).not.toBe(before?.access);
  });
});

describe.concurrent("the sandbox world", TIMEOUT, () => {
  it("waits for a gateway that starts slowly", async (context) => {
    const { gateway, located } = await setUp({ faults: [{ kind: "slow-start", times: 1 }] }, context);
    expect(await gateway.health(await located())).toMatchObject({ ready: true });
  });

  it("leaves neither process nor folder, also after the gateway has become another process", async (context) => {
    const { gateway, located, world } = await setUp({ shape: "one-file" }, context);
    const before = await located();
    const { instance } = await gateway.restart(before, await gateway.planRestart(before), {});
    await world.close();
    expect([before.pid, instance.pid].map(isAlive)).toEqual([false, false]);
    expect(existsSync(world.folder)).toBe(false);
  });
});

describe("a sandbox world that was given up before", () => {
  it("is never opened, and leaves nothing", async () => {
    const before = readdirSync(tmpdir());
    const attempt = openSandboxWorld({ signal: AbortSignal.abort() });
    await expect(attempt).rejects.toMatchObject({ code: "ERR_CANCELLED" });
    expect(readdirSync(tmpdir())).toEqual(before);
  });
});
