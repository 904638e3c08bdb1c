// Finds the running gateway: its lock file, its process and its port must all tell the same story.

import { join } from "node:path";
import { GATEWAY } from "../config/defaults.ts";
import { toCodexAuthError } from "../errors.ts";
import type { GatewayInstance, GatewayLocation } from "./instance.ts";
import { disagrees, gatewayLockPath, judgeGatewayLock, readGatewayLock, type GatewayLock } from "./lock-file.ts";
import { configuredPort, readGatewayConfig, type GatewayConfig } from "./openclaw-config.ts";
import { looksLikeGateway } from "./process-facts.ts";
import type { ProcessIdentity } from "./process-facts.ts";
import type { ProcessTable } from "./process-table.ts";

/** What locating needs to know. */
export interface LocateOptions {
  readonly stateDir: string;
  readonly configPath: string;
  readonly uid: number;
  /** Our own folder for temporary files; `/tmp`, that in the state folder (2026.9.6) and that of a found gateway are tried as well. */
  readonly tmp: string;
  readonly gatewayPort: string | undefined;
  readonly processes: ProcessTable;
}

/** Finds the gateway; never throws: what cannot be believed is `refused`. */
export async function locateGateway(options: LocateOptions): Promise<GatewayLocation> {
  try {
    const config = await readGatewayConfig(options.configPath);
    for (const tmp of new Set([options.tmp, "/tmp", join(options.stateDir, "tmp")])) {
      const location = await locateByLock(options, config, tmp);
      if (location.kind !== "stopped") return location;
    }
    return await locateByPort(options, config);
  } catch (error) {
    return { kind: "refused", error: toCodexAuthError(error) };
  }
}

async function locateByLock(options: LocateOptions, config: GatewayConfig, tmp: string): Promise<GatewayLocation> {
  const { uid, configPath, stateDir, processes } = options;
  const found = readGatewayLock(gatewayLockPath(tmp, uid, configPath));
  if (found === undefined) return { kind: "stopped" };
  const judged = judgeGatewayLock(found, uid, configPath);
  if (judged.kind === "refused") return judged;
  const { lock } = judged;
  const process = await processes.read(lock.pid);
  const verdict = judgeProcess(lock, process, uid);
  if (verdict !== "agrees" || process === undefined) {
    return verdict === "gone" ? { kind: "stopped" } : { kind: "refused", error: disagrees(verdict) };
  }
  const port = await confirmPort(options, config, lock.pid);
  if (port === undefined) {
    return { kind: "refused", error: disagrees("it does not listen on the port that openclaw.json names") };
  }
  const instance: GatewayInstance = { pid: lock.pid, startTime: process.startTime, port, stateDir, configPath };
  return { kind: "running", instance };
}

/** `agrees`, `gone` (the lock was left behind by a gateway that has ended), or what does not agree. */
export function judgeProcess(lock: GatewayLock, process: ProcessIdentity | undefined, uid: number): string {
  if (process === undefined) return "gone";
  // Another start time is another process that was given the same pid later.
  if (lock.startTime !== undefined && typeof process.startTime === "number" && lock.startTime !== process.startTime)
    return "gone";
  if (process.uid !== uid) return "its process belongs to another user";
  if (!looksLikeGateway(process.commandLine)) return "its process is not titled like a gateway";
  return "agrees";
}

async function confirmPort(options: LocateOptions, config: GatewayConfig, pid: number): Promise<number | undefined> {
  const { processes, uid } = options;
  const variables = await processes.variables(pid);
  const candidates = [
    configuredPort(config, variables?.OPENCLAW_GATEWAY_PORT),
    configuredPort(config, options.gatewayPort),
    GATEWAY.defaultPort,
  ];
  for (const port of new Set(candidates)) {
    if (await processes.listensOn(pid, port, uid)) return port;
  }
  return undefined;
}

// No lock where we looked: a gateway with another TMPDIR would be missed and would later write its old store over ours.
async function locateByPort(options: LocateOptions, config: GatewayConfig): Promise<GatewayLocation> {
  const { processes, uid } = options;
  const port = configuredPort(config, options.gatewayPort);
  const listener = await processes.whoListensOn(port, uid);
  if (listener === undefined) return { kind: "stopped" };
  if (listener === "foreign") return { kind: "refused", error: disagrees(`port ${port} is held by another user`) };
  const process = await processes.read(listener);
  if (process === undefined || !looksLikeGateway(process.commandLine)) return { kind: "stopped" };
  const variables = await processes.variables(listener);
  const location = variables?.TMPDIR === undefined ? undefined : await locateByLock(options, config, variables.TMPDIR);
  return location?.kind === "running" ? location : { kind: "refused", error: disagrees("it has no lock file of ours") };
}
