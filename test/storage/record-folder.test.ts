import { symlinkSync } from "node:fs";
import { chmod, mkdir, readFile, readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { RecordFolder } from "../../src/storage/record-folder.ts";
import { startNode } from "../support/child-process.ts";
import { temporaryFolder } from "../support/temp-folder.ts";
import { replaceSync, systemError } from "./fs-faults.ts";

const schema = z.object({ name: z.string() });
const modeOf = async (path: string): Promise<number> => (await stat(path)).mode & 0o777;

async function records(): Promise<RecordFolder<z.infer<typeof schema>>> {
  return new RecordFolder(join(await temporaryFolder(), "records"), schema);
}

function isSettled({ name }: { readonly name: string }): boolean {
  return name === "over";
}

describe("a folder of records", () => {
  it("is empty, and is not made, as long as nothing was written", async () => {
    const folder = await records();
    expect(await folder.scan()).toEqual({ records: [], unreadable: [] });
    expect(await folder.get("one")).toBeUndefined();
    expect(await folder.remove("one")).toBe(false);
    await folder.sweep();
    await expect(stat(folder.folder)).rejects.toMatchObject({ code: "ENOENT" });
  });

  it("keeps a record as an indented 0600 file in a 0700 folder, and reads it back", async () => {
    const folder = await records();
    await folder.put("one", { name: "Ada" });
    expect(await readFile(join(folder.folder, "one.json"), "utf8")).toBe('{\n  "name": "Ada"\n}\n');
    expect(await modeOf(join(folder.folder, "one.json"))).toBe(0o600);
    expect(await modeOf(folder.folder)).toBe(0o700);
    expect(await folder.get("one")).toEqual({ name: "Ada" });
    await folder.put("one", { name: "Bea" });
    expect(await folder.get("one")).toEqual({ name: "Bea" });
  });

  it("gives more records than are read at a time in the order of their names, and the names of those that are none", async () => {
    const folder = await records();
    const names = Array.from({ length: 40 }, (_, number) => `n${String(number).padStart(2, "0")}`);
    for (const name of names.toReversed()) await folder.put(name, { name });
    for (const name of ["n05", "n30"]) await writeFile(join(folder.folder, `${name}.json`), "{");
    const { records: found, unreadable } = await folder.scan();
    expect(found.map(({ name }) => name)).toEqual(names.filter((name) => name !== "n05" && name !== "n30"));
    expect(unreadable).toEqual(["n05.json", "n30.json"]);
  });

  it("gives the ids that have a file without reading one, and none where there is no folder", async () => {
    const folder = await records();
    expect([...folder.ids()]).toEqual([]);
    for (const id of ["b", "a"]) await folder.put(id, { name: id });
    await writeFile(join(folder.folder, "damaged.json"), "{");
    await writeFile(join(folder.folder, ".half.json.1-0.tmp"), "{");
    expect([...folder.ids()]).toEqual(["a", "b", "damaged"]);
  });

  it("says that ids cannot be told where its folder is none", async () => {
    const folder = await records();
    await writeFile(folder.folder, "a file");
    expect(() => folder.ids()).toThrow(expect.objectContaining({ code: "ERR_FILE_UNREADABLE" }));
  });

  it("does not read a settled record again until its file is another one", async () => {
    const folder = await records();
    for (const id of ["a", "b", "c"]) await folder.put(id, { name: id === "b" ? "open" : "over" });
    const read: string[] = [];
    replaceSync("openSync", (real) => (path: string, ...rest: [number]) => {
      if (path.endsWith(".json")) read.push(path.slice(-6, -5));
      return real(path, ...rest);
    });
    const open = async (): Promise<readonly string[]> => (await folder.unsettled(isSettled)).map(({ name }) => name);
    expect([await open(), read]).toEqual([["open"], ["a", "b", "c"]]);
    read.length = 0;
    expect([await open(), read]).toEqual([["open"], ["b"]]);
    // Made anew under the same name, and changed in place by other hands.
    await folder.remove("a");
    await folder.create("a", { name: "open again" });
    await writeFile(join(folder.folder, "c.json"), JSON.stringify({ name: "open too" }));
    expect(await open()).toEqual(["open again", "open", "open too"]);
    await writeFile(join(folder.folder, "c.json"), "{");
    expect(await open()).toEqual(["open again", "open"]);
  });

  it("passes over what cannot be looked at, as it does over what cannot be read", async () => {
    const folder = await records();
    await folder.put("one", { name: "open" });
    symlinkSync("loop.json", join(folder.folder, "loop.json"));
    await mkdir(join(folder.folder, "folder.json"));
    expect(await folder.unsettled(isSettled)).toEqual([{ name: "open" }]);
  });

  it("creates a record only where there is none, in the same form", async () => {
    const folder = await records();
    expect(await folder.create("one", { name: "Ada" })).toBe(true);
    expect(await folder.create("one", { name: "Bea" })).toBe(false);
    expect(await readFile(join(folder.folder, "one.json"), "utf8")).toBe('{\n  "name": "Ada"\n}\n');
    expect(await modeOf(folder.folder)).toBe(0o700);
  });

  it("removes a record once", async () => {
    const folder = await records();
    await folder.put("one", { name: "Ada" });
    await folder.put("two", { name: "Bea" });
    expect(await folder.remove("one")).toBe(true);
    expect(await folder.remove("one")).toBe(false);
    expect(await folder.scan()).toEqual({ records: [{ name: "Bea" }], unreadable: [] });
  });

  it("lists records in the order of their names, and names what is none without touching it", async () => {
    const folder = await records();
    for (const id of ["b", "c", "a"]) await folder.put(id, { name: id });
    await writeFile(join(folder.folder, "broken.json"), "{");
    await writeFile(join(folder.folder, "newer.json"), '{"name":9}');
    for (const name of [".hidden.json", "notes.txt", "json.bak"]) await writeFile(join(folder.folder, name), "{}");
    expect(await folder.scan()).toEqual({
      records: [{ name: "a" }, { name: "b" }, { name: "c" }],
      unreadable: ["broken.json", "newer.json"],
    });
    expect(await readFile(join(folder.folder, "broken.json"), "utf8")).toBe("{");
    await expect(folder.get("broken")).rejects.toMatchObject({ code: "ERR_FILE_NOT_JSON" });
    await expect(folder.get("newer")).rejects.toMatchObject({ code: "ERR_FILE_SHAPE" });
  });

  it("leaves out a record that another process removed between the list and the look", async () => {
    const folder = await records();
    await folder.put("one", { name: "Ada" });
    replaceSync("readdirSync", (real) => (path: string) => [...real(path), "gone.json"]);
    expect(await folder.scan()).toEqual({ records: [{ name: "Ada" }], unreadable: [] });
  });

  it("says that it cannot be read, instead of being taken for an empty one", async () => {
    const folder = await records();
    await writeFile(folder.folder, "a file in its place");
    await expect(folder.scan()).rejects.toMatchObject({ code: "ERR_FILE_UNREADABLE" });
    expect(await readFile(folder.folder, "utf8")).toBe("a file in its place");
  });

  it("passes on a failure that is none of the records", async () => {
    const folder = await records();
    await folder.put("one", { name: "Ada" });
    const failing = new RecordFolder(
      folder.folder,
      schema.refine(() => {
        throw new RangeError("a fault of the program");
      }),
    );
    await expect(failing.scan()).rejects.toThrow(RangeError);
  });

  it.each(["", "Upper", "-a", ".a", "a/b", "../a", "a b", "a\n", "a".repeat(97)])(
    "makes no file of the id %j, and finds none",
    async (id) => {
      const folder = await records();
      await expect(folder.put(id, { name: "Ada" })).rejects.toThrow(TypeError);
      await expect(folder.create(id, { name: "Ada" })).rejects.toThrow(TypeError);
      expect(await folder.get(id)).toBeUndefined();
      expect(await folder.remove(id)).toBe(false);
      expect(await folder.scan()).toEqual({ records: [], unreadable: [] });
    },
  );

  it.each(["a", "0", "a-b_c.9", "a".repeat(96)])("takes the id %j", async (id) => {
    const folder = await records();
    await folder.put(id, { name: "Ada" });
    expect(await folder.get(id)).toEqual({ name: "Ada" });
  });

  it("sweeps away what killed writers left, and nothing else", async () => {
    const folder = await records();
    await folder.put("one", { name: "Ada" });
    const ended = startNode("-e", ["0"]);
    await ended.exit;
    await writeFile(join(folder.folder, `.one.json.${ended.pid}-0123456789ab.tmp`), "half");
    await folder.sweep();
    expect(await readdir(folder.folder)).toEqual(["one.json"]);
  });

  it("leaves the permissions of a folder that is there", async () => {
    const folder = await records();
    await mkdir(folder.folder);
    await chmod(folder.folder, 0o750);
    await folder.put("one", { name: "Ada" });
    expect(await modeOf(folder.folder)).toBe(0o750);
    replaceSync("renameSync", () => () => {
      throw systemError("EIO");
    });
    await expect(folder.put("one", { name: "Bea" })).rejects.toMatchObject({ code: "ERR_FILE_UNWRITABLE" });
    expect(await folder.get("one")).toEqual({ name: "Ada" });
  });
});
