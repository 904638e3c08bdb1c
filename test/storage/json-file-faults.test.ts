// Files that cannot be read, that change while they are read, or that are not of the right shape: what is told, and what stays open.

import { appendFileSync, truncateSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { readJsonFile, readTextFile } from "../../src/storage/json-file.ts";
import { temporaryFolder } from "../support/temp-folder.ts";
import { openBelow, replaceSync, systemError } from "./fs-faults.ts";

describe("reading a file that cannot be read", () => {
  it("is told from a file that is not there", async () => {
    const path = join(await temporaryFolder(), "file");
    await writeFile(path, "");
    await expect(readTextFile(join(path, "inside"))).rejects.toMatchObject({ code: "ERR_FILE_UNREADABLE" });
    replaceSync("openSync", () => () => {
      throw new Error("of no system");
    });
    await expect(readTextFile(path)).rejects.toMatchObject({ code: "ERR_FILE_UNREADABLE" });
  });

  it("leaves nothing open, however it ends", async () => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, "folder"));
    await writeFile(join(folder, "file"), "12345");
    expect(await readTextFile(join(folder, "file"))).toBe("12345");
    await expect(readTextFile(join(folder, "file"), 4)).rejects.toMatchObject({ code: "ERR_FILE_TOO_LARGE" });
    await expect(readTextFile(join(folder, "folder"))).rejects.toMatchObject({ code: "ERR_FILE_UNREADABLE" });
    expect(openBelow(folder)).toEqual([]);
  });

  it("names no place where the whole value is of a wrong type", async () => {
    const path = join(await temporaryFolder(), "file.json");
    await writeFile(path, "5417");
    await expect(readJsonFile(path, z.object({}))).rejects.toMatchObject({
      code: "ERR_FILE_SHAPE",
      message: `${path} does not have the expected shape.`,
    });
  });

  it("names the whole way to the place where a value within is of a wrong type", async () => {
    const path = join(await temporaryFolder(), "file.json");
    await writeFile(path, '{"a":[{"b":5417}]}');
    await expect(readJsonFile(path, z.object({ a: z.array(z.object({ b: z.string() })) }))).rejects.toMatchObject({
      code: "ERR_FILE_SHAPE",
      message: `${path} does not have the expected shape (at a.0.b).`,
    });
  });
});

describe("a file that changes while it is read", () => {
  it.each([
    ["longer", (path: string) => appendFileSync(path, " and more"), "12345 and more"],
    ["shorter", (path: string) => truncateSync(path, 2), "12"],
  ])("and becomes %s is read as it is then", async (_how, change, text) => {
    const path = join(await temporaryFolder(), "file");
    await writeFile(path, "12345");
    replaceSync("fstatSync", (real) => (descriptor: number) => {
      const found = real(descriptor);
      change(path);
      return found;
    });
    expect(await readTextFile(path)).toBe(text);
  });

  it("is an error where it cannot be read to its end, and is not left open", async () => {
    const folder = await temporaryFolder();
    const path = join(folder, "file");
    await writeFile(path, "12345");
    replaceSync("readSync", () => () => {
      throw systemError("EIO");
    });
    await expect(readTextFile(path)).rejects.toMatchObject({ code: "ERR_FILE_UNREADABLE" });
    expect(openBelow(folder)).toEqual([]);
  });
});
