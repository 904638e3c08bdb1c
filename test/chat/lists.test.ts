import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Asker } from "../../src/chat/conversation.ts";
import { ShownLists } from "../../src/chat/lists.ts";
import { CHAT } from "../../src/config/defaults.ts";
import { temporaryFolder } from "../support/temp-folder.ts";

const asker: Asker = {
  host: "telegram",
  botId: "9",
  personId: "12345678",
  chatId: "12345678",
  private: true,
  hasButtons: true,
};

function now(): number {
  return 1_000;
}

describe("ShownLists", () => {
  it("keeps the last list of each person in each chat over a restart, in a file that names neither", async () => {
    const folder = await temporaryFolder();
    const other = { ...asker, chatId: "-100" };
    await Promise.all([
      new ShownLists({ folder, now }).show(asker, { kind: "profiles", agentId: "main", entries: ["a", "b"] }),
      new ShownLists({ folder, now }).show(other, { kind: "profiles", agentId: "main", entries: ["c"] }),
    ]);
    const lists = new ShownLists({ folder, now });
    expect(await lists.pick(asker, "profiles", 2)).toEqual({ agentId: "main", entry: "b" });
    expect(await lists.pick(other, "profiles", 1)).toEqual({ agentId: "main", entry: "c" });
    const path = join(folder, "shown.json");
    expect(await readFile(path, "utf8")).not.toContain("12345678");
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  it("refuses a number of another kind of list, beyond its end, of nobody's list, and too late", async () => {
    let clock = 0;
    const lists = new ShownLists({ folder: await temporaryFolder(), now: () => clock });
    const expired = { code: "ERR_LIST_EXPIRED" };
    await expect(lists.pick(asker, "profiles", 1)).rejects.toMatchObject(expired);
    await lists.show(asker, { kind: "parked", agentId: "main", entries: ["a"] });
    await expect(lists.pick(asker, "profiles", 1)).rejects.toMatchObject(expired);
    await expect(lists.pick(asker, "parked", 2)).rejects.toMatchObject(expired);
    await expect(lists.pick(asker, "parked", 0)).rejects.toMatchObject(expired);
    clock = CHAT.listTtlMs;
    await expect(lists.pick(asker, "parked", 1)).rejects.toMatchObject(expired);
  });

  it("forgets people whose lists are too old, and keeps a preview beside a list", async () => {
    let clock = 0;
    const folder = await temporaryFolder();
    const lists = new ShownLists({ folder, now: () => clock });
    await lists.show({ ...asker, personId: "old" }, { kind: "parked", agentId: "main", entries: ["gone"] });
    clock = CHAT.listTtlMs - 1;
    await lists.show(asker, { kind: "parked", agentId: "main", entries: ["a"] });
    clock += 1;
    await lists.previewed(asker, "ref");
    expect(await lists.hasPreviewed(asker, "ref")).toBe(true);
    expect(await lists.hasPreviewed(asker, "other")).toBe(false);
    expect(await lists.pick(asker, "parked", 1)).toMatchObject({ entry: "a" });
    expect(await readFile(join(folder, "shown.json"), "utf8")).not.toContain("gone");
  });

  it("leaves a damaged file as it is and says so", async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, "shown.json"), "{");
    const lists = new ShownLists({ folder, now: () => 0 });
    await expect(lists.show(asker, { kind: "parked", agentId: "main", entries: [] })).rejects.toMatchObject({
      code: "ERR_FILE_NOT_JSON",
    });
    expect(await readFile(join(folder, "shown.json"), "utf8")).toBe("{");
  });
});
