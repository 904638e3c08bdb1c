// A lock of ours that is lost while the work goes on; kept apart because it moves the clock.

import { once } from "node:events";
import { mkdir, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { expect, it, onTestFinished, vi } from "vitest";
import { OWN_LOCK } from "../../src/config/defaults.ts";
import { withProcessLock } from "../../src/storage/process-lock.ts";
import { temporaryFolder } from "../support/temp-folder.ts";

it("tells the work that its lock is lost, ends with that, and leaves the lock to whoever has it now", async () => {
  const path = join(await temporaryFolder(), "file");
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  onTestFinished(() => void vi.useRealTimers());
  let told: unknown;
  const work = withProcessLock(path, async (signal) => {
    await rmdir(`${path}.lock`);
    const aborted = once(signal, "abort");
    vi.advanceTimersByTime(OWN_LOCK.updateMs);
    await aborted;
    told = signal.reason;
    await mkdir(`${path}.lock`);
    return "done";
  });
  await expect(work).rejects.toMatchObject({ code: "ERR_LOCK_LOST", retryable: true });
  expect(told).toMatchObject({ code: "ERR_LOCK_LOST" });
  vi.useRealTimers();
  await expect(withProcessLock(path, async () => 1, { waitMs: 0 })).rejects.toMatchObject({ code: "ERR_LOCK_TIMEOUT" });
});
