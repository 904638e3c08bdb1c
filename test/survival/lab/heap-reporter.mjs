// Preloaded into the bot (`node --expose-gc --import`): tells its parent, when asked, what it holds after a collection.
// Asked with a path, it leaves a snapshot of its heap there; asked without, it tells what it has used of the processor.

import { readdirSync } from "node:fs";
import { writeHeapSnapshot } from "node:v8";

process.on("message", ({ snapshot }) => {
  if (snapshot === undefined) {
    process.send(process.cpuUsage());
    return;
  }
  globalThis.gc();
  globalThis.gc();
  const held = { heap: process.memoryUsage().heapUsed, descriptors: readdirSync("/proc/self/fd").length };
  writeHeapSnapshot(snapshot);
  process.send(held);
});
// The bot ends when it is told to, not when its parent is gone.
process.channel?.unref();
