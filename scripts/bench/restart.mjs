// How long a gateway is away when a job restarts it, beyond what its own restart takes: the sandbox gateway, whose delays are fixed.

import { once } from "node:events";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { loadConfig } from "../../dist/config/config.js";
import { ownPaths } from "../../dist/config/paths.js";
import { buildParts } from "../../dist/hosts/services.js";
import { readGatewayOptions, writeGatewayOptions } from "../../dist/sandbox/gateway-options.js";
import { openSandboxWorld } from "../../dist/sandbox/world.js";
import { silentLog } from "../../dist/secrets/log.js";
import { atMost, interleaved, told } from "./lab.mjs";
import { putFirst } from "./order-job.mjs";

const STARTUP_MS = 400;
const DRAIN_MS = 100;
const PROBE_MS = 2;
const PROFILES = ["openai-codex:main", "openai-codex:old"];

/** Both sides restart the same gateway: a bare SIGUSR1, as its owner would, and a job with `activation: restart`. */
export async function restart({ quick }) {
  const world = await openSandboxWorld();
  try {
    const optionsPath = join(world.folder, "gateway-options.json");
    const options = await readGatewayOptions(optionsPath);
    await writeGatewayOptions(optionsPath, { ...options, startupMs: STARTUP_MS, drainMs: DRAIN_MS });
    const { environment } = world;
    const config = await loadConfig(ownPaths(world.stateDir).config, environment);
    // A real gateway is left alone for 30 s after its start; that is a wait, and no downtime.
    const limits = { startWindowMs: 500 };
    const parts = buildParts({ environment, config, log: silentLog, launch: async () => undefined, limits });
    let jobs = 0;
    const byJob = async () => {
      jobs += 1;
      await putFirst(parts, { profileId: PROFILES[jobs % 2], activation: "restart", number: jobs });
    };
    const took = await interleaved(
      quick ? 1 : 7,
      {
        bare: () => downtime(world.port, async () => void process.kill(await pidOf(world), "SIGUSR1")),
        job: () => downtime(world.port, byJob),
      },
      quick ? 0 : 1,
    );
    return [
      atMost(100, "restart downtime beyond the gateway's own", took.job - took.bare, "ms"),
      told(`the gateway's own, ${STARTUP_MS} ms of it set`, took.bare, "ms"),
    ];
  } finally {
    await world.close();
  }
}

/** Its lock names the pid a moment after it listens again. */
async function pidOf(world) {
  for (;;) {
    const pid = await world.gatewayPid();
    if (pid !== undefined) return pid;
    await pause(PROBE_MS);
  }
}

/** Runs `work` and gives the milliseconds for which nothing listened at `port`; waits until something does again. */
async function downtime(port, work) {
  const ended = new AbortController();
  let [downAt, upAt] = [undefined, undefined];
  const watching = (async () => {
    while (!ended.signal.aborted || downAt === undefined || upAt === undefined) {
      const isUp = await listens(port);
      if (!isUp) downAt ??= performance.now();
      else if (downAt !== undefined) upAt ??= performance.now();
      await pause(PROBE_MS);
    }
  })();
  await work();
  ended.abort();
  await watching;
  return upAt - downAt;
}

async function listens(port) {
  const socket = connect(port, "127.0.0.1");
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
