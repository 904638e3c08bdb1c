// Child processes of a test: started, heard, ended with the test; only ever those that were started here.

import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";

/** A running child. */
export interface Child {
  readonly pid: number;
  /** Settles with the exit code (null where a signal ended it). */
  readonly exit: Promise<number | null>;
  /** Settles when the child has printed `line`. */
  said(line: string): Promise<void>;
  /** Ends the child's stdin. */
  endInput(): void;
  kill(signal: NodeJS.Signals): void;
}

/** The path of a file in `test/support`. */
export function supportFile(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}

/** Runs `node file ...args` with stdout read line by line. */
export function startNode(file: string, args: readonly string[]): Child {
  const child = spawn(process.execPath, [file, ...args], { stdio: ["pipe", "pipe", "inherit"] });
  const exit = once(child, "exit").then(([code]) => (typeof code === "number" ? code : null));
  onTestFinished(async () => {
    child.kill("SIGKILL");
    await exit;
  });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  return {
    pid: child.pid ?? -1,
    exit,
    said: (line) => hear(child, () => output, line),
    endInput: () => child.stdin.end(),
    kill: (signal) => void child.kill(signal),
  };
}

async function hear(child: ChildProcess, output: () => string, line: string): Promise<void> {
  while (!output().split("\n").includes(line)) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error(`the child ended without saying ${line}`);
    await Promise.race([once(child.stdout ?? child, "data"), once(child, "exit")]);
  }
}
