// What one process remembers of its usage checks beside the files: holds that could not be written, and whose login a profile last held.

import { USAGE_CHECK } from "../config/defaults.ts";

/** The memory of one process. */
export class UsageMemory {
  readonly #holds = new Map<string, number>();
  readonly #keys = new Map<string, string>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Remembers that the provider wants no question about `key` until then. */
  hold(key: string, untilMs: number): void {
    this.#holds.set(key, untilMs);
  }

  /** Until when the provider wants no question about `key`; 0 where it takes one. */
  holdUntilMs(key: string): number {
    const untilMs = believable(this.#holds.get(key), this.#now());
    if (untilMs <= this.#now()) this.#holds.delete(key);
    return untilMs;
  }

  /** Remembers under which `key` the usage of a profile's login is kept. */
  keep(agentId: string, profileId: string, key: string): void {
    this.#keys.set(JSON.stringify([agentId, profileId]), key);
  }

  /** The key of a profile's last login that could be read: while it is renewed, a marker stands where its token says whose it is. */
  lastKey(agentId: string, profileId: string): string | undefined {
    return this.#keys.get(JSON.stringify([agentId, profileId]));
  }
}

/** A hold as far as a right clock can have made it; 0 where none can. */
export function believable(untilMs: number | undefined, now: number): number {
  return untilMs === undefined || untilMs > now + USAGE_CHECK.maxBackoffMs ? 0 : untilMs;
}

/** Whether so much time has passed that something from then still counts; a clock that was set back proves nothing. */
export function isWithin(ageMs: number, maxMs: number): boolean {
  return ageMs >= 0 && ageMs < maxMs;
}
