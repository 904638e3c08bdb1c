// `npm run bench -- --json`: what a program reads of it, on a tiny sample; how fast anything is does not matter here.

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ROOT } from "../support/repo-files.ts";

function bench(...args: readonly string[]) {
  return spawnSync(process.execPath, [join(ROOT, "scripts/bench.mjs"), ...args], {
    encoding: "utf8",
    timeout: 240_000,
  });
}

describe("npm run bench", () => {
  it("prints with --json exactly the figures that have a goal, and nothing else", { timeout: 300_000 }, () => {
    const { status, stdout, stderr } = bench("--json", "--quick", "--only", "patch,exact-totals", "--only", "job");
    // 1: a goal was missed, as on a sample this small it may be.
    expect([0, 1], stderr).toContain(status);
    const figures = JSON.parse(stdout) as readonly Record<string, unknown>[];
    expect(figures.length).toBeGreaterThanOrEqual(5);
    for (const figure of figures) {
      expect(Object.keys(figure)).toEqual(["name", "value", "goal", "direction"]);
      expect(figure["value"]).toEqual(expect.any(Number));
      expect(figure["goal"]).toEqual(expect.any(Number));
      expect(["max", "min"]).toContain(figure["direction"]);
    }
    expect(figures[0]?.["name"]).toMatch(/^locked patch of 200 profiles \/ bare atomic write, on \w+$/);
    expect(figures).toContainEqual({ name: "batches told twice", value: 0, goal: 0, direction: "min" });
    expect(stderr).toContain("patch …");
    expect(stderr).not.toContain("scale …");
  });

  it("names the benchmarks there are where one is asked for that is not", () => {
    const { status, stdout, stderr } = bench("--json", "--only", "surprise");
    expect([status, stdout]).toEqual([2, ""]);
    expect(stderr).toContain("start-up, patch, job");
  });
});
