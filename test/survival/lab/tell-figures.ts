// Prints what a run of the survival suite has done, and how long it took.

import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";

/** vitest's global set-up; what it gives back runs at the end. */
export function setup(project: TestProject): () => void {
  const startedAt = performance.now();
  const { seed, scale } = project.getProvidedContext();
  // Made here and not by the configuration, which other tools load too (knip does) and would leave a folder behind each time.
  const figuresFolder = mkdtempSync(join(tmpdir(), "survival-figures-"));
  project.provide("figuresFolder", figuresFolder);
  return () => {
    const figures = readdirSync(figuresFolder).map(
      (name) =>
        JSON.parse(readFileSync(join(figuresFolder, name), "utf8")) as { what: string; count: number; unit: string },
    );
    rmSync(figuresFolder, { recursive: true, force: true });
    const totals = new Map<string, number>();
    for (const { count, unit } of figures) totals.set(unit, (totals.get(unit) ?? 0) + count);
    const lines = [
      ...figures.toSorted((a, b) => (a.what < b.what ? -1 : 1)).map((one) => `  ${one.what}: ${one.count} ${one.unit}`),
      `  in all: ${[...totals].map(([unit, count]) => `${count} ${unit}`).join(", ")}`,
      `  ${Math.round((performance.now() - startedAt) / 1_000)} s, SURVIVAL_SEED=${seed}, SURVIVAL_SCALE=${scale}`,
    ];
    process.stdout.write(`\nSurvival\n${lines.join("\n")}\n`);
  };
}
