// Keeps one test process alive from mutant to mutant: Stryker asks vitest for a new run each time, and a new process each time,
// with every import, cost ten times what the tests themselves do.

import { fork, type ChildProcess } from "node:child_process";
import { join } from "node:path";
import type { PoolOptions, PoolRunnerInitializer, PoolWorker } from "vitest/node";

/** After so many runs a new process, for whatever a mutant may have left behind in its modules. */
const RUNS = 40;

let child: ChildProcess | undefined;
let runs = 0;
let wasStatic = false;

class KeptFork implements PoolWorker {
  readonly name = "kept-fork";
  readonly cacheFs = true;
  readonly #options: PoolOptions;
  readonly #listeners: [string, (argument: unknown) => void][] = [];

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  on(event: string, callback: (argument: unknown) => void): void {
    this.#listeners.push([event, callback]);
    child?.on(event, callback);
  }

  off(event: string, callback: (argument: unknown) => void): void {
    child?.off(event, callback);
  }

  send(message: unknown): void {
    const { type } = message as { readonly type?: string };
    if (type === "stop") this.#tell({ __vitest_worker_response__: true, type: "stopped" });
    else child?.send(message as object);
  }

  async start(): Promise<void> {
    // A mutant of a line that runs on import is seen only by modules that are imported anew.
    const isStatic = this.#options.project.getProvidedContext()["mutantActivation" as never] === "static";
    runs += 1;
    if (isStatic || wasStatic || runs % RUNS === 0) await end();
    wasStatic = isStatic;
    if (child?.connected !== true || child.exitCode !== null) {
      const { distPath, env, execArgv } = this.#options;
      child = fork(join(distPath, "workers", "forks.js"), [], {
        env,
        execArgv,
        stdio: "ignore",
        serialization: "advanced",
      });
      child.setMaxListeners(0);
    }
  }

  async stop(): Promise<void> {
    for (const [event, callback] of this.#listeners.splice(0)) child?.off(event, callback);
    await Promise.resolve();
  }

  deserialize(data: unknown): unknown {
    return data;
  }

  #tell(message: unknown): void {
    for (const [event, callback] of this.#listeners) if (event === "message") callback(message);
  }
}

async function end(): Promise<void> {
  const old = child;
  child = undefined;
  if (old === undefined || old.exitCode !== null || old.signalCode !== null) return;
  const gone = new Promise((resolve) => old.once("exit", resolve));
  old.kill("SIGKILL");
  await gone;
}

/** vitest's pool with the one kept process. */
export const keptFork: PoolRunnerInitializer = {
  name: "kept-fork",
  createPoolWorker: (options) => new KeptFork(options),
};
