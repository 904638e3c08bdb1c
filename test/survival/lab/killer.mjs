// Ends the process that imports it by SIGKILL, at an instant after its first change of the disk, whatever it does then.

import { writeSync } from "node:fs";
import { createInterface } from "node:readline";
import { Worker } from "node:worker_threads";
import { beforeDiskChanges } from "../../support/disk-changes.mjs";

/** Whether the time runs, and after how many microseconds it is over. */
const shared = new Int32Array(new SharedArrayBuffer(8));
let began;
const begin = () => {
  if (began !== undefined) return;
  began = process.hrtime.bigint();
  if (shared[1] === 0) return;
  Atomics.store(shared, 0, 1);
  Atomics.notify(shared, 0);
};

// The first that an executor writes is who it is.
beforeDiskChanges((name, path) => {
  if (name === "open" && String(path).includes("executor.json")) begin();
});

// A thread of its own: the worker's own loop could only be interrupted where it waits.
const thread = new Worker(
  `const { workerData } = require("node:worker_threads");
   Atomics.wait(workerData, 0, 0);
   const forNothing = new Int32Array(new SharedArrayBuffer(4));
   Atomics.wait(forNothing, 0, 0, workerData[1] / 1000);
   process.kill(process.pid, "SIGKILL");`,
  { eval: true, workerData: shared },
);
thread.unref();

/** Has this process die so many microseconds after its first change; 0: never. Where it lives, it says how many it took. */
export function dieAfter(us) {
  shared[1] = us;
  process.on("exit", () => {
    if (began !== undefined) writeSync(1, String((process.hrtime.bigint() - began) / 1_000n));
  });
}

/** Resolves when the parent writes a line: what is said to {@link dieAfter}. */
export async function begun() {
  for await (const line of createInterface({ input: process.stdin })) {
    dieAfter(Number(line));
    break;
  }
  process.stdin.destroy();
}
