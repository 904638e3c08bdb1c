// Records without a schema: each as it lies there, or none of them.

import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { plainRecords, recordNames } from "../../src/storage/plain-records.ts";
import { temporaryFolder } from "../support/temp-folder.ts";

/** A folder with files of these texts. */
async function folderOf(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await temporaryFolder();
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

function nameIn({ name }: Readonly<Record<string, unknown>>): string | undefined {
  return typeof name === "string" ? name : undefined;
}

describe("recordNames", () => {
  it("gives what is meant as a record, in order, and nothing that is only being written", async () => {
    const folder = await folderOf({
      "b.json": "",
      "a.json": "",
      ".a.json.1-0.tmp": "",
      ".c.json": "",
      "d.json.lock": "",
    });
    expect(recordNames(folder)).toEqual(["a.json", "b.json"]);
  });

  it("gives none where there is no folder, and says so where it cannot be looked into", async () => {
    const folder = await folderOf({ file: "" });
    expect(recordNames(join(folder, "none"))).toEqual([]);
    expect(() => recordNames(join(folder, "file"))).toThrow(expect.objectContaining({ code: "ERR_FILE_UNREADABLE" }));
  });
});

describe("plainRecords", () => {
  it("gives what is picked of each, in the order of their names", async () => {
    const folder = await folderOf({ "b.json": '{"name":"Bea"}', "a.json": '{"name":"Ada"}' });
    expect(plainRecords(folder, nameIn)).toEqual(["Ada", "Bea"]);
    expect(plainRecords(join(folder, "none"), nameIn)).toEqual([]);
  });

  it.each([
    ["is nothing to pick", '{"name":7}'],
    ["is no JSON", "{"],
    ["is a list", '[{"name":"Ada"}]'],
    ["is null", "null"],
    ["is a number", "7"],
    ["is empty", ""],
  ])("gives none where one %s", async (_what, text) => {
    const folder = await folderOf({ "a.json": '{"name":"Ada"}', "b.json": text });
    expect(plainRecords(folder, nameIn)).toBeUndefined();
  });

  it("asks only of objects what is to be picked", async () => {
    for (const text of ["7", '"text"', "null"])
      expect(plainRecords(await folderOf({ "a.json": text }), () => "anything")).toBeUndefined();
  });

  it("gives none where one is gone by now, or is no file, or the folder cannot be looked into", async () => {
    const linked = await folderOf({ "a.json": '{"name":"Ada"}' });
    symlinkSync("nowhere", join(linked, "b.json"));
    expect(plainRecords(linked, nameIn)).toBeUndefined();
    const nested = await folderOf({ "a.json": '{"name":"Ada"}' });
    mkdirSync(join(nested, "b.json"));
    expect(plainRecords(nested, nameIn)).toBeUndefined();
    expect(plainRecords(join(await folderOf({ file: "" }), "file"), nameIn)).toBeUndefined();
  });

  it("picks what the file holds itself, and nothing that objects have anyway", async () => {
    const folder = await folderOf({ "a.json": '{"__proto__":{"name":"Ada"}}' });
    expect(plainRecords(folder, nameIn)).toBeUndefined();
    expect(plainRecords(folder, (record) => Object.keys(record).join())).toEqual(["__proto__"]);
  });
});
