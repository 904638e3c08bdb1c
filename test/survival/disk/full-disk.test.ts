// A disk that is really full, at each point of a job: a small tmpfs in namespaces of its own.

import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import { temporaryFolder } from "../../support/temp-folder.ts";
import { tellFigure } from "../lab/run.ts";

const PEER = fileURLToPath(new URL("../lab/full-disk.mjs", import.meta.url));
const MOUNT = 'mount -t tmpfs -o size=512k,mode=700 tmpfs "$0" && exec "$@"';
const CLEAR = ["ERR_DISK_FULL", "ERR_FILE_UNWRITABLE", "ERR_LOCK_LOST"];

interface Run {
  readonly pages: number;
  readonly when: string;
  readonly free: number;
  readonly codes: readonly string[];
  readonly lost: number;
  readonly isWhole: boolean;
  readonly isSaved: boolean;
  readonly others: boolean;
  readonly left: readonly number[];
}

describe("a full disk", () => {
  it("costs no login, is called by its name, and once there is room the login is saved", async (context) => {
    const folder = await temporaryFolder();
    const inside = ["-Urm", "sh", "-c", MOUNT, folder];
    const tried = spawnSync("unshare", [...inside, "true"], { encoding: "utf8" });
    if (tried.status !== 0)
      return context.skip(
        `This machine allows no file system of one's own: ${tried.error?.message ?? tried.stderr.trim()}`,
      );
    const child = spawn("unshare", [...inside, process.execPath, PEER, folder], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    onTestFinished(() => void child.kill("SIGKILL"));
    const [output, [code]] = await Promise.all([text(child.stdout), once(child, "exit") as Promise<[number | null]>]);
    expect(code).toBe(0);
    const runs = JSON.parse(output) as readonly Run[];
    for (const run of runs) {
      const { pages, free, codes, lost, isWhole, isSaved, others, left } = run;
      const what = JSON.stringify(run);
      expect([free, lost, isWhole, isSaved, others, left], what).toEqual([pages, 0, true, true, true, [0, 0, 0]]);
      for (const one of codes) expect(CLEAR, what).toContain(one);
    }
    const failed = runs.filter(({ codes }) => codes.length > 0);
    // Full enough to fail, and room enough to go well: both were there.
    expect(failed.length).toBeGreaterThan(5);
    expect(runs.length - failed.length).toBeGreaterThan(5);
    tellFigure("disk, really full", runs.length, "fillings of a real disk");
    tellFigure("disk, really full, failed at first", failed.length, "of them failed at first");
  });
});
