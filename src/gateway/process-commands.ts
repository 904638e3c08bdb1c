// What `ps` and `lsof` tell of one process, for systems without `/proc` (macOS).

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { GATEWAY } from "../config/defaults.ts";
import type { ProcessIdentity } from "./process-facts.ts";

const run = promisify(execFile);
const limits = { timeout: GATEWAY.healthTimeoutMs, maxBuffer: 64 * 1024 } as const;

/** The facts of `pid`, or undefined where there is no such process. */
export async function psFacts(pid: number): Promise<ProcessIdentity | undefined> {
  try {
    const { stdout } = await run("ps", ["-o", "uid=,ppid=,lstart=,command=", "-p", String(pid)], limits);
    return parsePs(pid, stdout);
  } catch {
    return undefined;
  }
}

/** Whether `pid` listens on `port`. */
export async function psListensOn(pid: number, port: number): Promise<boolean> {
  try {
    const args = ["-nP", "-a", "-p", String(pid), `-iTCP:${port}`, "-sTCP:LISTEN", "-t"];
    const { stdout } = await run("lsof", args, limits);
    return stdout.trim() === String(pid);
  } catch {
    return false;
  }
}

/** One line of `ps`: uid, parent, a start date of five words, the command line. */
export function parsePs(pid: number, output: string): ProcessIdentity | undefined {
  const match = output.match(/^\s*(\d+)\s+(\d+)\s+(\S+\s+\S+\s+\S+\s+\S+\s+\S+)\s+(.+)$/m);
  if (match === null) return undefined;
  const [, uid, parent, start, command] = match;
  return {
    pid,
    uid: Number(uid),
    parentPid: Number(parent),
    startTime: (start ?? "").replaceAll(/\s+/g, " "),
    commandLine: (command ?? "").trim().split(" "),
  };
}
