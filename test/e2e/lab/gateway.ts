// A real gateway in a private home: started, polled until it is ready, and ended with everything that it respawned.

import { execFile, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createWriteStream, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import { request } from "undici";
import type { OpenClawHome } from "./home.ts";
import { openClawEnvironment, type InstalledOpenClaw } from "./install.ts";

const POLL_MS = 100;
/** A busy machine may hold an answer back; a gateway that is gone refuses at once. */
const ANSWER_MS = 30_000;
const READY_MS = 150_000;
// A 2026.4.5 on a busy machine needs most of two minutes for one install.
const CLI_MS = 240_000;
/** What is there in a moment on a machine that has nothing else to do may take this long on a busy one. */
export const PATIENCE_MS = 180_000;
const run = promisify(execFile);

/** What the gateway's probe says of itself. */
export interface Readiness {
  readonly ready: boolean;
  readonly uptimeMs: number | undefined;
}

/** A running gateway of the lab. */
export interface LabGateway {
  readonly home: string;
  readonly stateDir: string;
  readonly configPath: string;
  readonly port: number;
  readonly env: NodeJS.ProcessEnv;
  /** The pid that the gateway's lock file names now; it changes with a respawn. */
  pid(): number;
  readiness(): Promise<Readiness | undefined>;
  /** Runs `openclaw <args>` in the same home; the result is its stdout, parsed where `--json` is asked for. */
  cli(...args: readonly string[]): Promise<unknown>;
  /** What the gateway printed so far. */
  log(): Promise<string>;
  stop(): Promise<void>;
}

/** Starts the gateway and waits until `/readyz` says ready. */
async function startGateway(
  openclaw: InstalledOpenClaw,
  home: OpenClawHome,
  extraEnv: NodeJS.ProcessEnv = {},
): Promise<LabGateway> {
  const env: NodeJS.ProcessEnv = { ...homeEnvironment(openclaw, home), OPENCLAW_SKIP_CHANNELS: "1", ...extraEnv };
  const logPath = join(home.home, "gateway.log");
  const child = spawn(openclaw.node, [openclaw.entry, "gateway", "run"], {
    cwd: home.home,
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const log = createWriteStream(logPath);
  child.stdout.pipe(log, { end: false });
  child.stderr.pipe(log, { end: false });
  const pids = new Set<number>();
  const lab: LabGateway = {
    home: home.home,
    stateDir: home.stateDir,
    configPath: home.configPath,
    port: home.port,
    env,
    pid: () => remember(pids, lockedPid(home.lockPath)),
    readiness: () => readiness(home.port),
    cli: (...args) => cli(openclaw, env, home, args),
    log: () => readFile(logPath, "utf8"),
    stop: async () => {
      await stop(child, pids, home.lockPath);
      log.end();
    },
  };
  try {
    await until(async () => {
      if (child.exitCode !== null) throw new Error(`the gateway ended with ${child.exitCode}`);
      return (await lab.readiness())?.ready === true && lockedPid(home.lockPath) !== undefined;
    }, READY_MS);
    lab.pid();
    return lab;
  } catch (error) {
    const tail = (await lab.log().catch(() => "")).slice(-2_000);
    await lab.stop();
    throw new Error(`OpenClaw ${openclaw.version} did not start: ${tail}`, { cause: error });
  }
}

/**
 * The same, as its service would do it: on a busy machine OpenClaw 2026.9.6 gives its own start up after 5 s without its heartbeat
 * (exit code 78), and 2026.4.5 was seen to wait for Telegram's first answer without an end.
 */
export async function startGatewayAgain(
  openclaw: InstalledOpenClaw,
  home: OpenClawHome,
  extraEnv: NodeJS.ProcessEnv = {},
): Promise<LabGateway> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await startGateway(openclaw, home, extraEnv);
    } catch (error) {
      if (tries === 3) throw error;
    }
  }
}

/** Runs `openclaw <args>` in `home`, with or without a gateway there; `input` is its stdin. The result is as that of {@link LabGateway.cli}. */
export async function openClawCli(
  openclaw: InstalledOpenClaw,
  home: OpenClawHome,
  args: readonly string[],
  input = "",
): Promise<unknown> {
  return await cli(openclaw, homeEnvironment(openclaw, home), home, args, input);
}

/** Asks `condition` until it holds. */
export async function until(condition: () => Promise<boolean> | boolean, withinMs: number): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`it did not come true within ${withinMs} ms`);
    await pause(POLL_MS);
  }
}

function homeEnvironment(openclaw: InstalledOpenClaw, home: OpenClawHome): NodeJS.ProcessEnv {
  return {
    ...openClawEnvironment(openclaw),
    HOME: home.home,
    TMPDIR: home.tmp,
    OPENCLAW_STATE_DIR: home.stateDir,
    OPENCLAW_DISABLE_BONJOUR: "1",
  };
}

async function readiness(port: number): Promise<Readiness | undefined> {
  // A connection of its own each time: one that was kept may be closed by the gateway just as it is used.
  const limits = { headersTimeout: ANSWER_MS, bodyTimeout: ANSWER_MS, reset: true };
  try {
    const { body } = await request(`http://127.0.0.1:${port}/readyz`, limits);
    const answer = (await body.json()) as { ready?: boolean; uptimeMs?: number };
    return { ready: answer.ready === true, uptimeMs: answer.uptimeMs };
  } catch {
    return undefined;
  }
}

async function cli(
  openclaw: InstalledOpenClaw,
  env: NodeJS.ProcessEnv,
  home: OpenClawHome,
  args: readonly string[],
  input = "",
): Promise<unknown> {
  const running = run(openclaw.node, [openclaw.entry, ...args], { env, cwd: home.home, timeout: CLI_MS });
  // Else a question would wait for an answer.
  running.child.stdin?.end(input);
  const { stdout } = await running;
  if (!args.includes("--json")) return stdout;
  // Notices may stand before the JSON.
  const start = stdout.search(/^[[{]/m);
  return JSON.parse(stdout.slice(Math.max(start, 0)));
}

function lockedPid(lockPath: string): number | undefined {
  try {
    return (JSON.parse(readFileSync(lockPath, "utf8")) as { pid?: number }).pid;
  } catch {
    return undefined;
  }
}

function remember(pids: Set<number>, pid: number | undefined): number {
  if (pid === undefined) throw new Error("the gateway has no lock file");
  pids.add(pid);
  return pid;
}

// The launcher we spawned, every gateway we saw, and the one that the lock file names now: nothing else.
async function stop(child: ChildProcess, pids: Set<number>, lockPath: string): Promise<void> {
  const last = lockedPid(lockPath);
  if (last !== undefined) pids.add(last);
  const exited = child.exitCode !== null || child.signalCode !== null ? undefined : once(child, "exit");
  for (const pid of pids) signal(pid, "SIGTERM");
  if (exited !== undefined && !(await settles(exited, 10_000))) child.kill("SIGKILL");
  await exited;
  for (const pid of pids) {
    await until(() => !signal(pid, 0), 10_000).catch(() => signal(pid, "SIGKILL"));
  }
}

async function settles(promise: Promise<unknown>, withinMs: number): Promise<boolean> {
  const giveUp = new AbortController();
  const timer = pause(withinMs, false, { signal: giveUp.signal }).catch(() => false);
  const settled = await Promise.race([promise.then(() => true), timer]);
  giveUp.abort();
  return settled;
}

function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}
