// How the disk is waited for: by the thread pool, so that a host goes on answering, or in place, where nobody asks anything meanwhile.

import { fsync, fsyncSync } from "node:fs";
import { DISK } from "../config/defaults.ts";

let isInPlace = false;
/** When this process last let anything else run, as far as is known here. */
let turnedAt = 0;
/** Until when the thread pool has the disk because it was slow, and how long that is: twice as long each time. */
let pooledUntil = 0;
let pooledMs = 0;

/**
 * From now on this process stands still while the disk makes something durable, as long as that is quick. For one that does nothing
 * else: the worker. A turn of the thread pool takes as long here as the fsync itself, and a job makes some twenty. Gives what ends that.
 *
 * Between two fsyncs a job takes no turn of the event loop either, so one of them is left to the thread pool now and then, and on a slow
 * disk nearly all: without its heartbeat the worker's lock is another one's after `OWN_LOCK.staleMs`, and SIGTERM waits.
 */
export function waitForDiskInPlace(): () => void {
  isInPlace = true;
  turnedAt = performance.now();
  [pooledUntil, pooledMs] = [0, 0];
  return () => {
    isInPlace = false;
  };
}

/** Resolves when what was written to `descriptor` is on the disk. @throws what the system says. */
export async function synced(descriptor: number): Promise<void> {
  const began = performance.now();
  if (isInPlace && began >= pooledUntil && began - turnedAt < DISK.turnEveryMs) {
    fsyncSync(descriptor);
    const ended = performance.now();
    const isSlow = ended - began > DISK.quickMs;
    pooledMs = isSlow ? Math.min(Math.max(pooledMs * 2, DISK.turnEveryMs), DISK.maxPooledMs) : 0;
    pooledUntil = ended + pooledMs;
    return;
  }
  await new Promise<void>((resolve, reject) => {
    fsync(descriptor, (error) => (error === null ? resolve() : reject(error)));
  });
  turnedAt = performance.now();
}
