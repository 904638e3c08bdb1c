// Whether files are as they were: every way in which one can change, and how fresh one may not be to be told from the next.

import { mkdirSync, renameSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { MARKS } from "../../src/config/defaults.ts";
import { markOf, Marks } from "../../src/storage/marks.ts";
import { temporaryFolder } from "../support/temp-folder.ts";

/** Long after anything of this test was written. */
const LATER = Date.now() + 3_600_000;

async function setUp() {
  const folder = await temporaryFolder();
  const at = (name: string): string => join(folder, name);
  writeFileSync(at("file"), "one");
  mkdirSync(at("folder"));
  writeFileSync(at("folder/in"), "in");
  writeFileSync(at("other"), "two");
  symlinkSync(at("file"), at("link"));
  const paths = ["file", "folder", "link", "absent", "folder/in"].map(at);
  const marks = Marks.take(paths, LATER);
  if (marks === undefined) throw new Error("not marked");
  return { at, paths, marks };
}

describe("marks", () => {
  it("hold while everything is as it was, also what is not there", async () => {
    const { marks } = await setUp();
    expect(marks.hold()).toBe(true);
    expect(marks.hold()).toBe(true);
  });

  it.each<[string, (at: (name: string) => string) => void]>([
    ["a file is replaced by one of the same size", (at) => renameSync(at("other"), at("file"))],
    [
      "a file is written in place, and its time set back",
      (at) => {
        const { atime, mtime } = statSync(at("file"));
        writeFileSync(at("file"), "eno");
        utimesSync(at("file"), atime, mtime);
        // The system's own time of change cannot be set back; it has ticks, though.
        utimesSync(at("file"), atime, new Date(mtime.getTime() + 1));
      },
    ],
    ["a file goes", (at) => rmSync(at("folder/in"))],
    ["a file comes", (at) => writeFileSync(at("absent"), "")],
    [
      "a link leads elsewhere",
      (at) => {
        rmSync(at("link"));
        symlinkSync(at("other"), at("link"));
      },
    ],
    [
      "a folder gets one more",
      (at) => {
        writeFileSync(at("folder/more"), "");
        // An older kernel's clock has not ticked since it was marked.
        utimesSync(at("folder"), 2_000.5, 2_000.5);
      },
    ],
    [
      "what was not there cannot be looked at any more",
      (at) => {
        symlinkSync(at("absent"), at("absent"));
      },
    ],
  ])("do not hold where %s", async (_what, change) => {
    const { at, marks } = await setUp();
    change(at);
    expect(marks.hold()).toBe(false);
  });

  it("are of exactly the paths that were marked", async () => {
    const { paths, marks } = await setUp();
    expect(marks.areOf(paths)).toBe(true);
    expect(marks.areOf([...paths.toReversed(), ...paths])).toBe(true);
    expect(marks.areOf(paths.slice(1))).toBe(false);
    expect(marks.areOf([...paths, "/elsewhere"])).toBe(false);
    expect(marks.areOf([...paths.slice(1), "/elsewhere"])).toBe(false);
  });

  it("cover what is among them, there or not", async () => {
    const { paths, marks } = await setUp();
    expect(marks.cover(paths.slice(2, 4))).toBe(true);
    expect(marks.cover([...paths, "/elsewhere"])).toBe(false);
  });

  it("are not taken of what was written a moment ago: what is written next could look the same", async () => {
    const { at } = await setUp();
    const path = at("file");
    utimesSync(path, 1_000.5, 1_000.5);
    const changedAt = statSync(path).ctimeMs;
    expect(Marks.take([path], changedAt + MARKS.settledMs - 5)).toBeUndefined();
    expect(Marks.take([path], changedAt + MARKS.settledMs + 5)?.hold()).toBe(true);
    // A time of the future, as after a clock that was set back.
    utimesSync(path, 4_000_000_000.5, 4_000_000_000.5);
    expect(Marks.take([path], Date.now() + 3_600_000)).toBeUndefined();
    expect(Marks.take([at("absent"), path], Date.now() + 3_600_000)).toBeUndefined();
  });

  it("wait longer for a file system that counts in seconds", async () => {
    const { at } = await setUp();
    const path = at("file");
    utimesSync(path, 1_000, 1_000);
    const changedAt = statSync(path).ctimeMs;
    expect(Marks.take([path], changedAt + MARKS.settledInSecondsMs - 5)).toBeUndefined();
    expect(Marks.take([path], changedAt + MARKS.settledInSecondsMs + 5)?.hold()).toBe(true);
  });

  it("are not taken of what cannot be looked at", async () => {
    const { at } = await setUp();
    expect(Marks.take([at("file/below")], LATER)).toBeUndefined();
  });
});

describe("markOf", () => {
  it("is one thing for one file, another for the next, and nothing where there is none", async () => {
    const { at } = await setUp();
    expect(markOf(at("file"))).toBe(markOf(at("link")));
    expect(markOf(at("file"))).not.toBe(markOf(at("other")));
    expect(markOf(at("absent"))).toBeUndefined();
    expect(markOf(at("file/below"))).toBeUndefined();
  });
});
