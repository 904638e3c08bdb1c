// Workers that are started before they are needed: most of what a killed worker costs is the start of its process.

import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { expect } from "vitest";

/** What became of a worker, and how many microseconds it worked where it lived. */
export interface Worked {
  readonly killed: boolean;
  readonly tookUs: number;
}

/** How its workers are started: a module that waits by `killer.mjs`, and its surroundings. */
export interface WorkerStart {
  readonly node?: string;
  readonly module: string;
  readonly args?: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

/** One worker at work, and one that waits for its turn. */
export class WarmWorkers {
  readonly #start: WorkerStart;
  #next: ChildProcess;

  constructor(start: WorkerStart) {
    this.#start = start;
    this.#next = this.#spawn();
  }

  /** Has a worker work; it dies after so many microseconds, or lives to its end. */
  async work(dieAfterUs?: number): Promise<Worked> {
    const child = this.#next;
    const exited = once(child, "exit") as Promise<[number | null, NodeJS.Signals | null]>;
    const { stdin, stdout } = child;
    if (stdin === null || stdout === null) throw new Error("a worker without pipes");
    // 0 would be one that lives.
    stdin.end(`${dieAfterUs === undefined ? 0 : Math.max(1, Math.round(dieAfterUs))}\n`);
    this.#next = this.#spawn();
    const [output, [code, signal]] = await Promise.all([text(stdout), exited]);
    if (signal === null) expect(code, "the worker's exit code").toBe(0);
    return { killed: signal === "SIGKILL", tookUs: Number(output) };
  }

  /** Ends the one that waits. */
  async stop(): Promise<void> {
    const exited = once(this.#next, "exit");
    this.#next.kill("SIGKILL");
    await exited;
  }

  #spawn(): ChildProcess {
    const { node = process.execPath, module, args = [], env } = this.#start;
    return spawn(node, [module, ...args], { env, cwd: "/", stdio: ["pipe", "pipe", "inherit"] });
  }
}
