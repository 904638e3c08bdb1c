// Copies of stores that could not be read: what is kept, under which name, for how long, and that failing to keep one is no error.

import { existsSync } from "node:fs";
import { mkdir, readFile, readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { PROFILES } from "../../src/config/defaults.ts";
import { keepCorruptCopy } from "../../src/profiles/corrupt-copy.ts";
import { temporaryFolder } from "../support/temp-folder.ts";

const NOW = Date.UTC(2026, 10, 21, 17, 1, 2, 3);

async function setUp(): Promise<{ readonly path: string; readonly folder: string }> {
  const root = await temporaryFolder();
  const path = join(root, "auth-profiles.json");
  await writeFile(path, "{ broken");
  return { path, folder: join(root, "corrupt") };
}

describe("a copy of a broken store", () => {
  it("is named by the moment, the agent and the file, and is the file byte by byte, for us alone", async () => {
    const { path, folder } = await setUp();
    await writeFile(path, Buffer.from([0xff, 0x00, 0x7b]));
    expect(await keepCorruptCopy(path, "ops", folder, NOW)).toBe(true);
    const name = "2026-11-21T17-01-02-003Z-ops-auth-profiles.json.corrupt";
    expect(await readdir(folder)).toEqual([name]);
    expect([...(await readFile(join(folder, name)))]).toEqual([0xff, 0x00, 0x7b]);
    expect((await stat(join(folder, name))).mode & 0o777).toBe(0o600);
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    expect(await readFile(path)).toHaveLength(3);
  });

  it("is kept once: the second time it counts as kept, and pushes none out", async () => {
    const { path, folder } = await setUp();
    for (const hour of [0, 1, 2]) expect(await keepCorruptCopy(path, "main", folder, NOW + hour)).toBe(true);
    expect(await readdir(folder)).toHaveLength(1);
  });

  it("makes the oldest go, and nothing else that lies in that folder", async () => {
    const { path, folder } = await setUp();
    await mkdir(folder);
    await writeFile(join(folder, "0000-notes.txt"), "{ broken 4");
    const kept: string[] = [];
    for (let version = 0; version < PROFILES.corruptCopiesKept + 2; version += 1) {
      kept.push(`{ broken ${version}`);
      await writeFile(path, `{ broken ${version}`);
      expect(await keepCorruptCopy(path, "main", folder, NOW + version)).toBe(true);
    }
    const names = (await readdir(folder)).filter((name) => name.endsWith(".corrupt")).toSorted();
    const texts = await Promise.all(names.map((name) => readFile(join(folder, name), "utf8")));
    expect(texts).toEqual(kept.slice(-PROFILES.corruptCopiesKept));
    expect(await readFile(join(folder, "0000-notes.txt"), "utf8")).toBe("{ broken 4");
  });

  it("is not kept where nobody asks for it", async () => {
    const { path } = await setUp();
    expect(await keepCorruptCopy(path, "main", undefined, NOW)).toBe(false);
  });

  it("that cannot be kept is said, and is no error of its own", async () => {
    const { path, folder } = await setUp();
    expect(await keepCorruptCopy(join(folder, "none.json"), "main", folder, NOW)).toBe(false);
    expect(existsSync(folder)).toBe(false);
    expect(await keepCorruptCopy(path, "main", join(path, "below-a-file"), NOW)).toBe(false);
    expect(await readFile(path, "utf8")).toBe("{ broken");
  });
});
