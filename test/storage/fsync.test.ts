// The disk is waited for elsewhere, or in place where a process asks for that; what it says of a failure is passed on in both.

import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
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
    // A quick disk, whatever this machine's does beside other tests: a slow one is left to the thread pool, which is another test.
    const calls = { inPlace: 0, elsewhere: 0 };
    replaceSync("fsyncSync", () => () => void (calls.inPlace += 1));
    replaceSync("fsync", () => (_descriptor: number, done: (error: null) => void) => {
      calls.elsewhere += 1;
      setImmediate(done, null);
    });
    const descriptor = await openFile();
    onTestFinished(waitForDiskInPlace());
    const end = performance.now() + 3 * DISK.turnEveryMs;
    let turns = 0;
    const timer = setInterval(() => (turns += 1), 1);
    while (performance.now() < end) await synced(descriptor);
    clearInterval(timer);
    expect(turns).toBeGreaterThanOrEqual(1);
    expect(calls.elsewhere).toBeGreaterThanOrEqual(2);
    expect(calls.elsewhere).toBeLessThan(calls.inPlace);
  });

  it("leaves a slow disk to the thread pool for a while, the longer the more often it was slow", async () => {
    const descriptor = await openFile();
    const calls = noteCalls(descriptor);
    onTestFinished(waitForDiskInPlace());
    replaceSync("fsyncSync", (real) => (own: number) => {
      const end = performance.now() + DISK.quickMs + 1;
      while (performance.now() < end);
      real(own);
    });
    const pauses: number[] = [];
    let since: number | undefined;
    while (pauses.length < 2) {
      const before = calls.length;
      await synced(descriptor);
      if (calls.at(-1) !== "in place" || calls.length === before) continue;
      if (since !== undefined) pauses.push(performance.now() - since);
      since = performance.now();
    }
    expect(pauses[0]).toBeGreaterThanOrEqual(DISK.turnEveryMs);
    expect(pauses[1]).toBeGreaterThanOrEqual(2 * DISK.turnEveryMs);
  });

  it("passes on what the system says in place too, as a rejection", async () => {
    replaceSync("fsyncSync", () => () => {
      throw systemError("EIO");
    });
    onTestFinished(waitForDiskInPlace());
    await expect(synced(await openFile())).rejects.toMatchObject({ code: "EIO" });
  });
});
