// Preloaded into the bot (`node --expose-gc --import`): tells its parent, when asked, what it holds after a collection.

import { readdirSync } from "node:fs";

process.on("message", () => {
  globalThis.gc();
  globalThis.gc();
  process.send({ heap: process.memoryUsage().heapUsed, descriptors: readdirSync("/proc/self/fd").length });
});
// The bot ends when it is told to, not when its parent is gone.
process.channel?.unref();
