// The election of the executor: one at a time, and whoever was replaced is fenced.

import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readExecutor, withReign, type ReignOptions } from "../../src/apply/reign.ts";
import { ownPaths } from "../../src/config/paths.ts";
import { temporaryFolder } from "../support/temp-folder.ts";

async function options(): Promise<ReignOptions> {
  return { paths: ownPaths(await temporaryFolder()), kind: "worker", version: "0", now: Date.now, waitMs: 0 };
}

describe("withReign", () => {
  it("lets one executor work and turns the second away", async () => {
    const shared = await options();
    await withReign(shared, async () => {
      await expect(withReign(shared, async () => undefined)).rejects.toMatchObject({ code: "ERR_LOCK_TIMEOUT" });
    });
    await expect(withReign(shared, async (reign) => reign.epoch)).resolves.toBeGreaterThan(0);
  });

  it("gives each reign a higher epoch, also when the clock went back or the file was lost", async () => {
    const shared = await options();
    const first = await withReign(shared, async (reign) => reign.epoch);
    const second = await withReign({ ...shared, now: () => 5 }, async (reign) => reign.epoch);
    expect(second).toBe(first + 1);
    await writeFile(join(shared.paths.queue, "executor.json"), "damaged");
    expect(await withReign({ ...shared, now: () => Date.now() + 1_000 }, async (reign) => reign.epoch)).toBeGreaterThan(
      second,
    );
  });

  it("fences an executor whose place another one has taken", async () => {
    const shared = await options();
    await withReign(shared, async (reign) => {
      await reign.assertMine();
      const file = join(shared.paths.queue, "executor.json");
      const record = JSON.parse(await readFile(file, "utf8")) as { epoch: number };
      await writeFile(file, JSON.stringify({ ...record, epoch: record.epoch + 1 }));
      await expect(reign.assertMine()).rejects.toMatchObject({ code: "ERR_EXECUTOR_FENCED" });
    });
  });

  it("says who executes", async () => {
    const shared = await options();
    await withReign(shared, async (reign) => {
      expect(await readExecutor(shared.paths)).toMatchObject({ pid: process.pid, kind: "worker", epoch: reign.epoch });
    });
  });
});
