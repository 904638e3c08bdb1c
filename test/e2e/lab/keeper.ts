// The keeper of a lease as a person runs it: `lease keep`, a process of its own with the Auth Manager's variables, in a lab's home.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ownPaths } from "../../../src/config/paths.ts";
import type { LeaseRecord } from "../../../src/lease/sticky.ts";
import type { SandboxBroker } from "../../../src/sandbox/broker.ts";
import { PATIENCE_MS, until } from "./gateway.ts";
import type { OpenClawHome } from "./home.ts";
import { bareEnvironment } from "./surroundings.ts";

const PROGRAM = fileURLToPath(new URL("../../../bin/codex-auth-skill.js", import.meta.url));
/** Its last words to the broker and its turn have time-outs of their own. */
const STOP_MS = 60_000;

/** The variables of the lease; looked at as often as the settings allow, so that a test need not wait a minute. */
export function leaseVariables(broker: Pick<SandboxBroker, "origin" | "token">): Readonly<Record<string, string>> {
  return {
    AUTH_MANAGER_BASE_URL: broker.origin,
    AUTH_MANAGER_INTERNAL_API_TOKEN: broker.token.expose(),
    AUTH_MANAGER_MACHINE_ID: "debian",
    AUTH_MANAGER_AGENT_ID: "main",
    AUTH_MANAGER_REFRESH_INTERVAL_MS: "5000",
  };
}

/** A running keeper. */
export interface LabKeeper {
  readonly pid: number;
  isAlive(): boolean;
  /** What it printed so far. */
  output(): string;
  /** Ends it without a word, as a crash or the kernel would. */
  kill(): Promise<void>;
  /** Ends it as a service manager does; gives its exit code. */
  stop(): Promise<number | null>;
}

/** Starts the keeper in `home`. */
export function startKeeper(home: OpenClawHome, variables: Readonly<Record<string, string>>): LabKeeper {
  const child = spawn(process.execPath, [PROGRAM, "lease", "keep"], {
    cwd: home.home,
    env: { ...bareEnvironment(), HOME: home.home, TMPDIR: home.tmp, ...variables },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const printed: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => printed.push(text));
  }
  const exit = once(child, "exit").then(([code]) => (typeof code === "number" ? code : null));
  const isAlive = (): boolean => child.exitCode === null && child.signalCode === null;
  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    child.kill(signal);
    const late = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
    const code = await exit;
    clearTimeout(late);
    return code;
  };
  return {
    pid: child.pid ?? -1,
    isAlive,
    output: () => printed.join(""),
    kill: async () => void (await end("SIGKILL")),
    stop: () => end("SIGTERM"),
  };
}

/** What this machine remembers of its lease now. */
async function leaseRecord(home: OpenClawHome): Promise<LeaseRecord | undefined> {
  try {
    return JSON.parse(await readFile(join(ownPaths(home.stateDir).lease, "lease.json"), "utf8")) as LeaseRecord;
  } catch {
    return undefined;
  }
}

/** Waits until the record is as `holds` says. */
export async function untilRecord(
  home: OpenClawHome,
  holds: (record: LeaseRecord) => boolean,
  withinMs = PATIENCE_MS,
): Promise<LeaseRecord> {
  let record: LeaseRecord | undefined;
  const isSo = async (): Promise<boolean> => {
    record = await leaseRecord(home);
    return record !== undefined && holds(record);
  };
  await until(isSo, withinMs).catch((cause: unknown) => {
    throw new Error(`the record of the lease stayed ${JSON.stringify(record)}`, { cause });
  });
  if (record === undefined) throw new Error("there is no record of a lease");
  return record;
}
