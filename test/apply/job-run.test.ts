// One job in the hands of the executor: every change is fenced, on disk before it counts, and told with its time.

import { describe, expect, it } from "vitest";
import { JobRun, problemOf } from "../../src/apply/job-run.ts";
import type { Job } from "../../src/apply/job.ts";
import { CodexAuthError } from "../../src/errors.ts";
import { applyWorld } from "../support/apply-world.ts";
import { enqueueChange } from "../support/change-jobs.ts";
import { temporaryFolder } from "../support/temp-folder.ts";

const fenced = new CodexAuthError("ERR_EXECUTOR_FENCED", { message: "Another one reigns.", next: "Nothing." });

async function setUp(patch: Partial<Job> = {}) {
  const w = applyWorld(await temporaryFolder());
  const made: Job = { ...(await enqueueChange(w, "order", { how: "first" })), ...patch } as Job;
  await w.queue.save(made);
  let isFenced = false;
  const assertMine = (): Promise<void> => (isFenced ? Promise.reject(fenced) : Promise.resolve());
  const reign = { epoch: 7, signal: new AbortController().signal, assertMine };
  const run = new JobRun(made, { queue: w.queue, reign, now: () => 50 });
  return { run, made, stored: () => w.queue.get(made.id), fence: () => (isFenced = true) };
}

describe("JobRun", () => {
  it("moves a job with a line in its journal, on disk as in hand", async () => {
    const { run, made, stored } = await setUp();
    await run.advance("prepared", { mode: "reload" }, "a note");
    await run.advance("written");
    const expected = {
      ...made,
      state: "written",
      mode: "reload",
      journal: [
        ...made.journal,
        { state: "prepared", at: 50, epoch: 7, note: "a note" },
        { state: "written", at: 50, epoch: 7 },
      ],
    };
    expect(run.job).toStrictEqual(expected);
    expect(await stored()).toEqual(expected);
  });

  it("tells what it is doing without moving the job", async () => {
    const { run, made, stored } = await setUp();
    await run.report("waiting-for-store", 3);
    expect(run.job).toStrictEqual({ ...made, progress: { step: "waiting-for-store", at: 50, waitMs: 3 } });
    await run.report("writing");
    expect(run.job).toStrictEqual({ ...made, progress: { step: "writing", at: 50 } });
    expect(await stored()).toEqual(run.job);
  });

  it("changes nothing, neither on disk nor in hand, once another executor reigns", async () => {
    const { run, made, stored, fence } = await setUp();
    fence();
    for (const attempt of [run.advance("done"), run.update({ repairs: 1 }), run.report("writing"), run.takeOver()])
      await expect(attempt).rejects.toBe(fenced);
    expect(run.job).toBe(made);
    expect(await stored()).toEqual(made);
  });
});

describe("taking a job over", () => {
  it.each<[string, Partial<Job>, boolean]>([
    ["one that waits was interrupted by nobody", { state: "queued", epoch: 0 }, false],
    ["one that another had begun was interrupted", { state: "prepared", epoch: 6 }, true],
    ["one that we had begun ourselves was not", { state: "prepared", epoch: 7 }, false],
    ["one that was interrupted once stays so", { state: "queued", epoch: 7, interrupted: true }, true],
  ])("%s", async (_case, patch, interrupted) => {
    const { run, made } = await setUp(patch);
    await run.takeOver();
    expect(run.job).toStrictEqual({ ...made, epoch: 7, interrupted });
  });
});

describe("problemOf", () => {
  it("keeps code, cause and next step of an error, and makes a stranger's one of ours", () => {
    expect(problemOf(fenced)).toStrictEqual({
      code: "ERR_EXECUTOR_FENCED",
      message: "Another one reigns.",
      next: "Nothing.",
    });
    expect(problemOf(new Error("x"))).toMatchObject({ code: "ERR_INTERNAL" });
  });
});
