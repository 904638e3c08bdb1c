// Tells whether files are as they were by what the system notes of each, without opening them.

import { statSync, type BigIntStats } from "node:fs";
import { MARKS } from "../config/defaults.ts";

/** The mark of what is not there. */
const ABSENT = "absent";

/** What is another for each file that was ever at `path`; undefined where there is none, or it cannot be looked at. */
export function markOf(path: string): string | undefined {
  const stats = look(path);
  return stats === undefined || stats === ABSENT ? undefined : markIn(stats);
}

/** Files and folders as they were at one moment. */
export class Marks {
  readonly #marks: ReadonlyMap<string, string>;

  private constructor(marks: ReadonlyMap<string, string>) {
    this.#marks = marks;
  }

  /**
   * Marks `paths`, before they are read: what replaces one in between then has another mark. Undefined where one cannot be looked at, or
   * was written so lately before `now` (milliseconds since 1970) that the next writing could leave the same times; git calls such a file
   * racily clean.
   */
  static take(paths: readonly string[], now: number): Marks | undefined {
    const marks = new Map<string, string>();
    for (const path of paths) {
      const stats = look(path);
      if (stats === undefined || (stats !== ABSENT && !isSettled(stats, now))) return undefined;
      marks.set(path, stats === ABSENT ? ABSENT : markIn(stats));
    }
    return new Marks(marks);
  }

  /** Whether exactly these are marked. */
  areOf(paths: readonly string[]): boolean {
    return new Set(paths).size === this.#marks.size && this.cover(paths);
  }

  /** Whether these are among the marked. */
  cover(paths: readonly string[]): boolean {
    return paths.every((path) => this.#marks.has(path));
  }

  /** Whether all are as they were; what was not there is as it was while it is not. */
  hold(): boolean {
    for (const [path, mark] of this.#marks) {
      const stats = look(path);
      if (stats === undefined || (stats === ABSENT ? ABSENT : markIn(stats)) !== mark) return false;
    }
    return true;
  }
}

function look(path: string): BigIntStats | typeof ABSENT | undefined {
  try {
    return statSync(path, { bigint: true, throwIfNoEntry: false }) ?? ABSENT;
  } catch {
    // Why it cannot be looked at is said by reading it: a link that leads to itself must not stand in the way of all others.
    return undefined;
  }
}

function isSettled({ mtimeNs, ctimeNs }: BigIntStats, now: number): boolean {
  const times = [mtimeNs, ctimeNs];
  // Some file systems know whole seconds only.
  const isCoarse = times.some((ns) => ns % 1_000_000_000n === 0n);
  const before = now - (isCoarse ? MARKS.settledInSecondsMs : MARKS.settledMs);
  return times.every((ns) => Number(ns / 1_000_000n) < before);
}

/** Each write makes a new file; an inode may come back, but not with these times. */
function markIn({ ctimeNs, dev, ino, mtimeNs, size }: BigIntStats): string {
  return `${dev} ${ino} ${size} ${mtimeNs} ${ctimeNs}`;
}
