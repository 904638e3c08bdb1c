// Judges what the program makes of bad input: an answer or an error of ours, soon, without a word of what must not be repeated.

import { inspect } from "node:util";
import * as fc from "fast-check";
import { expect } from "vitest";
import { isCodexAuthError } from "../../../src/errors.ts";
import { cases, tellFigure } from "./run.ts";

/** Stands in bad input where a token, a code or somebody's words would be: as random as a token, for short codes of errors may be shown. */
export const CANARY = "cA7nAr3yQ7xZ2mLk4Wv9Tb5s";

/** How long one case may take, in milliseconds. */
const MAX_MS = 100;
/** The same where files and timers are waited for, which a busy machine makes late. */
const MAX_ASYNC_MS = 5_000;

/** Whether any part of `text` is the canary, or the greater half of it. */
export function repeatsCanary(text: string): boolean {
  const found = text.toLowerCase();
  return [CANARY.slice(0, 10), CANARY.slice(-10)].some((half) => found.includes(half.toLowerCase()));
}

/** Counts and judges the cases of one kind of input. */
export class Guard {
  readonly #what: string;
  #cases = 0;
  #totalMs = 0;

  constructor(what: string) {
    this.#what = what;
  }

  /** Gives `predicate` as many cases of `input` as this run has; a `predicate` must not count on the one before. */
  check<T>(count: number, input: fc.Arbitrary<T>, predicate: (input: T) => void): void {
    const property = fc.property(input, (one) => {
      this.#cases += 1;
      predicate(one);
    });
    fc.assert(property, cases(count));
    tellFigure(`bad input, ${this.#what}`, this.#cases, "cases");
  }

  /** The same for what waits for files. */
  async checkAsync<T>(count: number, input: fc.Arbitrary<T>, predicate: (input: T) => Promise<void>): Promise<void> {
    const property = fc.asyncProperty(input, async (one) => {
      this.#cases += 1;
      await predicate(one);
    });
    await fc.assert(property, cases(count));
    expect(this.#totalMs / this.#cases, "mean milliseconds").toBeLessThan(MAX_MS);
    tellFigure(`bad input, ${this.#what}`, this.#cases, "cases");
  }

  /** Runs `work`, which must be repeatable; gives its value, or undefined where it refused with an error of ours. */
  sync<T>(work: () => T): T | undefined {
    const first = performance.now();
    const value = this.#try(work);
    // Another program may have had the processor: what is slow is so in the processor's time, and each time.
    let took = performance.now() - first;
    for (let again = 0; took > MAX_MS && again < 3; again += 1) {
      const start = process.cpuUsage();
      this.#try(work);
      const { user, system } = process.cpuUsage(start);
      took = Math.min(took, (user + system) / 1_000);
    }
    expect(took, "milliseconds for one case").toBeLessThan(MAX_MS);
    return value;
  }

  /** The same for what waits for files; the mean of all cases is held to the limit of the others. */
  async async<T>(work: () => Promise<T>): Promise<T | undefined> {
    const start = performance.now();
    try {
      return await work();
    } catch (error) {
      this.error(error);
      return undefined;
    } finally {
      const took = performance.now() - start;
      this.#totalMs += took;
      expect(took, "milliseconds for one case").toBeLessThan(MAX_ASYNC_MS);
    }
  }

  /** An error that was met: ours, and silent about the input, its causes included. */
  error(error: unknown): void {
    expect(isCodexAuthError(error), inspect(error)).toBe(true);
    expect(repeatsCanary(inspect(error, { depth: 6, showHidden: true })), inspect(error)).toBe(false);
  }

  /** A reply or a log line. */
  silent(text: string): void {
    if (repeatsCanary(text)) throw new Error(`the input is repeated: ${text.slice(0, 2_000)}`);
  }

  #try<T>(work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      this.error(error);
      return undefined;
    }
  }
}
