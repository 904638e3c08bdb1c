// What the benchmarks share: figures, medians of interleaved runs, temporary folders, and why one was left out.

import { readFileSync } from "node:fs";
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Thrown by a benchmark that cannot run here; the message says why. */
export class Skipped extends Error {}

/** A figure that is to be at most `goal`. */
export function atMost(goal, name, value, unit = "×") {
  return { name, value, unit, goal, direction: "min" };
}

/** A figure that is to be at least `goal`. */
export function atLeast(goal, name, value, unit = "×") {
  return { name, value, unit, goal, direction: "max" };
}

/** A figure that only explains another. */
export function told(name, value, unit = "") {
  return { name, value, unit };
}

/** The figure in the middle. */
export function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

/**
 * Runs the works in turns, A B A B, so that whatever else the machine does hits all of them, and gives the median milliseconds of each. A
 * work that gives a number has measured itself. The first `warmUp` rounds are left out.
 */
export async function interleaved(rounds, works, warmUp = 1) {
  const took = Object.fromEntries(Object.keys(works).map((name) => [name, []]));
  for (let round = -warmUp; round < rounds; round += 1) {
    for (const [name, work] of Object.entries(works)) {
      const began = performance.now();
      const own = await work(round);
      if (round >= 0) took[name].push(typeof own === "number" ? own : performance.now() - began);
    }
  }
  return Object.fromEntries(Object.entries(took).map(([name, values]) => [name, median(values)]));
}

/** Runs `work` on a temporary folder that is gone afterwards. */
export async function inFolder(work) {
  const folder = await realpath(await mkdtemp(join(tmpdir(), "codex-auth-bench-")));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** The kind of file system that holds `folder`, such as `ext4`; `unknown` where the system does not tell. */
export function fileSystemOf(folder) {
  let best = { point: "", kind: "unknown" };
  for (const line of mounts()) {
    const [, point = "", kind = ""] = line.split(" ");
    const isAbove = point === "/" || folder === point || folder.startsWith(`${point}/`);
    if (isAbove && point.length >= best.point.length) best = { point, kind };
  }
  return best.kind;
}

function mounts() {
  try {
    return readFileSync("/proc/self/mounts", "utf8").split("\n");
  } catch {
    return [];
  }
}
