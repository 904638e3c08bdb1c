import fs, { existsSync } from "node:fs";
import { mkdir, readFile, readdir, rm, stat, symlink, utimes, writeFile } from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { OPENCLAW_LOCK } from "../../src/config/defaults.ts";
import { openClawLockPath, withOpenClawLock, type LockWait } from "../../src/storage/openclaw-lock.ts";
import { startNode, supportFile } from "../support/child-process.ts";
import { temporaryFolder } from "../support/temp-folder.ts";

const hasProc = existsSync("/proc/self/stat");
const peer = supportFile("openclaw-lock-peer.mjs");

async function store(): Promise<{ folder: string; path: string; lock: string }> {
  const folder = await temporaryFolder();
  const path = join(folder, "auth-profiles.json");
  return { folder, path, lock: `${path}.lock` };
}

/** A pid that is not in use: that of a child that has ended. */
async function deadPid(): Promise<number> {
  const child = startNode("-e", ["0"]);
  await child.exit;
  return child.pid;
}

describe("holding OpenClaw's lock", () => {
  it("tidies up what a killed taker of the same lock had moved aside", async () => {
    const { folder, path, lock } = await store();
    await writeFile(`${lock}.${await deadPid()}-0123456789ab.stale`, "");
    await withOpenClawLock(path, () => Promise.resolve());
    expect(await readdir(folder)).toEqual([]);
  });

  it("makes the file that OpenClaw makes, and removes it when done", async () => {
    const { folder, path, lock } = await store();
    const seen = await withOpenClawLock(path, async (hold) => {
      hold.assertStillOurs();
      expect(hold.lockPath).toBe(lock);
      return readFile(lock, "utf8");
    });
    const payload = JSON.parse(seen) as Record<string, unknown>;
    expect(payload["pid"]).toBe(process.pid);
    expect(Math.abs(Date.parse(String(payload["createdAt"])) - Date.now())).toBeLessThan(5_000);
    expect(seen).toBe(JSON.stringify(payload, null, 2));
    expect(await readdir(folder)).toEqual([]);
  });

  it("writes the start time of its process as 2026.5.28 does, so that a reused pid is told apart", async () => {
    const { path, lock } = await store();
    const payload = await withOpenClawLock(path, async () => JSON.parse(await readFile(lock, "utf8")) as unknown);
    // Only Linux tells; elsewhere the field is left out, as OpenClaw leaves it out.
    const fields = hasProc ? (await readFile("/proc/self/stat", "utf8")).replace(/^.*\) /s, "").split(" ") : [];
    expect(payload).toEqual({
      pid: process.pid,
      createdAt: expect.any(String),
      ...(hasProc ? { starttime: Number(fields[19]) } : {}),
    });
  });

  it("removes the file and passes the failure on where the work fails", async () => {
    const { folder, path } = await store();
    const failure = new Error("no");
    await expect(withOpenClawLock(path, () => Promise.reject(failure))).rejects.toBe(failure);
    expect(await readdir(folder)).toEqual([]);
  });

  it("locks beside a linked store, in the real folder, as OpenClaw does", async () => {
    const { folder } = await store();
    await mkdir(join(folder, "real"));
    await mkdir(join(folder, "elsewhere"));
    await symlink(join(folder, "real"), join(folder, "linked"));
    await symlink(join(folder, "elsewhere", "target.json"), join(folder, "real", "auth-profiles.json"));
    expect(await openClawLockPath(join(folder, "linked", "auth-profiles.json"))).toBe(
      join(folder, "real", "auth-profiles.json.lock"),
    );
  });

  it("counts down the time for which it may be held", async () => {
    const { path } = await store();
    let clock = 1_000;
    await withOpenClawLock(
      path,
      async (hold) => {
        expect(hold.remainingMs()).toBe(OPENCLAW_LOCK.maxHoldMs);
        clock += OPENCLAW_LOCK.maxHoldMs + 1;
        expect(hold.remainingMs()).toBe(-1);
      },
      { now: () => clock },
    );
  });

  it("says so where the store's folder is missing", async () => {
    const { folder } = await store();
    await expect(withOpenClawLock(join(folder, "gone", "s.json"), async () => 1)).rejects.toMatchObject({
      code: "ERR_FILE_UNWRITABLE",
    });
  });
});

describe("losing OpenClaw's lock", () => {
  it("is noticed before the rename and at the end, and the thief's lock stays", async () => {
    const { path, lock } = await store();
    let noticed: unknown;
    const work = withOpenClawLock(path, async (hold) => {
      await rm(lock);
      await writeFile(lock, "of another process");
      try {
        hold.assertStillOurs();
      } catch (error) {
        noticed = error;
      }
    });
    await expect(work).rejects.toMatchObject({ code: "ERR_LOCK_LOST", retryable: true });
    expect(noticed).toMatchObject({ code: "ERR_LOCK_LOST" });
    expect(await readFile(lock, "utf8")).toBe("of another process");
  });

  it("is noticed where the file is gone", async () => {
    const { path, lock } = await store();
    await expect(withOpenClawLock(path, () => rm(lock))).rejects.toMatchObject({ code: "ERR_LOCK_LOST" });
  });
});

describe("waiting for OpenClaw's lock", () => {
  it("waits for a live process, tells who it is, and goes on when it lets go", async () => {
    const { path, lock } = await store();
    const child = startNode(peer, ["hold", path]);
    await child.said("held");
    const waits: LockWait[] = [];
    const got = withOpenClawLock(path, async () => readFile(lock, "utf8"), {
      onWait: (wait) => {
        waits.push(wait);
        child.endInput();
      },
    });
    expect(JSON.parse(await got)).toMatchObject({ pid: process.pid });
    expect(waits[0]?.holderPid).toBe(child.pid);
    expect(existsSync(lock)).toBe(false);
  });

  it("never takes a lock from a live process, however old it is", async () => {
    const { path, lock } = await store();
    const old = new Date(Date.now() - 3_600_000);
    const text = JSON.stringify({ pid: process.pid, createdAt: old.toISOString() });
    await writeFile(lock, text);
    await utimes(lock, old, old);
    let clock = 0;
    const attempt = withOpenClawLock(path, async () => 1, { now: () => (clock += 60_000) });
    await expect(attempt).rejects.toMatchObject({
      code: "ERR_LOCK_TIMEOUT",
      retryable: true,
      message: expect.stringContaining(`Process ${process.pid}`),
    });
    expect(clock).toBeGreaterThan(130_000);
    expect(await readFile(lock, "utf8")).toBe(text);
  });

  it("can be cancelled", async () => {
    const { path, lock } = await store();
    await writeFile(lock, JSON.stringify({ pid: process.pid, createdAt: new Date().toISOString() }));
    const controller = new AbortController();
    const attempt = withOpenClawLock(path, async () => 1, {
      signal: controller.signal,
      onWait: () => controller.abort(),
    });
    await expect(attempt).rejects.toMatchObject({ code: "ERR_CANCELLED" });
    expect(existsSync(lock)).toBe(true);
  });

  it("takes over at once from a process that is gone", async () => {
    const { folder, path, lock } = await store();
    await writeFile(lock, JSON.stringify({ pid: await deadPid(), createdAt: new Date().toISOString() }));
    expect(await withOpenClawLock(path, async () => readFile(lock, "utf8"), { waitMs: 0 })).toContain(`${process.pid}`);
    expect(await readdir(folder)).toEqual([]);
  });

  it("takes over where the pid was given to another process since", async () => {
    const { path, lock } = await store();
    await writeFile(lock, JSON.stringify({ pid: process.pid, createdAt: new Date().toISOString(), starttime: 1 }));
    const attempt = withOpenClawLock(path, async () => "in", { waitMs: 0 }).catch((error: unknown) => error);
    expect(await attempt).toEqual(hasProc ? "in" : expect.objectContaining({ code: "ERR_LOCK_TIMEOUT" }));
  });

  it("takes over an empty file only when it lay unchanged before its eyes for half a minute", async () => {
    const { path, lock } = await store();
    await writeFile(lock, "");
    await utimes(lock, new Date(0), new Date(0));
    await expect(withOpenClawLock(path, async () => 1, { waitMs: 200 })).rejects.toMatchObject({
      code: "ERR_LOCK_TIMEOUT",
      next: expect.stringContaining(lock),
    });
    expect(await readFile(lock, "utf8")).toBe("");
    let clock = 0;
    const since: number[] = [];
    const got = withOpenClawLock(path, async () => "in", {
      now: () => (clock += 5_000),
      onWait: ({ waitedMs }) => since.push(waitedMs),
    });
    expect(await got).toBe("in");
    expect(since.at(-1)).toBeGreaterThanOrEqual(OPENCLAW_LOCK.emptyStaleMs - 5_000);
  });

  it("waits for a file that names no process, and refuses in the end", async () => {
    const { path, lock } = await store();
    await writeFile(lock, "version 9: held");
    let clock = 0;
    const attempt = withOpenClawLock(path, async () => 1, { now: () => (clock += 60_000) });
    await expect(attempt).rejects.toMatchObject({ code: "ERR_LOCK_TIMEOUT" });
    expect(await readFile(lock, "utf8")).toBe("version 9: held");
  });

  it("refuses a folder there, says what it is, and leaves it, empty or not", async () => {
    const { path, lock } = await store();
    await mkdir(lock);
    let clock = 0;
    const attempt = withOpenClawLock(path, async () => 1, { now: () => (clock += 5_000) });
    await expect(attempt).rejects.toMatchObject({ code: "ERR_LOCK_BLOCKED", next: expect.stringContaining("rmdir") });
    expect((await stat(lock)).isDirectory()).toBe(true);
  });
});

describe("two that take over the same abandoned lock", () => {
  it("never are inside at once", async () => {
    const { folder, path, lock } = await store();
    const pid = await deadPid();
    let inside = 0;
    let most = 0;
    for (let round = 0; round < 8; round += 1) {
      await writeFile(lock, JSON.stringify({ pid, createdAt: new Date().toISOString(), round }));
      const visit = async (): Promise<void> =>
        withOpenClawLock(path, async (hold) => {
          inside += 1;
          most = Math.max(most, inside);
          await new Promise((resolve) => setImmediate(resolve));
          hold.assertStillOurs();
          inside -= 1;
        });
      await Promise.all([visit(), visit(), visit()]);
    }
    expect(most).toBe(1);
    expect(await readdir(folder)).toEqual([]);
  });
});

describe("a lock of ours that could not be removed", () => {
  it("is removed before the next hold, instead of being waited for as a living process's", async () => {
    const path = join(await temporaryFolder(), "auth-profiles.json");
    const real = fs.unlinkSync;
    fs.unlinkSync = () => {
      throw Object.assign(new Error("EIO"), { code: "EIO" });
    };
    syncBuiltinESMExports();
    try {
      await expect(withOpenClawLock(path, () => Promise.resolve())).rejects.toMatchObject({ code: "ERR_LOCK_LOST" });
    } finally {
      fs.unlinkSync = real;
      syncBuiltinESMExports();
    }
    expect(existsSync(`${path}.lock`)).toBe(true);
    await withOpenClawLock(path, () => Promise.resolve(), { waitMs: 1_000 });
    expect(existsSync(`${path}.lock`)).toBe(false);
  });
});
