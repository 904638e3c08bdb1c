// A machine with an open job, hosts that start real workers for it, and sight of those workers in /proc.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished } from "vitest";
import { applyWorld, receivedTokens } from "./apply-world.ts";
import { supportFile } from "./child-process.ts";
import { temporaryFolder } from "./temp-folder.ts";

/** The worker's compiled entry. */
export const ENTRY = fileURLToPath(new URL("../../dist/hosts/worker/main.js", import.meta.url));

/** How long a real worker may take to start on a busy machine, and to see that a lock is free. */
export const SOON = { timeout: 15_000, interval: 20 };

/** A host process of its own process group. */
export interface HostProcess {
  readonly pid: number;
  /** The first line it printed: how its start of a worker went. */
  readonly said: string;
  /** Kills the whole process group, as a service manager does. */
  killGroup(): Promise<void>;
}

/** Lays out a machine; no gateway runs on it. */
export async function launchLab() {
  const folder = await temporaryFolder();
  const world = applyWorld(folder);
  const stateDir = join(folder, ".openclaw");
  // A port on which no gateway of somebody else's test can be.
  const settings = { meta: { lastTouchedVersion: "2026.4.5" }, gateway: { port: 9 } };
  writeFileSync(join(stateDir, "openclaw.json"), JSON.stringify(settings));
  onTestFinished(() => {
    for (const pid of workersOf(stateDir)) killIfThere(pid);
  });
  const lock = `${world.storePath}.lock`;
  return {
    ...world,
    folder,
    stateDir,
    /** Queues a login of `name`. */
    queueLogin: async (name: string) => {
      const tokens = receivedTokens(name);
      const profileId = `openai-codex:${name}`;
      return { tokens, profileId, job: await world.enqueue(tokens, { profileId }) };
    },
    /** Holds OpenClaw's lock on the store, as a gateway does that refreshes a token. */
    holdStore: () => {
      writeFileSync(lock, JSON.stringify({ pid: process.pid, createdAt: new Date().toISOString() }));
      return { release: () => rmSync(lock) };
    },
    /** Waits until an executor has taken the job up and waits for the store. */
    untilWaiting: async (id: string) => {
      await expect.poll(async () => (await world.queue.get(id))?.progress?.step, SOON).toBe("waiting-for-store");
      const record = JSON.parse(readFileSync(join(world.paths.queue, "executor.json"), "utf8")) as { pid: number };
      return record.pid;
    },
    untilEnded: async (id: string) => {
      await expect.poll(async () => (await world.queue.get(id))?.state, SOON).toMatch(/^(done|parked|rolled-back)$/);
      return world.queue.get(id);
    },
    workers: () => workersOf(stateDir),
    untilNoWorker: () => expect.poll(() => workersOf(stateDir), SOON).toEqual([]),
    /** Runs a host with `variables` on top of the test's own surroundings. */
    host: (what: "fork" | "leave" | "resume", variables: Record<string, string> = {}) =>
      startHost(what, { HOME: folder, OPENCLAW_STATE_DIR: stateDir, CODEX_AUTH_ALLOW_FROM: "4242", ...variables }),
  };
}

/** What a fake `systemd-run` was called with. */
export interface SystemdRunCall {
  readonly argv: readonly string[];
  readonly variables: readonly string[];
}

/**
 * Puts a `systemd-run` on a PATH of its own below `folder`. Like the real one it starts the program in a session of its own
 * with the named variables alone, whose values it takes from its own environment.
 */
export function fakeSystemdRun(folder: string): { readonly PATH: string; call(): SystemdRunCall } {
  const bin = join(folder, "bin");
  mkdirSync(bin);
  const record = join(folder, "systemd-run.json");
  const script = [
    `#!${process.execPath}`,
    `const argv = process.argv.slice(2);`,
    `require("node:fs").writeFileSync(${JSON.stringify(record)}, JSON.stringify({ argv, variables: Object.keys(process.env) }));`,
    `const names = argv.filter((word) => word.startsWith("--setenv=")).map((word) => word.slice(9));`,
    `const env = Object.fromEntries(names.map((name) => [name, process.env[name]]));`,
    `const [program, ...rest] = argv.slice(argv.indexOf("--") + 1);`,
    `require("node:child_process").spawn(program, rest, { detached: true, stdio: "ignore", env, cwd: "/" }).unref();`,
  ];
  writeFileSync(join(bin, "systemd-run"), script.join("\n"));
  chmodSync(join(bin, "systemd-run"), 0o755);
  return { PATH: bin, call: () => JSON.parse(readFileSync(record, "utf8")) as SystemdRunCall };
}

async function startHost(what: string, variables: Record<string, string>): Promise<HostProcess> {
  const child = spawn(process.execPath, [supportFile("launch-peer.mjs"), what], {
    detached: true,
    stdio: ["pipe", "pipe", "inherit"],
    env: { ...process.env, ...variables },
  });
  const exit = once(child, "exit");
  const pid = child.pid ?? 0;
  if (pid <= 1) throw new Error("the host has no pid");
  const killGroup = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) process.kill(-pid, "SIGKILL");
    await exit;
  };
  onTestFinished(killGroup);
  const [line] = (await once(child.stdout.setEncoding("utf8"), "data")) as [string];
  return { pid, said: line.trim(), killGroup };
}

/** The pids of the workers that were started for `stateDir`, by its name or by the home that it lies in. */
export function workersOf(stateDir: string): readonly number[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.map(Number).filter((pid) => {
    const isWorker = processFile(pid, "cmdline").split("\0").includes(ENTRY);
    const variables = isWorker ? processFile(pid, "environ").split("\0") : [];
    return [`OPENCLAW_STATE_DIR=${stateDir}`, `HOME=${dirname(stateDir)}`].some((one) => variables.includes(one));
  });
}

/** A file of a process in /proc; empty where it has ended. */
export function processFile(pid: number, name: "cmdline" | "environ"): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, "utf8");
  } catch {
    return "";
  }
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It ended by itself meanwhile.
  }
}
