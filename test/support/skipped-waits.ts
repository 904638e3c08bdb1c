// Waits of `node:timers/promises` that take no time: a clock goes on by as much instead.

import { createRequire, syncBuiltinESMExports } from "node:module";
import type timers from "node:timers/promises";
import { onTestFinished } from "vitest";

/** The clock that goes on, in milliseconds since 1970, and what was waited. */
export interface SkippingClock {
  now: number;
  readonly pauses: number[];
}

/** Skips every wait from here to the end of the test; the clock begins at `now`. */
export function skipWaits(now: number): SkippingClock {
  const clock: SkippingClock = { now, pauses: [] };
  const module = createRequire(import.meta.url)("node:timers/promises") as { setTimeout: typeof timers.setTimeout };
  const real = module.setTimeout;
  onTestFinished(() => {
    module.setTimeout = real;
    syncBuiltinESMExports();
  });
  module.setTimeout = (ms = 0, value) => {
    clock.pauses.push(ms);
    clock.now += ms;
    return Promise.resolve(value as never);
  };
  syncBuiltinESMExports();
  return clock;
}
