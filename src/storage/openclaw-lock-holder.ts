// Whether the process that a lock file names is gone for certain, judged as OpenClaw judges it.

import { readFileSync } from "node:fs";
import { systemCode } from "../errors.ts";

/** Who a lock file says holds it. */
export interface LockHolder {
  readonly pid: number;
  /** Field 22 of `/proc/<pid>/stat`; OpenClaw 2026.5.28 writes it, 2026.4.5 does not. */
  readonly startTime?: number;
}

/** Field 22 of `/proc/<pid>/stat` (clock ticks since boot), or undefined where there is no such process or no `/proc`. */
export function processStartTime(pid: number): number | undefined {
  const ticks = Number(statFields(pid)?.[19]);
  return Number.isInteger(ticks) && ticks >= 0 ? ticks : undefined;
}

let own: LockHolder | undefined;

/** This process, as a lock of its own names it; asked of the system once. */
export function thisHolder(): LockHolder {
  if (own === undefined) {
    const startTime = processStartTime(process.pid);
    own = { pid: process.pid, ...(startTime === undefined ? {} : { startTime }) };
  }
  return own;
}

/** False only where nobody can be working under this lock any more: no such process, a zombie, or the number was given to another. */
export function isHolderAlive(holder: LockHolder): boolean {
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    // EPERM: it lives, under another account.
    return systemCode(error) !== "ESRCH";
  }
  if (statFields(holder.pid)?.[0] === "Z") return false;
  const startTime = processStartTime(holder.pid);
  return holder.startTime === undefined || startTime === undefined || startTime === holder.startTime;
}

/** The fields of `/proc/<pid>/stat` after the command, which itself may hold spaces and brackets. */
function statFields(pid: number): readonly string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    return text
      .slice(text.lastIndexOf(")") + 1)
      .trim()
      .split(/\s+/);
  } catch {
    return undefined;
  }
}
