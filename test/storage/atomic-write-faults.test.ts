// Atomic writes on a disk that fails: what the caller is told, and what lies there afterwards.

import { fstatSync } from "node:fs";
import { chown, mkdir, readFile, readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  createFileExclusive,
  ensurePrivateFolder,
  removeDeadLeftovers,
  removeDurably,
  removeLeftovers,
  writeFileAtomic,
} from "../../src/storage/atomic-write.ts";
import { startNode } from "../support/child-process.ts";
import { temporaryFolder } from "../support/temp-folder.ts";
import { openBelow, replaceSync, systemError } from "./fs-faults.ts";

/** Lets the sync of the folder itself fail; that of files goes on as ever. */
function failFolderSync(code: string): void {
  replaceSync("fsync", (real) => (descriptor: number, done: (error: Error | null) => void) => {
    if (fstatSync(descriptor).isDirectory()) done(systemError(code));
    else real(descriptor, done);
  });
}

function fails(code: string): () => () => never {
  return () => () => {
    throw systemError(code);
  };
}

describe("replacing a file on a disk that fails", () => {
  it.each([
    ["ENOSPC", { code: "ERR_DISK_FULL", retryable: true }],
    ["EDQUOT", { code: "ERR_DISK_FULL", retryable: true }],
    ["EIO", { code: "ERR_FILE_UNWRITABLE", retryable: false }],
  ])("says what %s means, and leaves the old file and nothing beside it", async (code, told) => {
    const folder = await temporaryFolder();
    const path = join(folder, "store.json");
    await writeFile(path, "old");
    replaceSync("renameSync", fails(code));
    await expect(writeFileAtomic(path, "new")).rejects.toMatchObject(told);
    expect(await readFile(path, "utf8")).toBe("old");
    expect(await readdir(folder)).toEqual(["store.json"]);
    expect(openBelow(folder)).toEqual([]);
  });

  it("passes on what went wrong with the write, and not with the removal of its temp file", async () => {
    const folder = await temporaryFolder();
    replaceSync("renameSync", fails("ENOSPC"));
    replaceSync("rmSync", fails("EIO"));
    await expect(writeFileAtomic(join(folder, "store.json"), "new")).rejects.toMatchObject({ code: "ERR_DISK_FULL" });
  });

  it("says that a change may not survive a power cut where the folder cannot be synced; the change is there", async () => {
    const folder = await temporaryFolder();
    const path = join(folder, "store.json");
    await writeFile(path, "old");
    failFolderSync("EIO");
    await expect(writeFileAtomic(path, "new")).rejects.toMatchObject({ code: "ERR_FILE_UNWRITABLE", retryable: true });
    expect(await readFile(path, "utf8")).toBe("new");
    expect(openBelow(folder)).toEqual([]);
  });

  it.each(["EINVAL", "ENOTSUP"])("does without the sync of the folder where the file system says %s", async (code) => {
    const folder = await temporaryFolder();
    const path = join(folder, "store.json");
    failFolderSync(code);
    await writeFileAtomic(path, "new");
    expect(await createFileExclusive(join(folder, "other"), "")).toBe(true);
    expect(await removeDurably(join(folder, "other"))).toBe(true);
    expect(await readFile(path, "utf8")).toBe("new");
  });

  it("leaves no file and no folder open, whichever way it ends", async () => {
    const folder = await temporaryFolder();
    const path = join(folder, "store.json");
    await writeFileAtomic(path, "first");
    const refusal = new Error("no");
    await expect(writeFileAtomic(path, "x", { beforeRename: () => Promise.reject(refusal) })).rejects.toBe(refusal);
    await createFileExclusive(path, "second");
    await removeDurably(path);
    expect(openBelow(folder)).toEqual([]);
  });

  it("gives a new file to the owner of its folder where root makes it", async () => {
    const folder = await temporaryFolder();
    const isRoot = process.getuid?.() === 0;
    if (isRoot) await chown(folder, 12_345, 12_345);
    await writeFileAtomic(join(folder, "store.json"), "new");
    await createFileExclusive(join(folder, "once.json"), "new");
    for (const name of ["store.json", "once.json"]) {
      expect((await stat(join(folder, name))).uid).toBe(isRoot ? 12_345 : process.getuid?.());
    }
  });
});

describe("creating and removing on a disk that fails", () => {
  it("tells a failure from a file that is there already, and leaves no temp file after either", async () => {
    const folder = await temporaryFolder();
    const path = join(folder, "once.json");
    expect(await createFileExclusive(path, "first")).toBe(true);
    expect(await createFileExclusive(path, "second")).toBe(false);
    expect(await readdir(folder)).toEqual(["once.json"]);
    replaceSync("linkSync", fails("ENOSPC"));
    await expect(createFileExclusive(join(folder, "two.json"), "")).rejects.toMatchObject({ code: "ERR_DISK_FULL" });
    expect(await readdir(folder)).toEqual(["once.json"]);
    expect(await readFile(path, "utf8")).toBe("first");
  });

  it("tells what cannot be removed from what was not there", async () => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, "full", "inside"), { recursive: true });
    await expect(removeDurably(join(folder, "full"))).rejects.toMatchObject({ code: "ERR_FILE_UNWRITABLE" });
    expect(await readdir(join(folder, "full"))).toEqual(["inside"]);
  });

  it("says that a folder cannot be made where a file lies", async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, "file"), "kept");
    await expect(ensurePrivateFolder(join(folder, "file"))).rejects.toMatchObject({ code: "ERR_FILE_UNWRITABLE" });
    expect(await readFile(join(folder, "file"), "utf8")).toBe("kept");
  });
});

describe("what killed writers left behind", () => {
  it("is known by its whole name, with a pid of any length", async () => {
    const folder = await temporaryFolder();
    const others = [
      ".store.json.x1-0123456789ab.tmp",
      ".store.json.1-0123456789ab.tmp.kept",
      ".store.json.1-0123456789.tmp",
    ];
    for (const name of [...others, ".store.json.31415-0123456789ab.tmp"]) await writeFile(join(folder, name), "");
    expect(await removeLeftovers(join(folder, "store.json"))).toBe(1);
    expect((await readdir(folder)).toSorted()).toEqual(others.toSorted());
  });

  it("may be gone by the time it is removed: another process sweeps, too", async () => {
    const folder = await temporaryFolder();
    const ended = startNode("-e", ["0"]);
    await ended.exit;
    const gone = `.store.json.${ended.pid}-0123456789ab.tmp`;
    replaceSync("readdirSync", () => () => [gone]);
    expect(await removeLeftovers(join(folder, "store.json"))).toBe(1);
    await removeDeadLeftovers(folder);
  });

  it("is nothing where there is no folder", async () => {
    const path = join(await temporaryFolder(), "gone", "store.json");
    expect(await removeLeftovers(path)).toBe(0);
    await removeDeadLeftovers(join(path, ".."));
  });

  it("goes from a shared folder only where its writer is dead", async () => {
    const folder = await temporaryFolder();
    const ended = startNode("-e", ["0"]);
    await ended.exit;
    const kept = [
      `.a.json.${process.pid}-0123456789ab.tmp`,
      `.a.json.${ended.pid}-0123456789ab.tmp.kept`,
      `x.a.json.${ended.pid}-0123456789ab.tmp`,
      `.a.json.${ended.pid}-0123456789.tmp`,
      ".a.json.mine-0123456789ab.tmp",
      "a.json",
    ];
    for (const name of [...kept, `.a.json.${ended.pid}-0123456789ab.tmp`]) await writeFile(join(folder, name), "");
    await removeDeadLeftovers(folder);
    expect((await readdir(folder)).toSorted()).toEqual(kept.toSorted());
  });

  it("stays where its writer lives under another account", async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, ".a.json.77-0123456789ab.tmp"), "");
    const { kill } = process;
    process.kill = () => {
      throw systemError("EPERM");
    };
    try {
      await removeDeadLeftovers(folder);
    } finally {
      process.kill = kill;
    }
    expect(await readdir(folder)).toEqual([".a.json.77-0123456789ab.tmp"]);
  });
});
