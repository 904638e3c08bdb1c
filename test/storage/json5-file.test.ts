import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { isCodexAuthError } from "../../src/errors.ts";
import { readJson5File } from "../../src/storage/json5-file.ts";
import { temporaryFolder } from "../support/temp-folder.ts";

describe("reading a JSON5 file", () => {
  it("reads what JSON does not know: comments, single quotes, a comma at the end", async () => {
    const path = join(await temporaryFolder(), "openclaw.json");
    await writeFile(path, "{ // a comment\n port: 18789, name: 'Ada', }");
    expect(await readJson5File(path)).toEqual({ port: 18_789, name: "Ada" });
  });

  it("gives undefined where there is no file", async () => {
    expect(await readJson5File(join(await temporaryFolder(), "none.json"))).toBeUndefined();
  });

  it("refuses what does not parse, keeps the file, and quotes none of it", async () => {
    const path = join(await temporaryFolder(), "openclaw.json");
    await writeFile(path, "{ token: 'sesame-open' oops");
    const error: unknown = await readJson5File(path).catch((caught: unknown) => caught);
    expect(isCodexAuthError(error, "ERR_FILE_NOT_JSON")).toBe(true);
    expect(JSON.stringify([String(error), error, (error as Error).stack])).not.toContain("sesame");
    expect((error as Error).cause).toBeUndefined();
    expect(await readFile(path, "utf8")).toContain("sesame-open");
  });
});
