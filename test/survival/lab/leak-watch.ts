// Keeps everything that a run puts down anywhere: each content of each file while it is there, and the arguments and surroundings of each process.

import { readdirSync, readFileSync, statSync } from "node:fs";
import { onTestFinished } from "vitest";
import { spellings } from "../../support/spellings.ts";
import { tree } from "../../support/tree.ts";

/** A secret of the run. */
export interface Canary {
  readonly name: string;
  readonly secret: string;
  /** Places where it may be, by RISK.md. */
  readonly allowed: RegExp;
}

const EVERY_MS = 20;

/** Looks at one folder and at the processes that are started for it, until the test is over. */
export class LeakWatch {
  /** Contents by place. */
  readonly #seen = new Map<string, Set<string>>();
  readonly #modes = new Map<string, string>();
  readonly #looked = new Map<string, string>();
  readonly #folder: string;
  readonly #before = new Set(readdirSync("/proc"));

  constructor(folder: string) {
    this.#folder = folder;
    const timer = setInterval(() => this.look(), EVERY_MS);
    onTestFinished(() => clearInterval(timer));
  }

  /** Keeps `text` under the name of the place where it was put out. */
  note(place: string, text: string): void {
    const known = this.#seen.get(place) ?? new Set();
    this.#seen.set(place, known.add(text));
  }

  /** Looks now. */
  look(): void {
    this.#lookAtFiles();
    this.#lookAtProcesses();
  }

  /** The places that were looked at. */
  get places(): readonly string[] {
    return [...this.#seen.keys()];
  }

  /** Every mode that a place had, as `600 path`; folders end with a slash. */
  get modes(): readonly string[] {
    return [...this.#modes.keys()];
  }

  /** Which of `canaries` are where they may not be, and where those were that may; a name stands for the secret. */
  judge(canaries: readonly Canary[]): { readonly leaks: readonly string[]; readonly homes: ReadonlySet<string> } {
    const leaks: string[] = [];
    const homes = new Set<string>();
    const texts = [...this.#seen].map(([place, contents]) => ({ place, text: [place, ...contents].join("\n") }));
    for (const { name, secret, allowed } of canaries) {
      const forms = spellings(secret);
      for (const { place, text } of texts) {
        if (!forms.some((form) => text.includes(form))) continue;
        // A name of a file is never a place for one.
        if (!allowed.test(place) || forms.some((form) => place.includes(form))) leaks.push(`${name} in ${place}`);
        else homes.add(`${name} in ${place}`);
      }
    }
    return { leaks, homes };
  }

  #lookAtFiles(): void {
    for (const { path, absolute, isFolder, mode } of tree(this.#folder)) {
      this.#modes.set(`${mode} ${path}`, path);
      // Also the name of one that is gone before it can be read.
      this.note(path, "");
      if (isFolder) continue;
      try {
        const { ino, mtimeMs, size, ctimeMs } = statSync(absolute);
        const state = [ino, mtimeMs, ctimeMs, size].join();
        if (this.#looked.get(path) === state) continue;
        this.note(path, readFileSync(absolute, "latin1"));
        this.#looked.set(path, state);
      } catch {
        // It went while we looked.
      }
    }
  }

  #lookAtProcesses(): void {
    for (const pid of readdirSync("/proc")) {
      if (this.#before.has(pid) || !/^\d+$/.test(pid)) continue;
      try {
        const environ = readFileSync(`/proc/${pid}/environ`, "latin1");
        if (!environ.includes(this.#folder)) continue;
        const argv = readFileSync(`/proc/${pid}/cmdline`, "latin1").replaceAll("\0", " ").trim();
        this.note(`process ${argv}`, environ);
      } catch {
        // It has ended.
      }
    }
  }
}
