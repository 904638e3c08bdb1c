import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { isCodexAuthError } from "../../src/errors.ts";
import { parseJson, readJsonFile, readTextFile, writeJsonFile } from "../../src/storage/json-file.ts";
import { temporaryFolder } from "../support/temp-folder.ts";

const schema = z.object({ name: z.string() });

describe("reading a JSON file", () => {
  it("gives undefined where there is no file", async () => {
    expect(await readJsonFile(join(await temporaryFolder(), "none.json"), schema)).toBeUndefined();
  });

  it("refuses what does not parse, keeps the file, and quotes none of it", async () => {
    const path = join(await temporaryFolder(), "broken.json");
    const text = '{"name": "sesame-open" oops';
    await writeFile(path, text);
    const error: unknown = await readJsonFile(path, schema).catch((caught: unknown) => caught);
    expect(isCodexAuthError(error, "ERR_FILE_NOT_JSON")).toBe(true);
    expect(JSON.stringify([String(error), error, (error as Error).stack])).not.toContain("sesame");
    expect((error as Error).cause).toBeUndefined();
    expect(await readFile(path, "utf8")).toBe(text);
  });

  it("names the place of a wrong type and not its value", async () => {
    const path = join(await temporaryFolder(), "shape.json");
    await writeFile(path, '{"name": 5417}');
    const error: unknown = await readJsonFile(path, schema).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: "ERR_FILE_SHAPE", message: expect.stringContaining("name") });
    expect(String(error)).not.toContain("5417");
  });

  it("refuses a file over the limit without reading it", async () => {
    const path = join(await temporaryFolder(), "large");
    await writeFile(path, "x".repeat(11));
    await expect(readTextFile(path, 10)).rejects.toMatchObject({ code: "ERR_FILE_TOO_LARGE" });
    expect(await readTextFile(path, 11)).toHaveLength(11);
  });

  it.skipIf(process.platform !== "linux")("reads to its end a file of which the system says no length", async () => {
    const before = readFileSync("/proc/self/limits", "utf8");
    expect(before.length).toBeGreaterThan(100);
    expect(await readTextFile("/proc/self/limits")).toBe(before);
  });

  it("reads an empty file, and one of several megabytes, as they are", async () => {
    const path = join(await temporaryFolder(), "text");
    for (const text of ["", `${"Grüße ".repeat(500_000)}.`]) {
      await writeFile(path, text);
      expect((await readTextFile(path)) === text).toBe(true);
    }
  });

  it("refuses a folder, and a pipe without waiting for somebody to write into it", async () => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, "folder"));
    execFileSync("mkfifo", [join(folder, "pipe")]);
    await expect(readTextFile(join(folder, "folder"))).rejects.toMatchObject({ code: "ERR_FILE_UNREADABLE" });
    await expect(readTextFile(join(folder, "pipe"))).rejects.toMatchObject({ code: "ERR_FILE_UNREADABLE" });
  });

  it("refuses bytes that are not UTF-8, for they could not be written back as they were", async () => {
    const path = join(await temporaryFolder(), "latin1.json");
    await writeFile(path, Buffer.from([0x22, 0xe9, 0x22]));
    await expect(readTextFile(path)).rejects.toMatchObject({ code: "ERR_FILE_UNREADABLE" });
  });

  it("takes a byte order mark for what it is to JSON: not JSON", async () => {
    const path = join(await temporaryFolder(), "bom.json");
    await writeFile(path, "\uFEFF{}");
    const text = await readTextFile(path);
    expect(() => parseJson(text ?? "", path)).toThrow(expect.objectContaining({ code: "ERR_FILE_NOT_JSON" }));
  });
});

describe("writing a JSON file", () => {
  it("writes indented JSON, 0600, that reads back", async () => {
    const path = join(await temporaryFolder(), "made.json");
    await writeJsonFile(path, { name: "Ada" });
    expect(await readFile(path, "utf8")).toBe('{\n  "name": "Ada"\n}\n');
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readJsonFile(path, schema)).toEqual({ name: "Ada" });
  });
});
