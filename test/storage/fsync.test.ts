// The disk is waited for elsewhere, or in place where a process asks for that; what it says of a failure is passed on in both.

import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { DISK } from "../../src/config/defaults.ts";
import { synced, waitForDiskInPlace } from "../../src/storage/fsync.ts";
import { temporaryFolder } from "../support/temp-folder.ts";
import { replaceSync, systemError } from "./fs-faults.ts";

async function openFile(): Promise<number> {
  const descriptor = openSync(join(await temporaryFolder(), "file"), "w");
  onTestFinished(() => closeSync(descriptor));
  return descriptor;
}

/** Which of the two calls was made for a file, one after another. */
function noteCalls(own: number): readonly string[] {
  const calls: string[] = [];
  replaceSync("fsync", (real) => (descriptor: number, done: (error: Error | null) => void) => {
    if (descriptor === own) calls.push("elsewhere");
    real(descriptor, done);
  });
  replaceSync("fsyncSync", (real) => (descriptor: number) => {
    if (descriptor === own) calls.push("in place");
    real(descriptor);
  });
  return calls;
}

/** A disk by a clock of its own, whatever this machine's does beside other tests: how long it takes in place and elsewhere. */
function diskOf({ inPlaceMs, elsewhereMs }: { readonly inPlaceMs: number; readonly elsewhereMs: number }) {
  let clock = 0;
  const calls: { readonly how: "elsewhere" | "in place"; readonly at: number }[] = [];
  const now = vi.spyOn(performance, "now").mockImplementation(() => clock);
  onTestFinished(() => now.mockRestore());
  replaceSync("fsync", () => (_descriptor: number, done: (error: null) => void) => {
    calls.push({ how: "elsewhere", at: clock });
    clock += elsewhereMs;
    setImmediate(done, null);
  });
  replaceSync("fsyncSync", () => () => {
    calls.push({ how: "in place", at: clock });
    clock += inPlaceMs;
  });
  const inPlaceAt = (): readonly number[] => calls.flatMap(({ how, at }) => (how === "in place" ? [at] : []));
  return { calls, inPlaceAt };
}

describe("synced", () => {
  it("leaves it to the thread pool, and waits", async () => {
    const descriptor = await openFile();
    const calls = noteCalls(descriptor);
    await synced(descriptor);
    expect(calls).toEqual(["elsewhere"]);
    replaceSync("fsync", () => (_descriptor: number, done: (error: Error) => void) => done(systemError("EIO")));
    await expect(synced(descriptor)).rejects.toMatchObject({ code: "EIO" });
  });

  it("stands still in a process that asked for that, until it does so no more", async () => {
    const descriptor = await openFile();
    const calls = noteCalls(descriptor);
    const end = waitForDiskInPlace();
    onTestFinished(end);
    await synced(descriptor);
    end();
    await synced(descriptor);
    expect(calls).toEqual(["in place", "elsewhere"]);
  });

  it("lets everything else run now and then, so that locks are kept fresh and signals are heard", async () => {
    const disk = diskOf({ inPlaceMs: 1, elsewhereMs: 1 });
    const descriptor = await openFile();
    onTestFinished(waitForDiskInPlace());
    let turns = 0;
    setImmediate(() => (turns += 1));
    while (disk.calls.length < 3 * DISK.turnEveryMs) await synced(descriptor);
    expect(turns).toBe(1);
    // The first after a quarter of a second, and then each quarter of a second.
    expect(disk.calls.flatMap(({ how, at }) => (how === "elsewhere" ? [at] : []))).toEqual(
      [1, 2].map((times) => times * DISK.turnEveryMs + times - 1),
    );
  });

  it("leaves a slow disk to the thread pool for a while, the longer the more often it was slow", async () => {
    const disk = diskOf({ inPlaceMs: DISK.quickMs + 1, elsewhereMs: DISK.turnEveryMs / 5 });
    const descriptor = await openFile();
    onTestFinished(waitForDiskInPlace());
    while (disk.inPlaceAt().length < 11) await synced(descriptor);
    const pauses = disk.inPlaceAt().map((at, index, all) => at - (all[index - 1] ?? at) - DISK.quickMs - 1);
    const { turnEveryMs: once } = DISK;
    expect(pauses.slice(1, 4)).toEqual([once, 2 * once, 4 * once]);
    expect(Math.max(...pauses)).toBe(DISK.maxPooledMs);
  });

  it("passes on what the system says in place too, as a rejection", async () => {
    replaceSync("fsyncSync", () => () => {
      throw systemError("EIO");
    });
    onTestFinished(waitForDiskInPlace());
    await expect(synced(await openFile())).rejects.toMatchObject({ code: "EIO" });
  });
});
