// Who may read a file that was written, whose it is, and paths that lead to none.

import { fstatSync } from "node:fs";
import { chown, readFile, readdir, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { createFileExclusive, writeFileAtomic } from "../../src/storage/atomic-write.ts";
import { temporaryFolder } from "../support/temp-folder.ts";
import { replaceSync, systemError } from "./fs-faults.ts";

describe("the permissions of a file", () => {
  it("are exactly those that were asked for, whatever the umask takes away", async () => {
    const folder = await temporaryFolder();
    const before = process.umask(0o077);
    try {
      await writeFileAtomic(join(folder, "a"), "", { mode: 0o664 });
      await createFileExclusive(join(folder, "b"), "", 0o640);
    } finally {
      process.umask(before);
    }
    expect((await stat(join(folder, "a"))).mode & 0o777).toBe(0o664);
    expect((await stat(join(folder, "b"))).mode & 0o777).toBe(0o640);
  });

  it("are never wider than asked for while its bytes are written", async () => {
    const path = join(await temporaryFolder(), "a");
    const modes: number[] = [];
    replaceSync("writeSync", (real) => (descriptor: number, bytes: Uint8Array, from: number) => {
      modes.push(fstatSync(descriptor).mode & 0o777);
      return real(descriptor, bytes, from);
    });
    await writeFileAtomic(path, "new");
    expect(modes).toEqual([0o600]);
  });
});

describe("the owner of a file", () => {
  it("is not asked for where it is the right one: some file systems refuse any change of it", async () => {
    const folder = await temporaryFolder();
    const path = join(folder, "store.json");
    await writeFile(path, "old");
    replaceSync("fchownSync", () => () => {
      throw systemError("EPERM");
    });
    await writeFileAtomic(path, "new");
    await createFileExclusive(join(folder, "once"), "new");
    expect(await readFile(path, "utf8")).toBe("new");
    expect((await readdir(folder)).toSorted()).toEqual(["once", "store.json"]);
  });

  it.runIf(process.getuid?.() === 0)(
    "of a new one is the writer, whoever has the folder, unless that is root",
    async () => {
      const folder = await temporaryFolder();
      await chown(folder, 12_345, 12_345);
      const { getuid } = process;
      onTestFinished(() => void Object.assign(process, { getuid }));
      Object.assign(process, { getuid: () => 1_000 });
      expect(await createFileExclusive(join(folder, "once"), "new")).toBe(true);
      expect((await stat(join(folder, "once"))).uid).toBe(0);
    },
  );
});

describe("a path that leads nowhere", () => {
  it("is refused where links lead in a circle, and below a file", async () => {
    const folder = await temporaryFolder();
    await symlink("b", join(folder, "a"));
    await symlink("a", join(folder, "b"));
    await writeFile(join(folder, "file"), "kept");
    for (const path of [join(folder, "a"), join(folder, "file", "inside")])
      await expect(writeFileAtomic(path, "new")).rejects.toMatchObject({ code: "ERR_FILE_UNWRITABLE" });
    expect((await readdir(folder)).toSorted()).toEqual(["a", "b", "file"]);
    expect(await readFile(join(folder, "file"), "utf8")).toBe("kept");
  });
});
