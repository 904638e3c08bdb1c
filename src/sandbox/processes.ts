// Ends the sandbox's own processes by their pid, and only those.

import { setTimeout as pause } from "node:timers/promises";

const POLL_MS = 20;

/** Whether there is such a process that we may signal. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Asks `pid` to end, then makes it; resolves when it is gone. `withinMs` is how long it may take by itself. */
export async function endProcess(pid: number, withinMs: number): Promise<void> {
  send(pid, "SIGTERM");
  const forceAt = performance.now() + withinMs;
  while (isAlive(pid)) {
    if (performance.now() > forceAt) send(pid, "SIGKILL");
    await pause(POLL_MS);
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // Gone already.
  }
}
