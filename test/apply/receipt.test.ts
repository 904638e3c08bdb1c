// Receipts: kept word for word, shown newest first, and pruned by age and number.

import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Receipts, type Receipt } from "../../src/apply/receipt.ts";
import { APPLY } from "../../src/config/defaults.ts";
import { REQUESTED_BY } from "../support/apply-world.ts";
import { temporaryFolder } from "../support/temp-folder.ts";

const DEAD = 2 ** 22 + 1;

function receipt(id: string, endedAt: number): Receipt {
  return {
    schemaVersion: 1,
    id,
    kind: "order",
    agentId: "main",
    profileId: "openai-codex:work",
    outcome: "done",
    startedAt: endedAt - 1,
    endedAt,
    durations: { queued: 1 },
    files: [],
    activation: { asked: "auto", used: "reload", proven: "reloaded" },
    requestedBy: REQUESTED_BY,
  };
}

async function setUp(now = 1) {
  const folder = join(await temporaryFolder(), "receipts");
  const clock = { now };
  const receipts = new Receipts({ folder, now: () => clock.now });
  const ids = async (): Promise<string[]> => (await receipts.list(1_000)).map(({ id }) => id);
  return { folder, clock, receipts, ids };
}

describe("Receipts", () => {
  it("gives back what was put, and the same file where it is put again", async () => {
    const { folder, receipts } = await setUp();
    const one = receipt("job-1", 5);
    await receipts.put(one);
    await receipts.put(one);
    expect(await receipts.get("job-1")).toEqual(one);
    expect(await receipts.get("job-2")).toBeUndefined();
    expect(await readdir(folder)).toEqual(["job-1.json"]);
  });

  it("lists the newest first, ten where nobody says how many", async () => {
    const { receipts } = await setUp();
    for (const at of [3, 12, 1, 7, 5, 9, 2, 11, 4, 8, 6, 10]) await receipts.put(receipt(`job-${at}`, at));
    expect((await receipts.list()).map(({ endedAt }) => endedAt)).toEqual([12, 11, 10, 9, 8, 7, 6, 5, 4, 3]);
    expect((await receipts.list(2)).map(({ id }) => id)).toEqual(["job-12", "job-11"]);
  });
});

describe("Receipts.prune", () => {
  it("removes what is older than its time, tells how many, and keeps what is just that old", async () => {
    const { clock, receipts, ids } = await setUp();
    for (const at of [10, 11, 12, 13]) await receipts.put(receipt(`job-${at}`, at));
    clock.now = 12 + APPLY.receiptTtlMs;
    expect(await receipts.prune()).toBe(2);
    expect(await ids()).toEqual(["job-13", "job-12"]);
    expect(await receipts.prune()).toBe(0);
  });

  it("keeps the newest at any age: its answer may still have to be told", async () => {
    const { clock, receipts, ids } = await setUp();
    for (const at of [10, 11]) await receipts.put(receipt(`job-${at}`, at));
    clock.now = 100 + APPLY.receiptTtlMs;
    expect(await receipts.prune()).toBe(1);
    expect(await ids()).toEqual(["job-11"]);
  });

  it("removes the oldest where there are too many, and leaves exactly as many as are kept", async () => {
    const { folder, receipts } = await setUp();
    await receipts.put(receipt("job-0", 0));
    const rest = Array.from({ length: APPLY.receiptsKept - 1 }, (_, index) => index + 1);
    await Promise.all(
      rest.map((at) => writeFile(join(folder, `job-${at}.json`), JSON.stringify(receipt(`job-${at}`, at)))),
    );
    expect(await receipts.prune()).toBe(0);
    await receipts.put(receipt("job-more", APPLY.receiptsKept));
    expect(await receipts.prune()).toBe(1);
    expect(await receipts.get("job-0")).toBeUndefined();
    expect(await receipts.get("job-1")).toBeDefined();
  });

  it("removes what a killed writer left half written, and keeps a file that it cannot read", async () => {
    const { folder, receipts } = await setUp();
    await receipts.put(receipt("job-1", 1));
    await writeFile(join(folder, "job-2.json"), "{");
    await writeFile(join(folder, `.job-3.json.${DEAD}-0123456789ab.tmp`), "{");
    expect(await receipts.prune()).toBe(0);
    expect((await readdir(folder)).toSorted()).toEqual(["job-1.json", "job-2.json"]);
  });
});
