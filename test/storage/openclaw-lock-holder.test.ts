import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import type { Writable } from "node:stream";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { isHolderAlive, processStartTime } from "../../src/storage/openclaw-lock-holder.ts";
import { startNode } from "../support/child-process.ts";
import { systemError } from "./fs-faults.ts";

const hasProc = existsSync("/proc/self/stat");

async function deadPid(): Promise<number> {
  const child = startNode("-e", ["0"]);
  await child.exit;
  return child.pid;
}

/** A process that has ended and whose parent never asked how. */
async function zombiePid(): Promise<number> {
  const parent = spawn("sh", ["-c", "cat <&3 & echo $!; exec 3<&-; exec sleep 60"], {
    stdio: ["ignore", "pipe", "ignore", "pipe"],
  });
  onTestFinished(async () => {
    parent.kill("SIGKILL");
    await once(parent, "exit");
  });
  const [line] = (await once(parent.stdout ?? parent, "data")) as [Buffer];
  const pid = Number(line.toString());
  // The shell itself would ask how its child ended; the program that takes its place does not.
  await vi.waitFor(() => expect(readFileSync(`/proc/${parent.pid}/comm`, "utf8")).toBe("sleep\n"), { timeout: 10_000 });
  (parent.stdio[3] as Writable).end();
  await vi.waitFor(() => expect(readFileSync(`/proc/${pid}/stat`, "utf8")).toContain(") Z "), { timeout: 10_000 });
  return pid;
}

describe("the holder of a lock", () => {
  it("lives where its process does, with or without a start time", () => {
    expect(isHolderAlive({ pid: process.pid })).toBe(true);
    const startTime = processStartTime(process.pid);
    expect(startTime === undefined).toBe(!hasProc);
    if (startTime === undefined) return;
    expect(isHolderAlive({ pid: process.pid, startTime })).toBe(true);
    expect(isHolderAlive({ pid: process.pid, startTime: startTime + 1 })).toBe(false);
  });

  it("is gone with its process, which has no start time then", async () => {
    const pid = await deadPid();
    expect(isHolderAlive({ pid })).toBe(false);
    expect(processStartTime(pid)).toBeUndefined();
  });

  it("lives where we may not ask, for it is another account's", () => {
    const { kill } = process;
    process.kill = () => {
      throw systemError("EPERM");
    };
    try {
      expect(isHolderAlive({ pid: 1 })).toBe(true);
    } finally {
      process.kill = kill;
    }
  });

  it.runIf(hasProc)("is gone where only its entry in the process table is left", async () => {
    expect(isHolderAlive({ pid: await zombiePid() })).toBe(false);
  });
});
