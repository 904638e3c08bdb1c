// One run of the survival suite: its seed, how much of it is done, chance that can be repeated, and the figures that it ends with.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { inject } from "vitest";

declare module "vitest" {
  // oxlint-disable-next-line typescript/consistent-type-definitions -- vitest's own interface is added to.
  export interface ProvidedContext {
    seed: number;
    scale: number;
    endurance: number;
    figuresFolder: string;
  }
}

/** The seed of this run: from `SURVIVAL_SEED`, else drawn, and printed where a test fails. */
export const seed = inject("seed");

/** How many times as long the tests of endurance go on: from `SURVIVAL_ENDURANCE`, else 1. */
export const endurance = inject("endurance");

/** How often something is done in this run: `count` times `SURVIVAL_SCALE`, at least once. */
export function times(count: number): number {
  return Math.max(1, Math.round(count * inject("scale")));
}

/** Settings of fast-check: this run's seed and `count` cases; a failure names the seed, the case and its path. */
export function cases(count: number): { readonly seed: number; readonly numRuns: number } {
  return { seed, numRuns: times(count) };
}

/** Numbers from 0 to 1 that are the same for the same seed and `what` they are for (mulberry32). */
export function chance(what: string): () => number {
  let state = Buffer.from(what).reduce((sum, byte) => Math.imul(sum ^ byte, 0x0100_0193), seed);
  return () => {
    state = (state + 0x6d2b_79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

/** One of `values`, by a number from {@link chance}. */
export function pick<T>(values: readonly T[], random: number): T {
  const value = values[Math.min(values.length - 1, Math.floor(random * values.length))];
  if (value === undefined) throw new Error("nothing to pick from");
  return value;
}

/** Tells the run what was done; printed when it is over. */
export function tellFigure(what: string, count: number, unit: string): void {
  const name = what.replaceAll(/[^a-z0-9]+/gi, "-");
  writeFileSync(join(inject("figuresFolder"), `${name}.json`), JSON.stringify({ what, count, unit }));
}
