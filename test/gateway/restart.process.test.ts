// A restart is believed when it is seen: real processes, real signals, shortened waits.

import { describe, expect, test } from "vitest";
import type { Gateway, GatewayHealth, GatewayInstance, GatewayLocation } from "../../src/gateway/gateway.ts";
import { disagrees } from "../../src/gateway/lock-file.ts";
import { hasRestarted, restartGateway, type RestartTools } from "../../src/gateway/restart.ts";
import { gatewayHome, startPeer, type GatewayHome, type PeerBehaviour } from "./gateway-lab.ts";

const limits = { startWindowMs: 300, restartWithinMs: 10_000, pollMs: 20 };

async function restart(
  home: GatewayHome,
  given: Partial<typeof limits> = {},
  options: Parameters<Gateway["restart"]>[2] = {},
) {
  const gateway = home.gateway({ limits: { ...limits, ...given } });
  const instance = await running(gateway);
  return await gateway.restart(instance, await gateway.planRestart(instance), options);
}

describe("by signal", () => {
  test("a new process is seen, after the start window was waited out", async () => {
    const home = await gatewayHome();
    const { pid, port } = await startPeer(home, "respawn");
    const steps: string[] = [];
    let waitedMs = 0;
    const onProgress = (step: string, detail?: { readonly waitMs?: number }): void => {
      steps.push(step);
      waitedMs += detail?.waitMs ?? 0;
    };
    // Longer than the slack of the uptime, or the first process itself looks like a fresh one on a busy machine.
    const { instance } = await restart(home, { startWindowMs: 6_000 }, { onProgress });
    // On a busy machine the gateway may be back before anybody looks: then it was never seen starting.
    const seen = steps.filter((step) => step !== "starting");
    expect(seen).toEqual(["waiting-for-start-window", "stopping", "healthy"]);
    expect(waitedMs).toBeGreaterThan(0);
    expect(instance.pid).not.toBe(pid);
    expect(instance.port).toBe(port);
  });

  test("a restart within the same process is seen by its uptime", async () => {
    const home = await gatewayHome();
    // The uptime before the order must exceed the slack with which the two clocks are compared.
    const { pid } = await startPeer(home, "in-process");
    const { instance } = await restart(home, { startWindowMs: 1_500 });
    expect(instance.pid).toBe(pid);
  });

  test("one that goes on as before is not taken for restarted", async () => {
    const home = await gatewayHome();
    await startPeer(home, "ignore");
    const attempt = restart(home, { startWindowMs: 3_000, restartWithinMs: 400 });
    await expect(attempt).rejects.toMatchObject({ code: "ERR_RESTART_NOT_SEEN" });
  });

  test("one that does not come back is an error, whatever its exit code", async () => {
    const home = await gatewayHome();
    const peer = await startPeer(home, "exit");
    // It is given time to go, and is not taken for a fresh one before that.
    const attempt = restart(home, { startWindowMs: 2_500, restartWithinMs: 4_000 });
    await expect(attempt).rejects.toMatchObject({ code: "ERR_GATEWAY_UNHEALTHY" });
    await peer.exit;
  });

  test("cancelling during the start window sends nothing", async () => {
    const home = await gatewayHome();
    const { pid } = await startPeer(home, "exit");
    const controller = new AbortController();
    const onProgress = (): void => controller.abort();
    const attempt = restart(home, { startWindowMs: 60_000 }, { signal: controller.signal, onProgress });
    await expect(attempt).rejects.toMatchObject({ code: "ERR_CANCELLED" });
    expect(await running(home.gateway())).toMatchObject({ pid });
  });
});

describe("by a configured command", () => {
  test("the exit code of the command decides nothing", async () => {
    const home = await gatewayHome();
    await startPeer(home, "ignore");
    const gateway = home.gateway({
      limits: { ...limits, startWindowMs: 3_000, restartWithinMs: 300 },
      restartCommand: [process.execPath, "-e", "process.exit(0)"],
    });
    const instance = await running(gateway);
    const plan = await gateway.planRestart(instance);
    expect(plan).toMatchObject({ kind: "possible", method: "command" });
    await expect(gateway.restart(instance, plan, {})).rejects.toMatchObject({ code: "ERR_RESTART_NOT_SEEN" });
  });

  test("the command restarts the gateway", async () => {
    const home = await gatewayHome();
    const { pid } = await startPeer(home, "respawn");
    const gateway = home.gateway({
      // Longer than the slack of the uptime, or the first process itself looks like a fresh one on a busy machine.
      limits: { ...limits, startWindowMs: 2_500 },
      restartCommand: [process.execPath, "-e", `process.kill(${pid}, "SIGUSR1")`],
    });
    const instance = await running(gateway);
    const { instance: after } = await gateway.restart(instance, await gateway.planRestart(instance), {});
    expect(after.pid).not.toBe(pid);
  });

  test("a command that fails is said to have failed", async () => {
    const home = await gatewayHome();
    await startPeer(home, "ignore");
    const gateway = home.gateway({ limits, restartCommand: ["/nowhere/restart-it"] });
    const instance = await running(gateway);
    const attempt = gateway.restart(instance, await gateway.planRestart(instance), {});
    await expect(attempt).rejects.toMatchObject({ code: "ERR_RESTART_REFUSED" });
  });
});

describe("what is planned", () => {
  test.each<[string, PeerBehaviour, NodeJS.ProcessEnv, Record<string, unknown>]>([
    ["a service manager's variable", "exit", { INVOCATION_ID: "abc" }, {}],
    ["commands.restart false", "respawn", {}, { commands: { restart: false } }],
    ["the SQLite generation", "respawn", {}, { meta: { lastTouchedVersion: "2026.9.6" } }],
  ])("no signal with %s", async (_name, behaviour, env, config) => {
    const home = await gatewayHome();
    await startPeer(home, behaviour, { env, config });
    const gateway = home.gateway({ limits });
    const instance = await running(gateway);
    const plan = await gateway.planRestart(instance);
    expect(plan).toMatchObject({ kind: "impossible", error: { code: "ERR_RESTART_IMPOSSIBLE" } });
    await expect(gateway.restart(instance, plan, {})).rejects.toMatchObject({ code: "ERR_RESTART_IMPOSSIBLE" });
    expect(await running(gateway)).toEqual(instance);
  });

  test("a plan from before is judged again", async () => {
    const home = await gatewayHome();
    await startPeer(home, "respawn", { config: { commands: { restart: false } } });
    const gateway = home.gateway({ limits });
    const planned = { kind: "possible", method: "signal", describes: "It restarts." } as const;
    const attempt = gateway.restart(await running(gateway), planned, {});
    await expect(attempt).rejects.toMatchObject({ code: "ERR_RESTART_IMPOSSIBLE" });
  });
});

describe("restartGateway", () => {
  const instance: GatewayInstance = { pid: 10, startTime: 1, port: 1, stateDir: "/s", configPath: "/c" };

  function tools(change: Partial<RestartTools>): { tools: RestartTools; orders: number[] } {
    const orders: number[] = [];
    const base: RestartTools = {
      locate: () => Promise.resolve({ kind: "running", instance }),
      health: () => Promise.resolve({ live: true, ready: true, failing: [], uptimeMs: 60_000 }),
      perform: ({ pid }) => Promise.resolve(void orders.push(pid)),
      now: () => performance.now(),
      limits: { startWindowMs: 0, restartWithinMs: 100, pollMs: 5 },
    };
    return { tools: { ...base, ...change }, orders };
  }

  test("another process that has come in its place meanwhile is the restart that was wanted: it gets no order", async () => {
    const later = { ...instance, startTime: 2 };
    const given = tools({ locate: () => Promise.resolve({ kind: "running", instance: later }) });
    await expect(restartGateway(given.tools, instance)).resolves.toMatchObject({ instance: later });
    expect(given.orders).toEqual([]);
  });

  test("and one that has come but does not get ready is no restart", async () => {
    const later = { ...instance, startTime: 2 };
    const given = tools({
      locate: () => Promise.resolve({ kind: "running", instance: later }),
      health: () => Promise.resolve({ live: true, ready: false, failing: ["channels"], uptimeMs: 10 }),
    });
    await expect(restartGateway(given.tools, instance)).rejects.toMatchObject({ code: "ERR_GATEWAY_UNHEALTHY" });
    expect(given.orders).toEqual([]);
  });

  test("a gateway that has ended meanwhile gets no order", async () => {
    const given = tools({ locate: () => Promise.resolve({ kind: "stopped" }) });
    await expect(restartGateway(given.tools, instance)).rejects.toMatchObject({ code: "ERR_GATEWAY_STOPPED" });
    expect(given.orders).toEqual([]);
  });

  test("one that another restart makes unbelievable for a moment is looked at again before it gets its order", async () => {
    let looks = 0;
    const given = tools({
      locate: () => {
        looks += 1;
        return Promise.resolve(looks < 3 ? notYet() : { kind: "running", instance });
      },
      health: () => Promise.resolve(health(given.orders.length === 0 ? 60_000 : 0)),
      limits: { startWindowMs: 30_000, restartWithinMs: 10_000, pollMs: 1 },
    });
    await expect(restartGateway(given.tools, instance)).resolves.toMatchObject({ instance });
    expect(given.orders).toEqual([instance.pid]);
  });

  test("one that cannot be believed for longer than a start takes gets no order", async () => {
    const given = tools({ locate: () => Promise.resolve(notYet()) });
    await expect(restartGateway(given.tools, instance)).rejects.toMatchObject({ code: "ERR_GATEWAY_DISAGREES" });
    expect(given.orders).toEqual([]);
  });

  test("looking again ends at once where it is cancelled", async () => {
    const controller = new AbortController();
    const given = tools({
      locate: () => {
        controller.abort();
        return Promise.resolve(notYet());
      },
      limits: { startWindowMs: 30_000, restartWithinMs: 100, pollMs: 30_000 },
    });
    const attempt = restartGateway(given.tools, instance, { signal: controller.signal });
    await expect(attempt).rejects.toMatchObject({ code: "ERR_CANCELLED" });
    expect(given.orders).toEqual([]);
  });

  test("an answer that comes late does not make the old run look like a fresh one", async () => {
    let clock = 0;
    const given = tools({
      now: () => clock,
      health: () => {
        const answer = health(60_000 + clock);
        clock += 70_000;
        return Promise.resolve(answer);
      },
    });
    await expect(restartGateway(given.tools, instance)).rejects.toMatchObject({ code: "ERR_RESTART_NOT_SEEN" });
  });

  test("an uptime counts as restarted only if it began after the order", () => {
    expect(hasRestarted(instance, instance, health(400), 500)).toBe(true);
    expect(hasRestarted(instance, instance, health(60_500), 500)).toBe(false);
    expect(hasRestarted(instance, instance, { live: true, ready: true, failing: [] }, 500)).toBe(false);
    expect(hasRestarted(instance, { ...instance, startTime: 2 }, health(60_500), 500)).toBe(true);
  });
});

function notYet(): GatewayLocation {
  return { kind: "refused", error: disagrees("it does not listen yet") };
}

function health(uptimeMs: number): GatewayHealth {
  return { live: true, ready: true, failing: [], uptimeMs };
}

async function running(gateway: Gateway): Promise<GatewayInstance> {
  const location = await gateway.locate();
  if (location.kind === "running") return location.instance;
  throw location.kind === "refused" ? location.error : new Error("the gateway is stopped");
}
