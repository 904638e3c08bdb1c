// Preloaded into a worker (`node --import`): ends it by SIGKILL at an instant after its first change of the disk, whatever it does then.
// CRASH_AFTER_US: microseconds from that change; absent = it lives, and says on its standard output how many it took until its end.

import { writeSync } from "node:fs";
import { createRequire, syncBuiltinESMExports } from "node:module";
import { Worker } from "node:worker_threads";

const after = process.env.CRASH_AFTER_US;
const promises = createRequire(import.meta.url)("node:fs/promises");
const shared = new Int32Array(new SharedArrayBuffer(4));
let began;
const begin = () => {
  if (began !== undefined) return;
  began = process.hrtime.bigint();
  Atomics.store(shared, 0, 1);
  Atomics.notify(shared, 0);
};

// The first that an executor writes is who it is.
const open = promises.open;
promises.open = (path, flags, ...rest) => {
  if (flags === "wx" && String(path).includes("executor.json")) begin();
  return open(path, flags, ...rest);
};
syncBuiltinESMExports();

if (after === undefined) {
  process.on("exit", () => {
    if (began !== undefined) writeSync(1, String((process.hrtime.bigint() - began) / 1_000n));
  });
} else {
  // A thread of its own: the worker's own loop could only be interrupted where it waits.
  const thread = new Worker(
    `const { workerData } = require("node:worker_threads");
     Atomics.wait(workerData.shared, 0, 0);
     const forNothing = new Int32Array(new SharedArrayBuffer(4));
     Atomics.wait(forNothing, 0, 0, workerData.after / 1000);
     process.kill(process.pid, "SIGKILL");`,
    { eval: true, workerData: { shared, after: Number(after) } },
  );
  thread.unref();
}
