// A temp file that could not be removed when its write failed: the same process takes it away as soon as it can.

import { mkdir, readdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  createFileExclusive,
  removeDeadLeftovers,
  removeLeftovers,
  writeFileAtomic,
} from "../../src/storage/atomic-write.ts";
import { temporaryFolder } from "../support/temp-folder.ts";
import { replaceSync, systemError } from "./fs-faults.ts";

/** The disk can only be read until `mend` is called. */
function readOnlyAfterOpen(): { readonly mend: () => void } {
  let isWell = false;
  for (const name of ["renameSync", "linkSync", "rmSync"] as const) {
    replaceSync(name, (real) => (...args: never[]) => {
      if (!isWell) throw systemError("EROFS");
      return (real as (...all: never[]) => unknown)(...args);
    });
  }
  return { mend: () => (isWell = true) };
}

describe("a temp file that could not be removed", () => {
  it.each([
    ["a replaced file", (path: string) => writeFileAtomic(path, "a token")],
    ["a new file", (path: string) => createFileExclusive(path, "a token")],
  ])("goes at the next sweep of its folder, and no other one does: %s", async (_what, write) => {
    const folder = await temporaryFolder();
    const other = await temporaryFolder();
    const disk = readOnlyAfterOpen();
    await expect(write(join(folder, "store.json"))).rejects.toMatchObject({ code: "ERR_FILE_UNWRITABLE" });
    await expect(write(join(other, "store.json"))).rejects.toMatchObject({ code: "ERR_FILE_UNWRITABLE" });
    expect(await readdir(folder)).toHaveLength(1);
    // Another write of this process, which is under way.
    const underWay = `.store.json.${process.pid}-0123456789ab.tmp`;
    await writeFile(join(folder, underWay), "half");

    await removeDeadLeftovers(folder);
    expect(await readdir(folder)).toHaveLength(2);
    disk.mend();
    await removeDeadLeftovers(folder);

    expect(await readdir(folder)).toEqual([underWay]);
    expect(await readdir(other)).toHaveLength(1);
    await removeDeadLeftovers(other);
    expect(await readdir(other)).toEqual([]);
  });

  it("goes from behind a linked folder, too", async () => {
    const folder = await temporaryFolder();
    const linked = join(await temporaryFolder(), "linked");
    await symlink(folder, linked);
    await writeFile(join(folder, "store.json"), "old");
    const disk = readOnlyAfterOpen();
    await expect(writeFileAtomic(join(linked, "store.json"), "a token")).rejects.toMatchObject({
      code: "ERR_FILE_UNWRITABLE",
    });
    expect(await readdir(folder)).toHaveLength(2);
    disk.mend();
    await removeDeadLeftovers(linked);
    expect(await readdir(folder)).toEqual(["store.json"]);
  });

  it("is none where it could not even be made", async () => {
    const folder = await temporaryFolder();
    const removed: string[] = [];
    replaceSync("rmSync", () => (path: string) => void removed.push(path));
    const path = join(folder, "n".repeat(250));
    await expect(writeFileAtomic(path, "a token")).rejects.toMatchObject({ code: "ERR_FILE_UNWRITABLE" });
    await expect(createFileExclusive(path, "a token")).rejects.toMatchObject({ code: "ERR_FILE_UNWRITABLE" });
    await removeDeadLeftovers(folder);
    expect(removed).toEqual([]);
  });
});

describe("leftovers of a file", () => {
  it("are all tried, and the first that stays is told", async () => {
    const folder = await temporaryFolder();
    const [first, second] = [".store.json.1-0123456789ab.tmp", ".store.json.2-0123456789ab.tmp"] as const;
    await mkdir(join(folder, first));
    await writeFile(join(folder, second), "half");
    await expect(removeLeftovers(join(folder, "store.json"))).rejects.toThrow();
    expect(await readdir(folder)).toEqual([first]);
  });
});
