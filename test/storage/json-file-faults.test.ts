import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { readJsonFile, readTextFile } from "../../src/storage/json-file.ts";
import { temporaryFolder } from "../support/temp-folder.ts";
import { openBelow, replaceAsync } from "./fs-faults.ts";

describe("reading a file that cannot be read", () => {
  it("is told from a file that is not there", async () => {
    const path = join(await temporaryFolder(), "file");
    await writeFile(path, "");
    await expect(readTextFile(join(path, "inside"))).rejects.toMatchObject({ code: "ERR_FILE_UNREADABLE" });
    replaceAsync("open", () => () => Promise.reject(new Error("of no system")));
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
});
