// The record of the executor, and what becomes of its right to work once its work is over.

import { readFile, readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it, onTestFinished, vi } from "vitest";
import { readExecutor, withReign, type Reign, type ReignOptions } from "../../src/apply/reign.ts";
import { APPLY } from "../../src/config/defaults.ts";
import { ownPaths } from "../../src/config/paths.ts";
import { temporaryFolder } from "../support/temp-folder.ts";

async function options(rest: Partial<ReignOptions> = {}): Promise<ReignOptions> {
  const paths = ownPaths(await temporaryFolder());
  return { paths, kind: "worker", version: "1.2.3", now: () => 5_000, waitMs: 0, ...rest };
}

it("writes down who executes, since when, and by which version", async () => {
  const shared = await options();
  expect(await readExecutor(shared.paths)).toBeUndefined();
  await withReign(shared, async () => undefined);
  expect(await readExecutor(shared.paths)).toEqual({
    kind: "worker",
    pid: process.pid,
    startedAt: 5_000,
    version: "1.2.3",
    epoch: 5_000,
    heartbeat: 5_000,
  });
  expect((await stat(shared.paths.queue)).mode & 0o777).toBe(0o700);
});

it("counts on from the epoch before where the clock stands still", async () => {
  const shared = await options();
  for (const epoch of [5_000, 5_001, 5_002]) {
    expect(await withReign(shared, async (reign) => reign.epoch)).toBe(epoch);
  }
});

it("fences its own work that is still under way when the lock is let go, also where nobody came after it", async () => {
  const shared = await options();
  let kept: Reign | undefined;
  await withReign(shared, async (reign) => {
    await reign.assertMine();
    kept = reign;
  });
  await expect(kept?.assertMine()).rejects.toMatchObject({ code: "ERR_EXECUTOR_FENCED", retryable: true });
});

it("fences its work where the work itself failed, and passes the failure on", async () => {
  const shared = await options();
  let kept: Reign | undefined;
  const failure = new Error("no");
  const work = withReign(shared, async (reign) => {
    kept = reign;
    throw failure;
  });
  await expect(work).rejects.toBe(failure);
  await expect(kept?.assertMine()).rejects.toMatchObject({ code: "ERR_EXECUTOR_FENCED" });
  expect(await withReign(shared, async (reign) => reign.epoch)).toBe(5_001);
});

it("fences an executor whose record is gone", async () => {
  const shared = await options();
  await withReign(shared, async (reign) => {
    await writeFile(join(shared.paths.queue, "executor.json"), "damaged");
    await expect(reign.assertMine()).rejects.toMatchObject({ code: "ERR_FILE_NOT_JSON" });
  });
});

it("removes what a killed executor was just writing", async () => {
  const shared = await options();
  await withReign(shared, async () => undefined);
  await writeFile(join(shared.paths.queue, ".executor.json.1-0123456789ab.tmp"), "half");
  await withReign(shared, async () => undefined);
  expect((await readdir(shared.paths.queue)).toSorted()).toEqual(["executor.json"]);
});

it("shows onlookers that it lives, and stops with its work", async () => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  onTestFinished(() => void vi.useRealTimers());
  let clock = 5_000;
  const shared = await options({ now: () => clock });
  const file = join(shared.paths.queue, "executor.json");
  await withReign(shared, async (reign) => {
    clock = 9_000;
    vi.advanceTimersByTime(APPLY.heartbeatMs - 1);
    await reign.assertMine();
    expect(await readExecutor(shared.paths)).toMatchObject({ heartbeat: 5_000 });
    vi.advanceTimersByTime(1);
  });
  // The end waits for the beat that is under way.
  expect(await readExecutor(shared.paths)).toMatchObject({ heartbeat: 9_000, epoch: 5_000, startedAt: 5_000 });
  const ended = await readFile(file, "utf8");
  clock = 20_000;
  vi.advanceTimersByTime(APPLY.heartbeatMs * 3);
  expect(await readFile(file, "utf8")).toBe(ended);
  expect(vi.getTimerCount()).toBe(0);
});
