// The queue at its edges: two that press at once, jobs of the lease and of changes, and when a job may no longer be given up.

import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { Job, JobPatch } from "../../src/apply/job.ts";
import { jobIdOf, type ChangeRequest, type LoginRequest } from "../../src/apply/new-job.ts";
import { ParkedLogins, type ParkedLogin } from "../../src/apply/parked.ts";
import { JobQueue } from "../../src/apply/queue.ts";
import { ownPaths } from "../../src/config/paths.ts";
import { receivedTokens, REQUESTED_BY } from "../support/apply-world.ts";
import { temporaryFolder } from "../support/temp-folder.ts";

const PLACE = { agentId: "main", profileId: "openai-codex:work", activation: "auto" } as const;

async function setUp() {
  const paths = ownPaths(await temporaryFolder());
  const clock = { now: 1_000 };
  const now = (): number => clock.now;
  const parked = new ParkedLogins({ folder: paths.parked, now, randomBytes });
  const queue = new JobQueue({ paths, parked, now });
  const park = (more: Partial<ParkedLogin> = {}, tokens = receivedTokens("carol")): Promise<ParkedLogin> =>
    parked.put({ ...PLACE, reason: "first-login", expiresAtMs: 9_000, requestedBy: REQUESTED_BY, ...more }, tokens);
  const change = (requestId: string, kind: "renew-login" | "remove-profile" = "remove-profile"): Promise<Job> =>
    queue
      .enqueueChange({ ...PLACE, requestId, requestedBy: REQUESTED_BY, kind } satisfies ChangeRequest)
      .then(({ job }) => job);
  return { clock, parked, queue, park, change };
}

const requestFor = (parkedId: string): LoginRequest => ({
  ...PLACE,
  parkedId,
  makeFirst: true,
  requestedBy: REQUESTED_BY,
});

describe("a login's job", () => {
  it("says what was known of the parked login, and no more", async () => {
    const { queue, park } = await setUp();
    const known = await queue.enqueueLogin(requestFor((await park({ email: "c@example.com", planType: "pro" })).id));
    expect(known.job.login).toStrictEqual({ expiresAtMs: 9_000, email: "c@example.com", planType: "pro" });
    const unknown = await queue.enqueueLogin(requestFor((await park()).id));
    expect(unknown.job.login).toStrictEqual({ expiresAtMs: 9_000 });
    expect(unknown.job).toMatchObject({ createdAt: 1_000, journal: [{ state: "queued", at: 1_000, epoch: 0 }] });
  });

  it("is found again by a second press after the login was taken over, as far as it has come by then", async () => {
    const { queue, park } = await setUp();
    const { id } = await park();
    const { job } = await queue.enqueueLogin(requestFor(id));
    await queue.save({ ...job, state: "written" });
    const again = await queue.enqueueLogin(requestFor(id));
    expect(again).toMatchObject({ existed: true, job: { id: job.id, state: "written" } });
    expect(await queue.list()).toHaveLength(1);
  });

  it("is the one that another process made in the same moment, and then the parked login is that one's to discard", async () => {
    const { queue, parked, park } = await setUp();
    const { id } = await park();
    const { job: theirs } = await queue.enqueueLogin(requestFor(id));
    const other = await setUp();
    await other.parked.put(
      { ...PLACE, reason: "first-login", expiresAtMs: 9_000, requestedBy: REQUESTED_BY },
      receivedTokens("carol"),
      id,
    );
    const create = other.queue.secrets.create.bind(other.queue.secrets);
    other.queue.secrets.create = async (...args) => {
      await create(...args);
      await other.queue.save({ ...theirs, createdAt: 77 });
    };
    expect(await other.queue.enqueueLogin(requestFor(id))).toEqual({
      existed: true,
      job: { ...theirs, createdAt: 77 },
    });
    expect(await other.parked.get(id)).toBeDefined();
    expect(await parked.get(id)).toBeUndefined();
  });

  it("is made although the parked entry goes in the same moment: its tokens are in hand", async () => {
    const { queue, parked, park } = await setUp();
    const tokens = receivedTokens("carol");
    const { id } = await park({ revokingAt: 5 }, tokens);
    const create = queue.secrets.create.bind(queue.secrets);
    queue.secrets.create = async (...args) => {
      await parked.discard(id);
      return create(...args);
    };
    const { job, existed } = await queue.enqueueLogin(requestFor(id));
    expect(existed).toBe(false);
    expect((await queue.secrets.get(job.id))?.login?.refresh).toBe(tokens.refresh.expose());
  });

  it("is not made where only the record of the parked login could be read, and not its tokens", async () => {
    const { queue, parked, park } = await setUp();
    const { id } = await park();
    parked.tokens = () => Promise.resolve(undefined);
    await expect(queue.enqueueLogin(requestFor(id))).rejects.toMatchObject({ code: "ERR_PARKED_UNKNOWN" });
    expect(await queue.list()).toEqual([]);
    expect(await parked.get(id)).toBeDefined();
  });
});

describe("the jobs of a lease and of a change", () => {
  it("are one for each request, and hold the leased token in the secret alone", async () => {
    const { queue, change } = await setUp();
    const { access } = receivedTokens("lease");
    const request = {
      ...PLACE,
      requestId: "r-1",
      leaseId: "l-1",
      makeFirst: false,
      credential: { access, expiresAtMs: 9 },
    };
    const saved = await queue.enqueueLeased(request);
    expect(saved).toMatchObject({ existed: false, job: { kind: "save-lease", lease: { leaseId: "l-1" } } });
    expect(await queue.enqueueLeased(request)).toEqual({ existed: true, job: saved.job });
    expect(await queue.secrets.get(saved.job.id)).toEqual({ leased: { access: access.expose() } });

    const removal = await queue.enqueueLeaseRemoval({ ...PLACE, requestId: "r-1", leaseId: "l-1" });
    expect(removal).toMatchObject({ existed: false, job: { kind: "remove-lease", createdAt: 1_000 } });
    const changed = await change("r-1");
    expect(changed).toMatchObject({ kind: "remove-profile", createdAt: 1_000 });
    expect(await queue.secrets.get(changed.id)).toEqual({});
    expect(await queue.list()).toHaveLength(3);
    expect(JSON.stringify(await queue.list())).not.toContain(access.expose());
  });

  it("have no secret written anew where one that has ended is asked for again", async () => {
    const { queue, change } = await setUp();
    const job = await change("r-1");
    await queue.save({ ...job, state: "done" });
    await queue.secrets.remove(job.id);
    expect(await change("r-1")).toMatchObject({ id: job.id, state: "done" });
    expect(await queue.secrets.get(job.id)).toBeUndefined();
  });

  it("are listed oldest first, those of one moment by their ids, and the open ones without those that have ended", async () => {
    const { clock, queue, change } = await setUp();
    const late = await change("late");
    clock.now = 10;
    const together = await Promise.all(["a", "b", "c", "d"].map((name) => change(name)));
    const ids = together.map(({ id }) => id).toSorted();
    expect((await queue.list()).map(({ id }) => id)).toEqual([...ids, late.id]);
    await queue.save({ ...late, state: "failed" });
    expect((await queue.open()).map(({ id }) => id)).toEqual(ids);
    expect(await queue.get(late.id)).toMatchObject({ state: "failed" });
  });
});

describe("JobQueue.cancel", () => {
  it.each<[string, JobPatch]>([
    ["whose token was presented", { renewal: { presented: "print", expiresAtMs: 9 } }],
    ["whose token is being presented", { progress: { step: "renewing", at: 1 } }],
  ])("refuses a renewal %s, for what comes of it is nobody else's", async (_case, patch) => {
    const { queue, change } = await setUp();
    const job = await change("r-1", "renew-login");
    await queue.save({ ...job, ...patch });
    await expect(queue.cancel(job.id)).rejects.toMatchObject({ code: "ERR_JOB_NOT_CANCELLABLE" });
    expect(await queue.isCancelRequested(job.id)).toBe(false);
  });

  it("takes a renewal that only waits, and a prepared job, and gives it as it stands", async () => {
    const { queue, change } = await setUp();
    const renewal = { ...(await change("r-1", "renew-login")), progress: { step: "waiting-for-store", at: 1 } } as Job;
    const removal = { ...(await change("r-2")), state: "prepared", progress: { step: "renewing", at: 1 } } as Job;
    const fresh = await change("r-3", "renew-login");
    for (const job of [renewal, removal, fresh]) {
      await queue.save(job);
      expect(await queue.isCancelRequested(job.id)).toBe(false);
      expect(await queue.cancel(job.id)).toEqual(job);
      expect(await queue.cancel(job.id)).toEqual(job);
      expect(await queue.isCancelRequested(job.id)).toBe(true);
      expect(await queue.get(job.id)).toEqual(job);
    }
  });

  it.each(["written", "activated", "verified", "rolling-back", "done", "failed"] as const)(
    "refuses a job at %s",
    async (state) => {
      const { queue, change } = await setUp();
      const job = await change("r-1");
      await queue.save({ ...job, state });
      await expect(queue.cancel(job.id)).rejects.toMatchObject({ code: "ERR_JOB_NOT_CANCELLABLE" });
      expect(await queue.isCancelRequested(job.id)).toBe(false);
    },
  );

  it("says that a job is unknown without noting anything of it", async () => {
    const { queue } = await setUp();
    await expect(queue.cancel(jobIdOf("p-1"))).rejects.toMatchObject({ code: "ERR_JOB_UNKNOWN" });
    expect(await queue.isCancelRequested(jobIdOf("p-1"))).toBe(false);
  });
});
