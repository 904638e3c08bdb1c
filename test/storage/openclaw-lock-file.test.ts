import {
  linkSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  createLockFile,
  isSameLock,
  readLockFile,
  removeAbandonedLock,
  removeDeadAsides,
  removeOwnLock,
  type LockFile,
} from "../../src/storage/openclaw-lock-file.ts";
import { temporaryFolder } from "../support/temp-folder.ts";

const NOW = new Date("2026-11-21T00:00:00.000Z");

function found(path: string): LockFile {
  const file = readLockFile(path);
  if (file === undefined) throw new Error("no lock file");
  return file;
}

describe("a lock file", () => {
  it("is made only where nothing lies", async () => {
    const path = join(await temporaryFolder(), "a.lock");
    const made = createLockFile(path, { pid: 42 }, NOW);
    expect(readFileSync(path, "utf8")).toBe('{\n  "pid": 42,\n  "createdAt": "2026-11-21T00:00:00.000Z"\n}');
    expect(made !== undefined && isSameLock(made, found(path))).toBe(true);
    expect(createLockFile(path, { pid: 43 }, NOW)).toBeUndefined();
    expect(found(path).holder).toEqual({ pid: 42 });
  });

  it.each([
    ["a folder", (path: string) => mkdirSync(path), "folder"],
    ["a link to nothing", (path: string) => symlinkSync("/nowhere", path), "other"],
  ])("is not made over %s", async (_what, make, kind) => {
    const path = join(await temporaryFolder(), "a.lock");
    make(path);
    expect(createLockFile(path, { pid: 42 }, NOW)).toBeUndefined();
    expect(found(path).kind).toBe(kind);
  });

  it.each(["", "{", "null", "[]", '{"pid":"1"}', '{"pid":0}', '{"pid":-5}', '{"pid":1.5}', '{"createdAt":"now"}'])(
    "that says %j names no process",
    async (text) => {
      const path = join(await temporaryFolder(), "a.lock");
      writeFileSync(path, text);
      expect(found(path)).toMatchObject({ kind: "file", text });
      expect(found(path).holder).toBeUndefined();
    },
  );
});

describe("removing an abandoned lock", () => {
  it("removes the one that was judged", async () => {
    const folder = await temporaryFolder();
    const path = join(folder, "a.lock");
    createLockFile(path, { pid: 42 }, NOW);
    expect(removeAbandonedLock(path, found(path))).toBe(true);
    expect(readdirSync(folder)).toEqual([]);
  });

  it("leaves a fresh one that took its place, even with the number of the file given again", async () => {
    const folder = await temporaryFolder();
    const path = join(folder, "a.lock");
    createLockFile(path, { pid: 42 }, NOW);
    const judged = found(path);
    rmSync(path);
    createLockFile(path, { pid: 43 }, NOW);
    const fresh = found(path);
    expect(removeAbandonedLock(path, { ...judged, inode: fresh.inode })).toBe(false);
    expect(isSameLock(found(path), fresh)).toBe(true);
    expect(readdirSync(folder)).toEqual(["a.lock"]);
  });

  it("that a killed taker had moved aside goes once its taker is dead, and nothing else does", async () => {
    const folder = await temporaryFolder();
    const path = join(folder, "a.lock");
    const [dead, alive] = ["a.lock.42-0123456789ab.stale", "a.lock.43-0123456789ab.stale"];
    const others = ["b.lock.42-0123456789ab.stale", "a.lock.42-0123456789ab.stale.txt", "a.lock.bak"];
    for (const name of [dead, alive, ...others]) writeFileSync(join(folder, name), "");
    // One that cannot be removed so is in nobody's way.
    mkdirSync(join(folder, "a.lock.44-0123456789ab.stale"));
    removeDeadAsides(path, ({ pid }) => pid === 43);
    expect(readdirSync(folder).toSorted()).toEqual([alive, ...others, "a.lock.44-0123456789ab.stale"].toSorted());
    removeDeadAsides(join(folder, "nowhere/a.lock"), () => false);
  });

  it("gives a fresh one back, as the same file, where it changed between the look and the move", async () => {
    const folder = await temporaryFolder();
    const path = join(folder, "a.lock");
    createLockFile(path, { pid: 42 }, NOW);
    const judged = found(path);
    // Stands for another taker's move at the worst moment: the text is still what was judged at the look, and not at the move.
    const text = judged.text;
    let looks = 0;
    const watched: LockFile = {
      ...judged,
      get text() {
        looks += 1;
        if (looks === 1) {
          renameSync(path, `${path}.old`);
          createLockFile(path, { pid: 43 }, NOW);
          linkSync(path, `${path}.same`);
        }
        return text;
      },
    };
    expect(removeAbandonedLock(path, watched)).toBe(false);
    expect(found(path).holder).toEqual({ pid: 43 });
    expect(found(path).inode).toBe(found(`${path}.same`).inode);
    expect(readdirSync(folder).filter((name) => name.endsWith(".stale"))).toEqual([]);
  });
});

describe("removing one's own lock", () => {
  it("leaves it where it is another's by now", async () => {
    const path = join(await temporaryFolder(), "a.lock");
    const mine = createLockFile(path, { pid: 42 }, NOW);
    if (mine === undefined) throw new Error("not made");
    writeFileSync(path, "another's");
    expect(removeOwnLock(path, mine)).toBe(false);
    expect(readFileSync(path, "utf8")).toBe("another's");
    rmSync(path);
    expect(removeOwnLock(path, mine)).toBe(false);
  });
});
