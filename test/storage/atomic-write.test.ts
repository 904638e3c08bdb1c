import { chmod, chown, mkdir, readFile, readdir, readlink, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  createFileExclusive,
  ensurePrivateFolder,
  removeDurably,
  removeLeftovers,
  writeFileAtomic,
} from "../../src/storage/atomic-write.ts";
import { temporaryFolder } from "../support/temp-folder.ts";

const modeOf = async (path: string): Promise<number> => (await stat(path)).mode & 0o777;

describe("writing a file atomically", () => {
  it("replaces the bytes, makes the file 0600 and leaves nothing else behind", async () => {
    const folder = await temporaryFolder();
    const path = join(folder, "store.json");
    await writeFile(path, "old", { mode: 0o644 });
    await writeFileAtomic(path, "new");
    expect(await readFile(path, "utf8")).toBe("new");
    expect(await modeOf(path)).toBe(0o600);
    expect(await readdir(folder)).toEqual(["store.json"]);
  });

  it("leaves the old file and no temp file where beforeRename throws", async () => {
    const folder = await temporaryFolder();
    const path = join(folder, "store.json");
    await writeFile(path, "old");
    let temporary: readonly string[] = [];
    const refusal = new Error("the lock is lost");
    const beforeRename = async (): Promise<void> => {
      temporary = (await readdir(folder)).filter((name) => name.endsWith(".tmp"));
      throw refusal;
    };
    await expect(writeFileAtomic(path, "new", { beforeRename })).rejects.toBe(refusal);
    expect(temporary).toHaveLength(1);
    expect(await readFile(path, "utf8")).toBe("old");
    expect(await readdir(folder)).toEqual(["store.json"]);
  });

  it("makes its temp file 0600 before the first byte can be read by others", async () => {
    const folder = await temporaryFolder();
    let mode = 0;
    await writeFileAtomic(join(folder, "store.json"), "new", {
      beforeRename: async () => {
        const [name] = (await readdir(folder)).filter((entry) => entry.endsWith(".tmp"));
        mode = await modeOf(join(folder, name ?? ""));
      },
    });
    expect(mode).toBe(0o600);
  });

  it("follows a symbolic link: the target is replaced, the link stays", async () => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, "real"));
    await writeFile(join(folder, "real", "target.json"), "old");
    await symlink(join("real", "target.json"), join(folder, "link.json"));
    await writeFileAtomic(join(folder, "link.json"), "new");
    expect(await readlink(join(folder, "link.json"))).toBe(join("real", "target.json"));
    expect(await readFile(join(folder, "real", "target.json"), "utf8")).toBe("new");
    expect(await readdir(folder)).toEqual(["link.json", "real"]);
  });

  it("refuses a link to something that is not there, for it may be on a disk that is not mounted", async () => {
    const folder = await temporaryFolder();
    await symlink("/nowhere/store.json", join(folder, "link.json"));
    await expect(writeFileAtomic(join(folder, "link.json"), "new")).rejects.toMatchObject({
      code: "ERR_FILE_UNWRITABLE",
    });
    expect(await readlink(join(folder, "link.json"))).toBe("/nowhere/store.json");
  });

  it("keeps the owner of the file it replaces, or refuses where it may not", async () => {
    const folder = await temporaryFolder();
    const path = join(folder, "store.json");
    await writeFile(path, "old");
    const isRoot = process.getuid?.() === 0;
    if (isRoot) await chown(path, 12_345, 12_345);
    await writeFileAtomic(path, "new");
    expect((await stat(path)).uid).toBe(isRoot ? 12_345 : process.getuid?.());
    expect(await modeOf(path)).toBe(0o600);
  });

  it("says that the folder is missing instead of making it", async () => {
    const folder = await temporaryFolder();
    await expect(writeFileAtomic(join(folder, "gone", "store.json"), "new")).rejects.toMatchObject({
      code: "ERR_FILE_UNWRITABLE",
    });
    expect(await readdir(folder)).toEqual([]);
  });
});

describe("the other durable file operations", () => {
  it("creates a file only once, 0600", async () => {
    const path = join(await temporaryFolder(), "once.json");
    expect(await createFileExclusive(path, "first")).toBe(true);
    expect(await createFileExclusive(path, "second")).toBe(false);
    expect(await readFile(path, "utf8")).toBe("first");
    expect(await modeOf(path)).toBe(0o600);
  });

  it("makes folders 0700 with their parents and leaves existing ones as they are", async () => {
    const folder = await temporaryFolder();
    await chmod(folder, 0o755);
    await ensurePrivateFolder(join(folder, "a", "b"));
    expect(await modeOf(join(folder, "a"))).toBe(0o700);
    expect(await modeOf(join(folder, "a", "b"))).toBe(0o700);
    expect(await modeOf(folder)).toBe(0o755);
  });

  it("removes a file and says whether it was there", async () => {
    const path = join(await temporaryFolder(), "file");
    await writeFile(path, "");
    expect(await removeDurably(path)).toBe(true);
    expect(await removeDurably(path)).toBe(false);
  });

  it("removes the temp files of a killed writer of this file and of no other", async () => {
    const folder = await temporaryFolder();
    for (const name of [
      ".store.json.1-0123456789ab.tmp",
      ".other.json.1-0123456789ab.tmp",
      ".store.json.mine.tmp",
      "store.json",
    ]) {
      await writeFile(join(folder, name), "");
    }
    expect(await removeLeftovers(join(folder, "store.json"))).toBe(1);
    expect((await readdir(folder)).toSorted()).toEqual([
      ".other.json.1-0123456789ab.tmp",
      ".store.json.mine.tmp",
      "store.json",
    ]);
  });
});
