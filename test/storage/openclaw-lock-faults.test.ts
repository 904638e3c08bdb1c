// OpenClaw's lock on a disk that fails, and at the moments between two calls when another process comes in between.

import type fs from "node:fs";
import {
  chmodSync,
  existsSync,
  linkSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { mkdir, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { OPENCLAW_LOCK } from "../../src/config/defaults.ts";
import {
  createLockFile,
  isSameLock,
  readLockFile,
  removeAbandonedLock,
  type LockFile,
} from "../../src/storage/openclaw-lock-file.ts";
import { withOpenClawLock } from "../../src/storage/openclaw-lock.ts";
import { temporaryFolder } from "../support/temp-folder.ts";
import { openBelow, replaceSync, systemError } from "./fs-faults.ts";

const NOW = new Date("2026-11-21T00:00:00.000Z");

async function lockPath(): Promise<string> {
  return join(await temporaryFolder(), "a.lock");
}

function found(path: string): LockFile {
  const file = readLockFile(path);
  if (file === undefined) throw new Error("no lock file");
  return file;
}

const fails = (code: string) => (): (() => never) => () => {
  throw systemError(code);
};

describe("making a lock file on a disk that fails", () => {
  it("tells a missing folder from a lock that is there", async () => {
    const path = join(await temporaryFolder(), "gone", "a.lock");
    expect(() => createLockFile(path, { pid: 42 }, NOW)).toThrow(expect.objectContaining({ code: "ENOENT" }));
  });

  it("leaves no half lock file, which would block OpenClaw for good", async () => {
    const path = await lockPath();
    replaceSync("writeSync", fails("ENOSPC"));
    expect(() => createLockFile(path, { pid: 42 }, NOW)).toThrow(expect.objectContaining({ code: "ENOSPC" }));
    expect(existsSync(path)).toBe(false);
    expect(openBelow(join(path, ".."))).toEqual([]);
  });

  it("passes on the failure of the write where even the half file was taken away", async () => {
    const path = await lockPath();
    replaceSync("writeSync", () => () => {
      unlinkSync(path);
      throw systemError("ENOSPC");
    });
    expect(() => createLockFile(path, { pid: 42 }, NOW)).toThrow(expect.objectContaining({ code: "ENOSPC" }));
  });

  it("leaves no file open", async () => {
    const path = await lockPath();
    createLockFile(path, { pid: 42 }, NOW);
    expect(openBelow(join(path, ".."))).toEqual([]);
  });
});

describe("reading a lock file", () => {
  it("tells one that cannot be looked at from none", async () => {
    const path = join(await temporaryFolder(), "file");
    writeFileSync(path, "");
    expect(() => readLockFile(join(path, "a.lock"))).toThrow(expect.objectContaining({ code: "ENOTDIR" }));
  });

  it("gives one of another account that may not be read without a text and without a holder", async () => {
    const path = await lockPath();
    createLockFile(path, { pid: 42 }, NOW);
    chmodSync(path, 0);
    replaceSync("readFileSync", fails("EACCES"));
    expect(found(path)).toEqual({ ...placeOf(path), kind: "unreadable", text: "" });
  });

  it("finds none where it goes between the look and the reading", async () => {
    const path = await lockPath();
    createLockFile(path, { pid: 42 }, NOW);
    replaceSync("readFileSync", (real: typeof fs.readFileSync) => (...args: Parameters<typeof real>) => {
      unlinkSync(path);
      return real(...args);
    });
    expect(readLockFile(path)).toBeUndefined();
  });

  it("gives a folder and a link without a text", async () => {
    const path = await lockPath();
    await mkdir(path);
    expect(found(path)).toMatchObject({ kind: "folder", text: "" });
    await rmdir(path);
    symlinkSync("/nowhere", path);
    expect(found(path)).toMatchObject({ kind: "other", text: "" });
  });

  it.each([
    ['"pid"', undefined],
    ["5", undefined],
    ['{"pid":7}', { pid: 7 }],
    ['{"pid":7,"starttime":9}', { pid: 7, startTime: 9 }],
    ['{"pid":7,"starttime":"9"}', { pid: 7 }],
  ])("reads the holder of %s", async (text, holder) => {
    const path = await lockPath();
    writeFileSync(path, text);
    expect(found(path).holder).toStrictEqual(holder);
  });

  it("takes two for the same only where everything agrees", () => {
    const one: LockFile = { kind: "file", device: 1, inode: 2, text: "{}" };
    expect(isSameLock(one, { ...one })).toBe(true);
    for (const other of [{ kind: "unreadable" }, { device: 9 }, { inode: 9 }, { text: "" }] as const) {
      expect(isSameLock(one, { ...one, ...other })).toBe(false);
    }
  });
});

describe("removing an abandoned lock while others do, too", () => {
  it("loses where it is gone at the look, or between the look and the move", async () => {
    const path = await lockPath();
    const judged = createLockFile(path, { pid: 42 }, NOW);
    if (judged === undefined) throw new Error("not made");
    replaceSync("renameSync", (real: typeof fs.renameSync) => (from: string, to: string) => {
      unlinkSync(from);
      real(from, to);
    });
    expect(removeAbandonedLock(path, judged)).toBe(false);
    expect(removeAbandonedLock(path, judged)).toBe(false);
    expect(readdirSync(join(path, ".."))).toEqual([]);
  });

  it("loses where what it moved is taken away at once", async () => {
    const path = await lockPath();
    const judged = createLockFile(path, { pid: 42 }, NOW);
    if (judged === undefined) throw new Error("not made");
    replaceSync("renameSync", (real: typeof fs.renameSync) => (from: string, to: string) => {
      real(from, to);
      if (to.endsWith(".stale")) rmSync(to);
    });
    replaceSync("linkSync", fails("EEXIST"));
    expect(removeAbandonedLock(path, judged)).toBe(false);
  });

  it("passes on a move that the disk refuses", async () => {
    const path = await lockPath();
    createLockFile(path, { pid: 42 }, NOW);
    const judged = found(path);
    replaceSync("renameSync", fails("EIO"));
    expect(() => removeAbandonedLock(path, judged)).toThrow(expect.objectContaining({ code: "EIO" }));
    expect(found(path).holder).toEqual({ pid: 42 });
  });

  it("leaves the lock of whoever took the free place meanwhile", async () => {
    const path = await lockPath();
    createLockFile(path, { pid: 42 }, NOW);
    const judged = found(path);
    swapBeforeMove(path, () => writeFileSync(path, '{"pid":44}'));
    expect(removeAbandonedLock(path, judged)).toBe(false);
    expect(found(path).holder).toEqual({ pid: 44 });
    expect(readdirSync(join(path, ".."))).toEqual(["a.lock"]);
  });

  it("gives a fresh lock back where the file system knows no hard links", async () => {
    const path = await lockPath();
    createLockFile(path, { pid: 42 }, NOW);
    const judged = found(path);
    swapBeforeMove(path, () => undefined);
    replaceSync("linkSync", fails("EPERM"));
    expect(removeAbandonedLock(path, judged)).toBe(false);
    expect(found(path).holder).toEqual({ pid: 43 });
    expect(readdirSync(join(path, ".."))).toEqual(["a.lock"]);
  });
});

describe("holding OpenClaw's lock on a disk that fails", () => {
  it.each(["openSync", "lstatSync"] as const)("says so where %s fails, and does nothing", async (name) => {
    const folder = await temporaryFolder();
    const lock = join(folder, "s.json.lock");
    await writeFile(lock, "held");
    replaceSync(name, (real) => (path: string, ...rest: unknown[]) => {
      if (path === lock) throw systemError("EIO");
      return (real as (...args: unknown[]) => unknown)(path, ...rest);
    });
    let isIn = false;
    const attempt = withOpenClawLock(join(folder, "s.json"), async () => void (isIn = true), { waitMs: 0 });
    await expect(attempt).rejects.toMatchObject({ code: "ERR_FILE_UNWRITABLE" });
    expect(isIn).toBe(false);
    expect(readFileSync(lock, "utf8")).toBe("held");
  });

  it("says so where an abandoned one cannot be moved away, and leaves it", async () => {
    const folder = await temporaryFolder();
    const lock = join(folder, "s.json.lock");
    await writeFile(lock, '{"pid":42}');
    replaceSync("renameSync", fails("EIO"));
    const attempt = withOpenClawLock(join(folder, "s.json"), async () => 1, { isAlive: () => false, waitMs: 0 });
    await expect(attempt).rejects.toMatchObject({ code: "ERR_FILE_UNWRITABLE" });
    expect(readFileSync(lock, "utf8")).toBe('{"pid":42}');
  });

  it("never takes over a file that it may not read, however long it lies there", async () => {
    const folder = await temporaryFolder();
    const lock = join(folder, "s.json.lock");
    await writeFile(lock, "");
    replaceSync("readFileSync", (real: typeof fs.readFileSync) => (...args: Parameters<typeof real>) => {
      if (String(args[0]).startsWith(lock)) throw systemError("EACCES");
      return real(...args);
    });
    let clock = 0;
    const attempt = withOpenClawLock(join(folder, "s.json"), async () => 1, {
      now: () => (clock += OPENCLAW_LOCK.emptyStaleMs),
    });
    await expect(attempt).rejects.toMatchObject({ code: "ERR_LOCK_TIMEOUT", retryable: true });
    expect(existsSync(lock)).toBe(true);
  });
});

describe("waiting for OpenClaw's lock, at its edges", () => {
  it("does not begin where it was cancelled before", async () => {
    const folder = await temporaryFolder();
    let isIn = false;
    const attempt = withOpenClawLock(join(folder, "s.json"), async () => void (isIn = true), {
      signal: AbortSignal.abort(),
    });
    await expect(attempt).rejects.toMatchObject({ code: "ERR_CANCELLED" });
    expect(isIn).toBe(false);
    expect(readdirSync(folder)).toEqual([]);
  });

  it("refuses a link there as it refuses a folder, and leaves it", async () => {
    const folder = await temporaryFolder();
    symlinkSync("/nowhere", join(folder, "s.json.lock"));
    const attempt = withOpenClawLock(join(folder, "s.json"), async () => 1, { waitMs: 0 });
    await expect(attempt).rejects.toMatchObject({ code: "ERR_LOCK_BLOCKED" });
    expect(readdirSync(folder)).toEqual(["s.json.lock"]);
  });

  it("never takes a folder for an empty lock file, however long it lies there", async () => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, "s.json.lock", "inside"), { recursive: true });
    let clock = 0;
    const attempt = withOpenClawLock(join(folder, "s.json"), async () => 1, {
      now: () => (clock += OPENCLAW_LOCK.emptyStaleMs),
    });
    await expect(attempt).rejects.toMatchObject({ code: "ERR_LOCK_BLOCKED" });
    expect(readdirSync(join(folder, "s.json.lock"))).toEqual(["inside"]);
  });

  it("waits out a folder that a living tool holds for a moment", async () => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, "s.json.lock"));
    let clock = OPENCLAW_LOCK.folderGraceMs * 3;
    let waits = 0;
    const got = await withOpenClawLock(join(folder, "s.json"), async () => "in", {
      now: () => (clock += 1_000),
      onWait: () => {
        waits += 1;
        if (waits === 3) void rmdir(join(folder, "s.json.lock"));
      },
    });
    expect(got).toBe("in");
  });

  it("tells of its wait once a second, not at each look", async () => {
    const folder = await temporaryFolder();
    const lock = join(folder, "s.json.lock");
    await writeFile(lock, '{"pid":42}');
    let clock = 0;
    const told: unknown[] = [];
    const attempt = withOpenClawLock(join(folder, "s.json"), async () => 1, {
      waitMs: 1_500,
      now: () => clock,
      isAlive: () => (clock += 250) > 0,
      onWait: (wait) => told.push(wait),
    });
    await expect(attempt).rejects.toMatchObject({ code: "ERR_LOCK_TIMEOUT" });
    expect(told).toEqual([
      { holderPid: 42, waitedMs: 0 },
      { holderPid: 42, waitedMs: 1_000 },
    ]);
    expect(readFileSync(lock, "utf8")).toBe('{"pid":42}');
  });

  it("gives in only when the lock that it held back is its own and not one that came later", async () => {
    const folder = await temporaryFolder();
    const lock = join(folder, "s.json.lock");
    let isRefused = true;
    replaceSync("unlinkSync", (real: typeof fs.unlinkSync) => (path: string) => {
      if (isRefused && path === lock) throw systemError("EIO");
      real(path);
    });
    await expect(withOpenClawLock(join(folder, "s.json"), async () => 1)).rejects.toMatchObject({
      code: "ERR_LOCK_LOST",
    });
    isRefused = false;
    renameSync(lock, `${lock}.ours`);
    linkSync(`${lock}.ours`, `${lock}.same`);
    await writeFile(lock, `{"pid":${process.pid}}`);
    const attempt = withOpenClawLock(join(folder, "s.json"), async () => 1, { waitMs: 0 });
    await expect(attempt).rejects.toMatchObject({ code: "ERR_LOCK_TIMEOUT" });
    expect(readFileSync(lock, "utf8")).toBe(`{"pid":${process.pid}}`);
  });
});

function placeOf(path: string): Pick<LockFile, "device" | "inode"> {
  const { device, inode } = found(path);
  return { device, inode };
}

/** Another taker is quicker: what is moved is already the lock of a third. */
function swapBeforeMove(path: string, afterMove: () => void): void {
  replaceSync("renameSync", (real: typeof fs.renameSync) => (from: string, to: string) => {
    if (from === path) writeFileSync(path, '{"pid":43}');
    real(from, to);
    if (from === path) afterMove();
  });
}
