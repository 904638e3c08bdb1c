// A real OpenClaw as the unit that its own `gateway install` makes, under a private user manager, and our program beside or inside it.

import { randomBytes } from "node:crypto";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { request } from "undici";
import type { Job } from "../../../src/apply/job.ts";
import { ParkedLogins } from "../../../src/apply/parked.ts";
import { JobQueue } from "../../../src/apply/queue.ts";
import { Receipts } from "../../../src/apply/receipt.ts";
import { ownPaths } from "../../../src/config/paths.ts";
import { receivedTokens } from "../../support/apply-world.ts";
import { startCodexBackend } from "./codex-backend.ts";
import { until } from "./gateway.ts";
import { makeHome, seedStore, type OpenClawHome } from "./home.ts";
import { openClawEnvironment, type InstalledOpenClaw } from "./install.ts";
import { fakeLogin } from "./lab.ts";
import { bareEnvironment } from "./surroundings.ts";
import { startUserManager, type Ran, type UserManager } from "./systemd.ts";

/** The unit's name, which OpenClaw chooses. */
export const UNIT = "openclaw-gateway.service";
const PROGRAM = fileURLToPath(new URL("../../../bin/codex-auth-skill.js", import.meta.url));
const READY_MS = 150_000;
// Whoever runs a command on this machine: nobody of Telegram, who would have to be on an allow-list.
const REQUESTED_BY = { host: "cli", chatId: "cli", personId: "0" } as const;

/** What systemd says of the unit now. */
interface UnitNow {
  readonly mainPid: number;
  /** Changes with every start of the unit, and with nothing else. */
  readonly invocationId: string;
  /** How often systemd itself started it again because it had ended. */
  readonly restartsByItself: number;
  readonly controlGroup: string;
}

/** A machine whose gateway is a unit. */
export interface SystemdLab {
  readonly home: OpenClawHome;
  readonly manager: UserManager;
  readonly queue: JobQueue;
  readonly receipts: Receipts;
  /** What our program is given where it is run inside the gateway's unit: the gateway's own environment. */
  gatewayEnvironment(): Promise<NodeJS.ProcessEnv>;
  unit(): Promise<UnitNow>;
  untilReady(): Promise<void>;
  /** Queues a login of `name` that asks for a restart. */
  queueLogin(name: string): Promise<Job>;
  /** Runs our program as a person's shell does, or inside the gateway's unit as the gateway's agent does. */
  program(where: "outside" | "inside", args: readonly string[], env?: NodeJS.ProcessEnv): Promise<Ran>;
  /** The executor's pid as the namespaces see it. */
  executorPid(): Promise<number>;
  /** Lets no order to restart the unit through until the function that it gives is called, or until that order is given up (100 s). */
  holdRestarts(): Promise<() => Promise<void>>;
  /** All arguments with which `systemd-run` was called by our program. */
  systemdRunCalls(): Promise<string>;
  stop(): Promise<void>;
}

/** Either a lab or a sentence that says why there is none, for a skipped test. */
export type SystemdLabResult =
  | { readonly ok: true; readonly lab: SystemdLab }
  | { readonly ok: false; readonly reason: string };

/** Starts everything; on a failure nothing is left running. */
export async function startSystemdLab(openclaw: InstalledOpenClaw): Promise<SystemdLabResult> {
  const backend = await startCodexBackend();
  const home = await makeHome({ backendUrl: backend.baseUrl });
  const started = await startUserManager(home.home);
  const stop = async (): Promise<void> => {
    if (started.ok) await started.manager.stop();
    await backend.stop();
    await home.remove();
  };
  if (!started.ok) {
    await stop();
    return { ok: false, reason: started.reason };
  }
  try {
    await seedStore(home, { profiles: { "openai-codex:alice": fakeLogin("alice") } });
    const lab = labOf(home, started.manager, await makeShims(home), stop);
    await install(openclaw, home, started.manager);
    await lab.untilReady();
    return { ok: true, lab };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function install(openclaw: InstalledOpenClaw, home: OpenClawHome, manager: UserManager): Promise<void> {
  const quiet = { OPENCLAW_SKIP_CHANNELS: "1", OPENCLAW_DISABLE_BONJOUR: "1" };
  // The manager's own environment is what its units start with: the unit that OpenClaw writes holds none of these.
  const settings = Object.entries(quiet).map(([name, value]) => `${name}=${value}`);
  must(await manager.run(["systemctl", "--user", "set-environment", ...settings]));
  const env = { ...openClawEnvironment(openclaw), ...quiet, TMPDIR: home.tmp };
  must(await manager.run([openclaw.node, openclaw.entry, "gateway", "install", "--json"], { env }));
}

function labOf(home: OpenClawHome, manager: UserManager, shims: string, stop: () => Promise<void>): SystemdLab {
  const paths = ownPaths(home.stateDir);
  const parked = new ParkedLogins({ folder: paths.parked, now: Date.now, randomBytes });
  const queue = new JobQueue({ paths, parked, now: Date.now });
  const withShims = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv => ({
    ...env,
    PATH: `${shims}:${env["PATH"] ?? bareEnvironment()["PATH"] ?? ""}`,
  });
  const lab: SystemdLab = {
    home,
    manager,
    queue,
    receipts: new Receipts({ folder: paths.receipts, now: Date.now }),
    unit: async () => {
      const show = ["systemctl", "--user", "show", "-p", "MainPID,InvocationID,NRestarts,ControlGroup", UNIT];
      const { stdout } = must(await manager.run(show));
      const value = (name: string): string => new RegExp(`^${name}=(.*)$`, "m").exec(stdout)?.[1] ?? "";
      return {
        mainPid: Number(value("MainPID")),
        invocationId: value("InvocationID"),
        restartsByItself: Number(value("NRestarts")),
        controlGroup: value("ControlGroup"),
      };
    },
    gatewayEnvironment: async () => environmentOf(manager, (await lab.unit()).mainPid),
    untilReady: () => until(() => isReady(home), READY_MS),
    queueLogin: async (name) => {
      const tokens = receivedTokens(name);
      const profileId = `openai-codex:${name}`;
      const where = { agentId: "main", profileId, requestedBy: REQUESTED_BY };
      const { id } = await parked.put({ ...where, reason: "first-login", expiresAtMs: tokens.expiresAtMs }, tokens);
      const wanted = { ...where, parkedId: id, makeFirst: true, activation: "restart" } as const;
      return (await queue.enqueueLogin(wanted)).job;
    },
    program: async (where, args, env = {}) => {
      const argv = [process.execPath, PROGRAM, ...args];
      if (where === "outside") return manager.run(argv, { env: withShims({ TMPDIR: home.tmp, ...env }) });
      const cgroup = (await lab.unit()).controlGroup;
      return manager.run(argv, { cgroup, env: withShims({ ...(await lab.gatewayEnvironment()), ...env }) });
    },
    executorPid: async () => {
      const path = join(paths.queue, "executor.json");
      return (JSON.parse(await readFile(path, "utf8")) as { pid: number }).pid;
    },
    holdRestarts: async () => {
      await writeFile(heldOf(home), "");
      return () => rm(heldOf(home), { force: true });
    },
    systemdRunCalls: () => readFile(callsOf(home), "utf8").catch(() => ""),
    stop,
  };
  return lab;
}

/** The environment of a process in the manager's namespaces. */
export async function environmentOf(manager: UserManager, pid: number): Promise<NodeJS.ProcessEnv> {
  const { stdout } = must(await manager.run(["cat", `/proc/${pid}/environ`]));
  const pairs = stdout.split("\0").filter((pair) => pair.includes("="));
  return Object.fromEntries(pairs.map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)]));
}

/** The result of a program that must have done what it was told. */
export function must(ran: Ran): Ran {
  if (ran.code !== 0) throw new Error(`it ended with ${ran.code}: ${ran.stdout}${ran.stderr}`);
  return ran;
}

/**
 * The real systemd-run, with its arguments written down (it is too short-lived to be found in /proc), and the real systemctl, whose
 * restart waits for as long as a test holds it.
 */
async function makeShims(home: OpenClawHome): Promise<string> {
  const folder = join(home.home, "shims");
  const waits = `case "$*" in *" restart "*) while [ -e '${heldOf(home)}' ]; do sleep 0.1; done;; esac`;
  const programs = { "systemd-run": `printf '%s\\n' "$@" >> '${callsOf(home)}'`, systemctl: waits };
  await mkdir(folder);
  for (const [name, first] of Object.entries(programs)) {
    await writeFile(join(folder, name), `#!/bin/sh\n${first}\nexec /usr/bin/${name} "$@"\n`, { mode: 0o755 });
  }
  return folder;
}

function heldOf(home: OpenClawHome): string {
  return join(home.home, "restarts.held");
}

function callsOf(home: OpenClawHome): string {
  return join(home.home, "systemd-run.calls");
}

async function isReady(home: OpenClawHome): Promise<boolean> {
  try {
    const { body } = await request(`http://127.0.0.1:${home.port}/readyz`, { headersTimeout: 3_000 });
    const answer = (await body.json()) as { ready?: boolean };
    await readFile(home.lockPath);
    return answer.ready === true;
  } catch {
    return false;
  }
}
