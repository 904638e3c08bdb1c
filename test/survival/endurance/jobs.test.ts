// Thousands of jobs, one after another, over days of the clock: queue, receipts and answers stay within their limits, and so does the process.

import { randomBytes } from "node:crypto";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, it } from "vitest";
import { Executor } from "../../../src/apply/executor.ts";
import { Outbox } from "../../../src/apply/outbox.ts";
import { ParkedLogins } from "../../../src/apply/parked.ts";
import { JobQueue } from "../../../src/apply/queue.ts";
import { Receipts } from "../../../src/apply/receipt.ts";
import { withReign } from "../../../src/apply/reign.ts";
import { APPLY, DAY, MINUTE } from "../../../src/config/defaults.ts";
import { applyWorld } from "../../support/apply-world.ts";
import { enqueueChange } from "../../support/change-jobs.ts";
import { temporaryFolder } from "../../support/temp-folder.ts";
import { endurance, tellFigure, times } from "../lab/run.ts";

const MB = 1024 * 1024;
const STEP_MS = 30 * MINUTE;

/** How many records lie in `folder`. */
function files(folder: string): number {
  return readdirSync(folder).filter((name) => name.endsWith(".json")).length;
}

function mean(some: readonly number[]): number {
  return some.reduce((sum, one) => sum + one, 0) / some.length;
}

it(
  "jobs leave no more behind than their limits say, and cost no more at the end",
  { timeout: 10_800_000 },
  async () => {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    const world = applyWorld(await temporaryFolder());
    const { paths } = world;
    let clock = Date.now();
    const now = (): number => clock;
    const parked = new ParkedLogins({ folder: paths.parked, now, randomBytes });
    const queue = new JobQueue({ paths, parked, now });
    const receipts = new Receipts({ folder: paths.receipts, now });
    const outbox = new Outbox({ folder: paths.outbox, now });
    const services = { ...world.services, parked, queue, receipts, outbox, now };
    const count = times(220) * endurance;
    const tenth = Math.max(1, Math.floor(count / 10));
    const took: number[] = [];
    const marks: { heap: number; descriptors: number }[] = [];
    for (let at = 0; at < count; at += 1) {
      clock += STEP_MS;
      const profileId = at % 2 === 0 ? "openai-codex:bob" : "openai-codex:alice";
      const began = process.cpuUsage();
      const job = await enqueueChange({ queue }, "order", { how: "first" }, { profileId });
      await withReign({ paths, kind: "foreground", version: "test", now, waitMs: 5_000 }, (reign) =>
        new Executor(services, reign).drain(),
      );
      const { user, system } = process.cpuUsage(began);
      took.push((user + system) / 1_000);
      expect(await receipts.get(job.id)).toMatchObject({ outcome: "done" });
      // The chat takes its answers, now and then late.
      if (at % 7 === 0) for (const { id } of await outbox.list("telegram")) await outbox.delivered(id);
      if (at === tenth * 5 || at === count - 1) {
        collect();
        marks.push({ heap: process.memoryUsage().heapUsed, descriptors: readdirSync("/proc/self/fd").length });
      }
    }
    const perDay = DAY / STEP_MS;
    // Whoever executes sweeps first: what this one left is swept by the next.
    expect(files(paths.receipts)).toBeLessThanOrEqual(APPLY.receiptsKept + 1);
    // A day's jobs, their executor's record, and the one that has just ended.
    expect((await queue.list()).length).toBeLessThanOrEqual((APPLY.endedJobTtlMs / DAY) * perDay + 2);
    expect(readdirSync(join(paths.queue, "secrets"))).toEqual([]);
    expect(files(join(paths.outbox, "told"))).toBeLessThanOrEqual((APPLY.outboxTtlMs / DAY) * perDay + 2);
    const [half, end] = marks;
    expect((end?.heap ?? 0) - (half?.heap ?? 0), JSON.stringify(marks)).toBeLessThan(8 * MB);
    expect((end?.descriptors ?? 0) - (half?.descriptors ?? 0), JSON.stringify(marks)).toBeLessThan(4);
    // From half on every folder is as full as it gets. It is the processor's time that counts: others use the machine too.
    const [middle, last] = [mean(took.slice(tenth * 5, tenth * 6)), mean(took.slice(-tenth))];
    expect(last).toBeLessThan(middle * 1.5 + 20);
    tellFigure("endurance, jobs", count, "jobs one after another");
    tellFigure("endurance, a job of the middle", Math.round(middle), "ms of processor for one in the middle");
    tellFigure("endurance, a job at the end", Math.round(last), "ms of processor for one at the end");
    const growth = Math.round(((end?.heap ?? 0) - (half?.heap ?? 0)) / 1024);
    tellFigure("endurance, growth of the heap by jobs", growth, "KB by jobs from half to the end");
  },
);
