// What becomes of jobs in time: who watches one is told each change once, and what ended jobs leave goes when it is old.

import { randomBytes } from "node:crypto";
import { getEventListeners } from "node:events";
import { readdir, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Job } from "../../src/apply/job.ts";
import { ParkedLogins } from "../../src/apply/parked.ts";
import { JobQueue } from "../../src/apply/queue.ts";
import { APPLY } from "../../src/config/defaults.ts";
import { ownPaths } from "../../src/config/paths.ts";
import { REQUESTED_BY } from "../support/apply-world.ts";
import { temporaryFolder } from "../support/temp-folder.ts";

const DEAD = 2 ** 22 + 1;

async function setUp() {
  const paths = ownPaths(await temporaryFolder());
  const clock = { now: 1_000 };
  const now = (): number => clock.now;
  const parked = new ParkedLogins({ folder: paths.parked, now, randomBytes });
  const queue = new JobQueue({ paths, parked, now });
  let requests = 0;
  const make = async (): Promise<Job> => {
    const place = { agentId: "main", profileId: "openai-codex:work", activation: "auto" } as const;
    const requestId = `r-${++requests}`;
    return (await queue.enqueueChange({ ...place, requestId, requestedBy: REQUESTED_BY, kind: "remove-profile" })).job;
  };
  return { clock, queue, make, folder: (name: string) => join(paths.queue, name) };
}

const endedAt = (job: Job, at: number): Job => ({
  ...job,
  state: "done",
  journal: [{ state: "done", at, epoch: 1 }],
});

describe("JobQueue.watch", () => {
  it("ends as the job is when its watcher goes, and leaves nothing on the watcher's signal", async () => {
    const { queue, make } = await setUp();
    const job = await make();
    const watcher = new AbortController();
    const seen: string[] = [];
    const last = await queue.watch(
      job.id,
      ({ state }) => {
        seen.push(state);
        expect(getEventListeners(watcher.signal, "abort")).toHaveLength(1);
        watcher.abort();
      },
      watcher.signal,
    );
    expect(last).toEqual(job);
    expect(seen).toEqual(["queued"]);
    expect(getEventListeners(watcher.signal, "abort")).toEqual([]);
  });

  it("leaves nothing on the signal either where the job ended first", async () => {
    const { queue, make } = await setUp();
    const job: Job = { ...(await make()), state: "cancelled" };
    await queue.save(job);
    const { signal } = new AbortController();
    expect(await queue.watch(job.id, () => undefined, signal)).toEqual(job);
    expect(getEventListeners(signal, "abort")).toEqual([]);
  });

  it("does not tell the same twice, whatever else changes in the folder", async () => {
    const { queue, make } = await setUp();
    const job = await make();
    const stop = new AbortController();
    const seen: string[] = [];
    const watching = queue.watch(job.id, (now) => void seen.push(now.state), stop.signal);
    for (let round = 0; round < 5; round += 1) await make();
    expect(await queue.list()).toHaveLength(6);
    await queue.save({ ...job, state: "prepared", progress: { step: "writing", at: 1 } });
    await queue.save({ ...job, state: "done" });
    expect((await watching).state).toBe("done");
    expect(seen.filter((state) => state === "queued")).toHaveLength(1);
    expect(seen.at(-1)).toBe("done");
  });

  it("says that there is no such job, also where nobody waits any more", async () => {
    const { queue, make } = await setUp();
    const seen: Job[] = [];
    const gone = AbortSignal.abort();
    await expect(queue.watch("job-00000000", (job) => seen.push(job), gone)).rejects.toMatchObject({
      code: "ERR_JOB_UNKNOWN",
    });
    const { id } = await make();
    await expect(queue.watch(id, (job) => seen.push(job), gone)).rejects.toMatchObject({ code: "ERR_JOB_UNKNOWN" });
    expect(seen).toEqual([]);
  });
});

describe("the secrets of ended jobs", () => {
  it("are dropped where an end was killed before its last line, and those of open jobs stay", async () => {
    const { queue, make } = await setUp();
    const [ended, open] = [await make(), await make()];
    await queue.save({ ...ended, state: "done" });
    await queue.dropEndedSecrets();
    expect(await queue.secrets.get(ended.id)).toBeUndefined();
    expect(await queue.secrets.get(open.id)).toEqual({});
    expect(await queue.list()).toHaveLength(2);
  });
});

describe("JobQueue.prune", () => {
  it("keeps a job for a day after its end, and takes its secret and its cancel request at once", async () => {
    const { clock, queue, make, folder } = await setUp();
    const job = await make();
    await queue.cancel(job.id);
    await queue.save(endedAt(job, 5_000));
    clock.now = 5_000 + APPLY.endedJobTtlMs;
    await queue.prune();
    expect(await queue.get(job.id)).toMatchObject({ state: "done" });
    expect(await queue.isCancelRequested(job.id)).toBe(false);
    expect(await readdir(folder("secrets"))).toEqual([]);
    clock.now += 1;
    await queue.prune();
    expect(await queue.get(job.id)).toBeUndefined();
    expect(await readdir(folder("jobs"))).toEqual([]);
  });

  it("counts from the making of a job whose journal says nothing", async () => {
    const { clock, queue, make } = await setUp();
    const job = await make();
    await queue.save({ ...job, state: "failed", journal: [] });
    clock.now = 1_000 + APPLY.endedJobTtlMs;
    await queue.prune();
    expect(await queue.list()).toHaveLength(1);
    clock.now += 1;
    await queue.prune();
    expect(await queue.list()).toEqual([]);
  });

  it("never takes an open job, however old, nor its cancel request", async () => {
    const { clock, queue, make } = await setUp();
    const job = await make();
    await queue.cancel(job.id);
    clock.now += 100 * APPLY.endedJobTtlMs;
    await queue.prune();
    expect(await queue.get(job.id)).toEqual(job);
    expect(await queue.isCancelRequested(job.id)).toBe(true);
    expect(await queue.secrets.get(job.id)).toEqual({});
  });

  it("keeps the secret of a job that it cannot read: it is the only copy of its login", async () => {
    const { clock, queue, folder } = await setUp();
    for (const id of ["job-newer000", "job-orphan00"]) {
      await queue.secrets.put(id, {});
      await utimes(join(folder("secrets"), `${id}.json`), 1, 1);
    }
    await queue.cancel("job-none0000").catch(() => undefined);
    await queue.save({ schemaVersion: 2, id: "job-newer000" } as never);
    clock.now = 1_000 + APPLY.orphanSecretMs + 1;
    await queue.prune();
    expect(await readdir(folder("secrets"))).toEqual(["job-newer000.json"]);
    expect(await queue.unreadable()).toEqual(["job-newer000.json"]);
  });

  it("removes what killed writers left half written, of jobs, cancel requests and secrets", async () => {
    const { queue, make, folder } = await setUp();
    const { id } = await make();
    await queue.cancel(id);
    for (const name of ["jobs", "cancel", "secrets"])
      await writeFile(join(folder(name), `.${id}.json.${DEAD}-0123456789ab.tmp`), "{");
    await queue.prune();
    for (const name of ["jobs", "cancel", "secrets"]) expect(await readdir(folder(name))).toEqual([`${id}.json`]);
  });
});
