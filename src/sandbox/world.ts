// A whole OpenClaw machine in one temporary folder: home, store, sign-in server, usage server, lease broker and a running gateway; gone when it is closed.

import { spawn, type ChildProcess } from "node:child_process";
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { readEnvironment, type Environment } from "../config/env.ts";
import { SECOND } from "../config/defaults.ts";
import { CodexAuthError } from "../errors.ts";
import { readHealth } from "../gateway/health.ts";
import { startSandboxBroker, type SandboxBroker } from "./broker.ts";
import { readSandboxLockPid, sandboxLockPath } from "./gateway-lock.ts";
import { readGatewayOptions, writeGatewayOptions, type GatewayOptions } from "./gateway-options.ts";
import { askUsedProfiles } from "./gateway-used.ts";
import type { UsedProfile } from "./gateway-store.ts";
import { startSandboxIssuer, type SandboxIssuer } from "./issuer.ts";
import { endProcess, isAlive } from "./processes.ts";
import { startSandboxUsage, type SandboxUsage } from "./usage-server.ts";
import { furnishHome, furnishSettings } from "./world-home.ts";

/** How a world is made. */
export interface SandboxWorldOptions {
  /** Default `two-files`, as 2026.5.28. */
  readonly shape?: GatewayOptions["shape"];
  readonly faults?: GatewayOptions["faults"];
  /** The least time between two restarts of the gateway, in milliseconds. Default 0; the real one's is 30 s. */
  readonly restartCooldownMs?: number;
  /** Gives up opening. */
  readonly signal?: AbortSignal;
}

/** A running world. */
export interface SandboxWorld {
  /** Everything lies below it. */
  readonly folder: string;
  readonly stateDir: string;
  readonly storePath: string;
  readonly port: number;
  readonly issuer: SandboxIssuer;
  /** Our settings in this world name it. */
  readonly broker: SandboxBroker;
  /** Our settings in this world name it too. */
  readonly usage: SandboxUsage;
  /** What our own program is told in this world. */
  readonly environment: Environment;
  /** The variables of a worker in this world. */
  readonly variables: Readonly<Record<string, string>>;
  /** The gateway's process; undefined where none runs. */
  gatewayPid(): Promise<number | undefined>;
  /** Starts the gateway where none runs, as its owner would, and waits until it is ready. */
  startGateway(): Promise<void>;
  /** What is to go wrong from now on. */
  setFaults(faults: GatewayOptions["faults"]): Promise<void>;
  /** Which login the next model call would carry, as the running gateway says; undefined where none runs or it has none. */
  usedProfile(): Promise<UsedProfile | undefined>;
  /** Ends its processes and removes the folder; may be called twice. */
  close(): Promise<void>;
}

/** What has to be ended again. */
interface Started {
  gateway?: ChildProcess;
  issuer?: SandboxIssuer;
  broker?: SandboxBroker;
  usage?: SandboxUsage;
  lockPath?: string;
}

// Tests run this file from src; a process needs the compiled entry.
const ENTRY = import.meta.url.endsWith(".ts") ? "../../dist/sandbox/gateway-main.js" : "gateway-main.js";
const GATEWAY_ENTRY = fileURLToPath(new URL(ENTRY, import.meta.url));
const START_WITHIN_MS = 30 * SECOND;
const END_WITHIN_MS = 2 * SECOND;
const POLL_MS = 25;

/** Makes a world and waits until its gateway is ready. @throws CodexAuthError `ERR_INTERNAL`, `ERR_CANCELLED`. */
export async function openSandboxWorld(options: SandboxWorldOptions = {}): Promise<SandboxWorld> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), "codex-auth-sandbox-")));
  const started: Started = {};
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => (closing ??= closeWorld(folder, started));
  try {
    options.signal?.throwIfAborted();
    const home = await furnishHome(folder, options.shape ?? "two-files");
    const issuer = await startSandboxIssuer();
    started.issuer = issuer;
    const broker = await startSandboxBroker();
    started.broker = broker;
    const usage = await startSandboxUsage();
    started.usage = usage;
    await furnishSettings(home.stateDir, broker);
    started.lockPath = sandboxLockPath(home.tmp, home.configPath);
    const variables = {
      HOME: folder,
      TMPDIR: home.tmp,
      OPENCLAW_STATE_DIR: home.stateDir,
      OPENCLAW_CONFIG_PATH: home.configPath,
      CODEX_HOME: join(folder, ".codex"),
      CODEX_AUTH_ISSUER: issuer.origin,
      CODEX_AUTH_USAGE_SERVER: usage.origin,
    };
    const optionsPath = join(folder, "gateway-options.json");
    await writeGatewayOptions(optionsPath, {
      shape: options.shape ?? "two-files",
      stateDir: home.stateDir,
      configPath: home.configPath,
      mainAgentDir: home.mainAgentDir,
      tmp: home.tmp,
      ownerPid: process.pid,
      worldFolder: folder,
      restartCooldownMs: options.restartCooldownMs ?? 0,
      faults: [...(options.faults ?? [])],
    });
    const lockPath = started.lockPath;
    const gatewayPid = async (): Promise<number | undefined> => {
      const pid = await readSandboxLockPid(lockPath);
      return pid !== undefined && isAlive(pid) ? pid : undefined;
    };
    const startOnce = async (): Promise<void> => {
      if (closing !== undefined || (await gatewayPid()) !== undefined) return;
      // A session of its own: Ctrl-C in a terminal reaches the owner, who ends it in order.
      const gateway = spawn(process.execPath, [GATEWAY_ENTRY, optionsPath], {
        env: { HOME: folder, TMPDIR: home.tmp },
        cwd: folder,
        detached: true,
        stdio: "ignore",
      });
      started.gateway = gateway;
      await untilReady(gateway, home.port, options.signal);
    };
    let starting: Promise<void> | undefined;
    // Two at once would be two processes that want the same port.
    const startGateway = (): Promise<void> => (starting ??= startOnce().finally(() => (starting = undefined)));
    await startGateway();
    return {
      folder,
      stateDir: home.stateDir,
      storePath: join(home.mainAgentDir, "auth-profiles.json"),
      port: home.port,
      issuer,
      broker,
      usage,
      environment: { ...readEnvironment(variables), tmp: home.tmp },
      variables,
      gatewayPid,
      startGateway,
      setFaults: async (faults) =>
        writeGatewayOptions(optionsPath, { ...(await readGatewayOptions(optionsPath)), faults }),
      usedProfile: async () => (await askUsedProfiles(home.port, home.token))[0],
      close,
    };
  } catch (error) {
    await close();
    throw options.signal?.aborted === true ? cancelled() : error;
  }
}

async function untilReady(gateway: ChildProcess, port: number, signal: AbortSignal | undefined): Promise<void> {
  const giveUpAt = performance.now() + START_WITHIN_MS;
  while (!(await readHealth(port)).ready) {
    signal?.throwIfAborted();
    if (gateway.exitCode !== null || gateway.signalCode !== null || performance.now() > giveUpAt) throw notStarted();
    await pause(POLL_MS, undefined, signal === undefined ? {} : { signal });
  }
}

async function closeWorld(folder: string, { gateway, issuer, broker, usage, lockPath }: Started): Promise<void> {
  // A restart of the one-file shape may have left a successor: the lock names it.
  const successor = lockPath === undefined ? undefined : await readSandboxLockPid(lockPath);
  const pids = new Set([gateway?.pid, successor].filter((pid) => pid !== undefined));
  await Promise.all([...pids].map((pid) => endProcess(pid, END_WITHIN_MS)));
  await Promise.all([issuer?.close(), broker?.close(), usage?.close()]);
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
}

function notStarted(): CodexAuthError {
  return new CodexAuthError("ERR_INTERNAL", {
    message: "The sandbox's gateway did not start.",
    next: "Run `npm run build`, then try again.",
  });
}

function cancelled(): CodexAuthError {
  return new CodexAuthError("ERR_CANCELLED", { message: "The sandbox was closed.", next: "Start it again." });
}
