// The workers of a demo: real ones, whose pids are kept, because nothing of a demo may outlive it.

import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { SECOND } from "../../config/defaults.ts";
import { endProcess } from "../../sandbox/processes.ts";

/** `usual` is the worker of every host; `impatient` is the same with short waits for restarts. */
export type WorkerKind = "usual" | "impatient";

// Tests run this file from src; a process needs the compiled entry.
const BASE = import.meta.url.endsWith(".ts") ? "../../../dist/hosts/demo/" : "./";
const ENTRIES: Readonly<Record<WorkerKind, string>> = {
  usual: fileURLToPath(new URL(`${BASE}../worker/main.js`, import.meta.url)),
  impatient: fileURLToPath(new URL(`${BASE}worker-main.js`, import.meta.url)),
};
const END_WITHIN_MS = 1 * SECOND;

/** Starts workers and ends those that are left. */
export class DemoWorkers {
  readonly #running = new Set<ChildProcess>();
  readonly #variables: Readonly<Record<string, string>>;

  constructor(variables: Readonly<Record<string, string>>) {
    this.#variables = variables;
  }

  /** Starts one as `launchWorker` does, in a session of its own. */
  async start(kind: WorkerKind): Promise<void> {
    const env = { ...this.#variables };
    const child = fork(ENTRIES[kind], [], { detached: true, stdio: "ignore", env, cwd: "/" });
    this.#running.add(child);
    child.once("exit", () => this.#running.delete(child));
    await once(child, "spawn");
    child.disconnect();
    child.unref();
  }

  /** Ends those that still run. */
  async close(): Promise<void> {
    const pids = [...this.#running].map(({ pid }) => pid).filter((pid) => pid !== undefined);
    await Promise.all(pids.map((pid) => endProcess(pid, END_WITHIN_MS)));
  }
}
