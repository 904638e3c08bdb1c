// The lock file that a gateway keeps while it runs, written down a second time on purpose (facts/openclaw-json-generation.md §3).

import { createHash } from "node:crypto";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { z } from "zod";

/** Where the lock of the gateway with this configuration lies. */
export function sandboxLockPath(tmp: string, configPath: string): string {
  const hash = createHash("sha256").update(configPath).digest("hex").slice(0, 8);
  return join(tmp, `openclaw-${process.getuid?.() ?? 0}`, `gateway.${hash}.lock`);
}

/** Writes it for this process. */
export async function writeSandboxLock(path: string, configPath: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const startTime = await ownStartTime();
  const lock = { pid: process.pid, createdAt: new Date().toISOString(), configPath, startTime };
  await writeFile(path, JSON.stringify(lock), { mode: 0o600 });
}

/** Removes it if it is this process's. */
export async function removeSandboxLock(path: string): Promise<void> {
  if ((await readSandboxLockPid(path)) === process.pid) await rm(path, { force: true });
}

/** The pid that it names; undefined where there is none. */
export async function readSandboxLockPid(path: string): Promise<number | undefined> {
  try {
    return z.object({ pid: z.number() }).parse(JSON.parse(await readFile(path, "utf8"))).pid;
  } catch {
    return undefined;
  }
}

/** Field 22 of `/proc/self/stat`; only Linux has it. */
async function ownStartTime(): Promise<number | undefined> {
  try {
    const line = await readFile("/proc/self/stat", "utf8");
    return Number(line.slice(line.lastIndexOf(")") + 2).split(" ")[19]);
  } catch {
    return undefined;
  }
}
