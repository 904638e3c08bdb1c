import { EventEmitter, getEventListeners } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { watchFolder } from "../../src/storage/watch-folder.ts";
import { temporaryFolder } from "../support/temp-folder.ts";
import { replaceSync, systemError } from "./fs-faults.ts";

/** A watch that ends when `enough` says so after a call; counts the calls. */
async function watched(folder: string, onCall: (call: number, end: () => void) => unknown): Promise<number> {
  const controller = new AbortController();
  let calls = 0;
  const onChange = async (): Promise<void> => {
    calls += 1;
    await onCall(calls, () => controller.abort());
  };
  await watchFolder(folder, onChange, controller.signal);
  return calls;
}

/** The system's notices, sent by hand. */
function fakeNotices(): EventEmitter & { closed: boolean; notice: () => void } {
  const watcher = Object.assign(new EventEmitter(), { closed: false, notice: () => undefined as void });
  replaceSync("watch", () => (_folder: string, notice: () => void) => {
    watcher.notice = notice;
    return Object.assign(watcher, { close: () => void (watcher.closed = true) });
  });
  return watcher;
}

describe("watching a folder", () => {
  it("looks at once, and ends after the running look when it is told to", async () => {
    let isDone = false;
    const calls = await watched(await temporaryFolder(), async (_call, end) => {
      end();
      await new Promise((resolve) => setImmediate(resolve));
      isDone = true;
    });
    expect([calls, isDone]).toEqual([1, true]);
  });

  it("does not look at all where it was told to end before it began", async () => {
    let calls = 0;
    await watchFolder(await temporaryFolder(), async () => void (calls += 1), AbortSignal.abort());
    expect(calls).toBe(0);
  });

  it("looks again after a change, by the system's notice", async () => {
    const folder = await temporaryFolder();
    const seen = await watched(folder, async (call, end) => {
      if (call === 1) await writeFile(join(folder, "new"), "");
      else end();
    });
    expect(seen).toBe(2);
  });

  it("looks again by itself where the folder is not there yet", async () => {
    const calls = await watched(join(await temporaryFolder(), "later"), (call, end) => {
      if (call === 2) end();
    });
    expect(calls).toBe(2);
  });

  it("looks again after a notice that came during a look, and never twice at a time", async () => {
    const watcher = fakeNotices();
    // The clock alone would make up for a notice that was lost.
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    onTestFinished(() => void vi.useRealTimers());
    let inside = 0;
    let most = 0;
    const calls = await watched("/nowhere", async (call, end) => {
      inside += 1;
      most = Math.max(most, inside);
      watcher.notice();
      watcher.notice();
      await new Promise((resolve) => setImmediate(resolve));
      inside -= 1;
      if (call === 3) end();
    });
    expect([calls, most]).toEqual([3, 1]);
  });

  it("looks only when there is something to look for, and ends at once when it is told to while it waits", async () => {
    const watcher = fakeNotices();
    const controller = new AbortController();
    let calls = 0;
    const watching = watchFolder("/nowhere", async () => void (calls += 1), controller.signal);
    for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    expect(calls).toBe(1);
    watcher.notice();
    for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    expect(calls).toBe(2);
    const started = performance.now();
    controller.abort();
    await watching;
    expect(performance.now() - started).toBeLessThan(900);
    expect(calls).toBe(2);
    expect(watcher.closed).toBe(true);
  });

  it("goes on by the clock where the system's watch breaks", async () => {
    const watcher = fakeNotices();
    let closedAtOnce = false;
    const calls = await watched("/nowhere", (call, end) => {
      if (call === 2) end();
      else {
        watcher.emit("error", systemError("EIO"));
        closedAtOnce = watcher.closed;
      }
    });
    expect([calls, closedAtOnce]).toEqual([2, true]);
  });

  it("passes on a look that failed, closes the system's watch and leaves nothing on the signal", async () => {
    const watcher = fakeNotices();
    const failure = new Error("the look failed");
    const { signal } = new AbortController();
    await expect(watchFolder("/nowhere", () => Promise.reject(failure), signal)).rejects.toBe(failure);
    expect(watcher.closed).toBe(true);
    expect(getEventListeners(signal, "abort")).toEqual([]);
  });
});
