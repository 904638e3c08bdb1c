// How fast the library counts: `observeUsage` against a bare field-increment loop and a JSON clone, flush and spool running.

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const MEASUREMENT = fileURLToPath(new URL("observe-shape.mjs", import.meta.url));

/** One process per shape and kind of sums: a host gives one shape, and V8 compiles for what it has seen. */
export async function observeUsage() {
  return ["openai", "direct", "openclaw"].flatMap((shape) => [...measure(shape, "long"), ...measure(shape, "short")]);
}

function measure(shape, sums) {
  const { stdout, status } = spawnSync(process.execPath, [MEASUREMENT, shape, sums], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (status !== 0) throw new Error(`the benchmark of ${shape} events ended with ${status}`);
  return JSON.parse(stdout);
}
