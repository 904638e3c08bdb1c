// How fast the library counts: `observeUsage` against a bare field-increment loop and a JSON clone, flush and spool running.

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const MEASUREMENT = fileURLToPath(new URL("observe-shape.mjs", import.meta.url));
const MEASURED_MS = 3_000;

/** One process per shape and kind of sums: a host gives one shape, and V8 compiles for what it has seen. */
export async function observeUsage({ quick }) {
  return ["openai", "direct", "openclaw"].flatMap((shape) =>
    ["long", "short"].flatMap((sums) => measure(shape, sums, quick ? 0 : MEASURED_MS)),
  );
}

function measure(shape, sums, ms) {
  const { stdout, status } = spawnSync(process.execPath, [MEASUREMENT, shape, sums, String(ms)], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (status !== 0) throw new Error(`the benchmark of ${shape} events ended with ${status}`);
  return JSON.parse(stdout);
}
