// What reaches the disk, and in which order: all of the bytes, then their sync, then the name, then the sync of the folder.

import { fstatSync } from "node:fs";
import { open, readFile, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createFileExclusive, removeDurably, writeFileAtomic } from "../../src/storage/atomic-write.ts";
import { writeWhole } from "../../src/storage/write-whole.ts";
import { temporaryFolder } from "../support/temp-folder.ts";
import { isBelow, openBelow, replaceSync, systemError } from "./fs-faults.ts";

/** A kernel that takes `most` bytes at a time; gives how many it took each time. */
function takeAtMost(most: number): readonly number[] {
  const taken: number[] = [];
  replaceSync("writeSync", (real) => (descriptor: number, bytes: Uint8Array, from: number) => {
    const count = real(descriptor, bytes, from, Math.min(most, bytes.length - from));
    taken.push(count);
    return count;
  });
  return taken;
}

/** Notes each change of a name and each sync below `folder` while it is made. */
function noteCalls(folder: string): readonly string[] {
  const calls: string[] = [];
  replaceSync("fsync", (real) => (descriptor: number, done: (error: Error | null) => void) => {
    const what = fstatSync(descriptor);
    if (isBelow(folder, descriptor)) calls.push(what.isDirectory() ? "sync folder" : `sync ${what.size} bytes`);
    real(descriptor, done);
  });
  for (const name of ["renameSync", "linkSync", "unlinkSync"] as const) {
    replaceSync(name, (real) => (...args: unknown[]) => {
      if (isBelow(folder, ...args)) calls.push(name);
      return (real as (...all: unknown[]) => unknown)(...args);
    });
  }
  return calls;
}

describe("the bytes of a file", () => {
  it("are written to the last one where the kernel takes a part of them at a time", async () => {
    const path = join(await temporaryFolder(), "store.json");
    const taken = takeAtMost(3);
    await writeFileAtomic(path, "Grüße");
    expect(await readFile(path, "utf8")).toBe("Grüße");
    expect(taken).toEqual([3, 3, 1]);
    await writeFileAtomic(path, new Uint8Array([0, 1, 255, 254]));
    expect([...(await readFile(path))]).toEqual([0, 1, 255, 254]);
  });

  it("may be none at all", async () => {
    const path = join(await temporaryFolder(), "empty");
    const taken = takeAtMost(3);
    await writeFileAtomic(path, "");
    expect(await readFile(path, "utf8")).toBe("");
    expect(taken).toEqual([]);
  });

  it("go on from where the file is, and what the system says of them is passed on", async () => {
    const path = join(await temporaryFolder(), "log");
    const file = await open(path, "w");
    try {
      writeWhole(file.fd, "one ");
      writeWhole(file.fd, Buffer.from("two"));
      replaceSync("writeSync", () => () => {
        throw systemError("ENOSPC");
      });
      expect(() => writeWhole(file.fd, "three")).toThrow(expect.objectContaining({ code: "ENOSPC" }));
    } finally {
      await file.close();
    }
    expect(await readFile(path, "utf8")).toBe("one two");
  });

  it("leave the old file, and nothing beside it, where the disk is full in the middle of them", async () => {
    const folder = await temporaryFolder();
    const path = join(folder, "store.json");
    await writeFile(path, "old");
    let calls = 0;
    replaceSync("writeSync", (real) => (descriptor: number, bytes: Uint8Array, from: number) => {
      if ((calls += 1) > 1) throw systemError("ENOSPC");
      return real(descriptor, bytes, from, 1);
    });
    await expect(writeFileAtomic(path, "new")).rejects.toMatchObject({ code: "ERR_DISK_FULL" });
    expect(calls).toBe(2);
    expect(await readFile(path, "utf8")).toBe("old");
    expect(await readdir(folder)).toEqual(["store.json"]);
    expect(openBelow(folder)).toEqual([]);
  });
});

describe("the syncs of a write", () => {
  it("come before the new name with all of the bytes, and after it with the folder", async () => {
    const folder = await temporaryFolder();
    const calls = noteCalls(folder);
    await writeFileAtomic(join(folder, "a"), "12345");
    expect(calls).toEqual(["sync 5 bytes", "renameSync", "sync folder"]);
    await createFileExclusive(join(folder, "b"), "123");
    expect(calls.slice(3)).toEqual(["sync 3 bytes", "linkSync", "sync folder"]);
    await removeDurably(join(folder, "a"));
    expect(calls.slice(6)).toEqual(["unlinkSync", "sync folder"]);
    expect(await createFileExclusive(join(folder, "b"), "1")).toBe(false);
    expect(await removeDurably(join(folder, "a"))).toBe(false);
    // Where nothing was changed there is nothing of the folder to sync.
    expect(calls.slice(8)).toEqual(["sync 1 bytes", "linkSync", "unlinkSync"]);
  });

  it.each([
    ["EIO", "ERR_FILE_UNWRITABLE"],
    ["EINVAL", "ERR_FILE_UNWRITABLE"],
    ["ENOSPC", "ERR_DISK_FULL"],
  ])("leave the old file where that of the new one fails with %s", async (code, told) => {
    const folder = await temporaryFolder();
    const path = join(folder, "store.json");
    await writeFile(path, "old");
    replaceSync("fsync", () => (_descriptor: number, done: (error: Error) => void) => done(systemError(code)));
    await expect(writeFileAtomic(path, "new")).rejects.toMatchObject({ code: told });
    await expect(createFileExclusive(join(folder, "other"), "new")).rejects.toMatchObject({ code: told });
    expect(await readFile(path, "utf8")).toBe("old");
    expect(await readdir(folder)).toEqual(["store.json"]);
    expect(openBelow(folder)).toEqual([]);
  });

  it.each(["EIO", "EROFS"])(
    "of the folder that fail with %s are told of a new and of a removed file, too",
    async (code) => {
      const folder = await temporaryFolder();
      const path = join(folder, "once");
      replaceSync("fsync", (real) => (descriptor: number, done: (error: Error | null) => void) => {
        if (fstatSync(descriptor).isDirectory()) done(systemError(code));
        else real(descriptor, done);
      });
      const told = { code: "ERR_FILE_UNWRITABLE", retryable: true };
      await expect(createFileExclusive(path, "first")).rejects.toMatchObject(told);
      expect(await readFile(path, "utf8")).toBe("first");
      await expect(removeDurably(path)).rejects.toMatchObject(told);
      expect(await readdir(folder)).toEqual([]);
      expect(openBelow(folder)).toEqual([]);
    },
  );
});
