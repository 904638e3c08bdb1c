// The queue: one parked login makes one job, and a login is never in no place at all.

import { randomBytes } from "node:crypto";
import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { describe, expect, it } from "vitest";
import { ParkedLogins, type LoginTokens, type ParkedLogin } from "../../src/apply/parked.ts";
import { jobIdOf, type LoginRequest } from "../../src/apply/new-job.ts";
import { JobQueue } from "../../src/apply/queue.ts";
import { APPLY } from "../../src/config/defaults.ts";
import { ownPaths } from "../../src/config/paths.ts";
import { Secret } from "../../src/secrets/secret.ts";
import { replaceSync } from "../storage/fs-faults.ts";
import { temporaryFolder } from "../support/temp-folder.ts";

const requestedBy = { host: "telegram", chatId: "4242", personId: "4242", messageId: "7" };

async function setUp(now = () => 1_000) {
  const paths = ownPaths(await temporaryFolder());
  const parked = new ParkedLogins({ folder: paths.parked, now, randomBytes });
  return { paths, parked, queue: new JobQueue({ paths, parked, now }) };
}

function tokens(): LoginTokens {
  return {
    access: Secret.of(randomBytes(12).toString("hex")),
    refresh: Secret.of(randomBytes(12).toString("hex")),
    expiresAtMs: 9_000,
  };
}

const login: Omit<ParkedLogin, "id" | "createdAt" | "schemaVersion"> = {
  agentId: "main",
  profileId: "openai-codex:work",
  reason: "first-login",
  email: "a@example.com",
  expiresAtMs: 9_000,
  requestedBy,
};

function requestFor(parkedId: string): LoginRequest {
  return {
    parkedId,
    agentId: "main",
    profileId: "openai-codex:work",
    makeFirst: true,
    activation: "auto",
    requestedBy,
  };
}

describe("JobQueue", () => {
  it("takes a parked login over and leaves nothing of it parked", async () => {
    const { parked, queue } = await setUp();
    const received = tokens();
    const entry = await parked.put(login, received);

    const { job, existed } = await queue.enqueueLogin(requestFor(entry.id));

    expect(existed).toBe(false);
    expect(job).toMatchObject({ state: "queued", profileId: "openai-codex:work", login: { email: "a@example.com" } });
    expect(await parked.list()).toEqual([]);
    expect(await parked.tokens(entry.id)).toBeUndefined();
    expect((await queue.secrets.get(job.id))?.login?.refresh).toBe(received.refresh.expose());
  });

  it("makes one job of one parked login, however many press at once", async () => {
    const { parked, queue } = await setUp();
    const entry = await parked.put(login, tokens());

    const results = await Promise.all(
      Array.from({ length: 20 }, () => queue.enqueueLogin(requestFor(entry.id)).catch((error: unknown) => error)),
    );

    const jobs = await queue.list();
    expect(jobs).toHaveLength(1);
    expect(
      results.filter((result) => !(result instanceof Error) && !(result as { existed: boolean }).existed),
    ).toHaveLength(1);
    expect(await queue.secrets.get(jobs[0]?.id ?? "")).toBeDefined();
  });

  it("refuses a parked login that is gone", async () => {
    const { queue } = await setUp();
    await expect(queue.enqueueLogin(requestFor("p-0000"))).rejects.toMatchObject({ code: "ERR_PARKED_UNKNOWN" });
    expect(await queue.list()).toEqual([]);
  });

  it("keeps tokens in files of mode 0600 inside folders of mode 0700, and in no job file", async () => {
    const { parked, queue, paths } = await setUp();
    const received = tokens();
    const { job } = await queue.enqueueLogin(requestFor((await parked.put(login, received)).id));

    const secret = join(paths.queue, "secrets", `${job.id}.json`);
    expect((await stat(secret)).mode & 0o777).toBe(0o600);
    expect((await stat(join(paths.queue, "secrets"))).mode & 0o777).toBe(0o700);
    expect((await stat(join(paths.queue, "jobs"))).mode & 0o777).toBe(0o700);
    expect(JSON.stringify(await queue.list())).not.toContain(received.access.expose());
  });

  it("lets a queued job be given up and not one that is being written", async () => {
    const { parked, queue } = await setUp();
    const { job } = await queue.enqueueLogin(requestFor((await parked.put(login, tokens())).id));

    await queue.cancel(job.id);
    expect(await queue.isCancelRequested(job.id)).toBe(true);

    await queue.save({ ...job, state: "written" });
    await expect(queue.cancel(job.id)).rejects.toMatchObject({ code: "ERR_JOB_NOT_CANCELLABLE" });
    await expect(queue.cancel("job-00000000")).rejects.toMatchObject({ code: "ERR_JOB_UNKNOWN" });
  });

  it("does not read the file of an ended job again when it looks for open ones", async () => {
    const { parked, queue } = await setUp();
    const [one, two] = [
      await queue.enqueueLogin(requestFor((await parked.put(login, tokens())).id)),
      await queue.enqueueLogin(requestFor((await parked.put(login, tokens())).id)),
    ];
    await queue.save({ ...one.job, state: "done" });
    expect((await queue.open()).map(({ id }) => id)).toEqual([two.job.id]);
    const read: string[] = [];
    replaceSync("openSync", (real) => (path: string, ...rest: [number]) => {
      read.push(basename(path));
      return real(path, ...rest);
    });
    expect((await queue.open()).map(({ id }) => id)).toEqual([two.job.id]);
    expect(read).toEqual([`${two.job.id}.json`]);
  });

  it("leaves a job of a newer version and a damaged one alone", async () => {
    const { parked, queue, paths } = await setUp();
    await queue.enqueueLogin(requestFor((await parked.put(login, tokens())).id));
    const folder = join(paths.queue, "jobs");
    await writeFile(join(folder, "job-newer000.json"), JSON.stringify({ schemaVersion: 2, id: "job-newer000" }));
    await writeFile(join(folder, "job-broken00.json"), "{");

    expect(await queue.list()).toHaveLength(1);
    expect(await queue.unreadable()).toEqual(["job-broken00.json", "job-newer000.json"]);
    await queue.prune();
    expect(await readdir(folder)).toHaveLength(3);
  });

  it("forgets ended jobs when they are old, and never the secret of a job that goes on", async () => {
    let time = 1_000;
    const { parked, queue } = await setUp(() => time);
    const first = await queue.enqueueLogin(requestFor((await parked.put(login, tokens())).id));
    const second = await queue.enqueueLogin(requestFor((await parked.put(login, tokens())).id));
    await queue.save({ ...first.job, state: "done" });
    time = Date.now() + APPLY.endedJobTtlMs + APPLY.orphanSecretMs;

    await queue.prune();

    expect((await queue.list()).map((job) => job.id)).toEqual([second.job.id]);
    expect(await queue.secrets.get(first.job.id)).toBeUndefined();
    expect(await queue.secrets.get(second.job.id)).toBeDefined();
  });

  it("tells a watcher each state and ends with the job", async () => {
    const { parked, queue } = await setUp();
    const { job } = await queue.enqueueLogin(requestFor((await parked.put(login, tokens())).id));
    const seen: string[] = [];

    const watching = queue.watch(
      job.id,
      (now) => {
        seen.push(now.state);
        if (now.state === "queued") void queue.save({ ...job, state: "written" });
        if (now.state === "written") void queue.save({ ...job, state: "done" });
      },
      AbortSignal.timeout(10_000),
    );

    expect((await watching).state).toBe("done");
    expect(seen).toEqual(["queued", "written", "done"]);
  });

  it("gives a parked login the same job id at every call", () => {
    expect(jobIdOf("p-1")).toBe(jobIdOf("p-1"));
    expect(jobIdOf("p-1")).not.toBe(jobIdOf("p-2"));
  });
});

describe("a login that is being revoked", () => {
  it("becomes no job where the mark came after it was looked at, and still does where the mark was seen", async () => {
    const { parked, queue } = await setUp();
    const { id } = await parked.put(login, tokens());
    const create = queue.secrets.create.bind(queue.secrets);
    queue.secrets.create = async (...args) => {
      await parked.update(id, { revokingAt: 7 });
      return create(...args);
    };
    await expect(queue.enqueueLogin(requestFor(id))).rejects.toMatchObject({ code: "ERR_REVOKE_UNCHECKED" });
    expect(await queue.list()).toEqual([]);
    expect(await parked.get(id)).toMatchObject({ revokingAt: 7 });
    queue.secrets.create = create;
    expect((await queue.enqueueLogin(requestFor(id))).job).toMatchObject({ parkedId: id, state: "queued" });
  });
});

describe("two who decide about one login at the same moment", () => {
  it("are told the same: it becomes a job, or it is thrown away, and never both", async () => {
    const { parked, queue } = await setUp();
    for (let round = 0; round < 20; round += 1) {
      const { id } = await parked.put(login, tokens());
      const take = (): Promise<boolean> =>
        queue.enqueueLogin(requestFor(id)).then(
          ({ existed }) => !existed,
          (error: unknown) => {
            expect(error).toMatchObject({ code: "ERR_PARKED_UNKNOWN" });
            return false;
          },
        );
      const drop = (): Promise<boolean> => queue.discardLogin(id).then(({ isDiscarded }) => isDiscarded);
      const [first, second] = round % 2 === 0 ? [take, drop] : [drop, take];
      const won = await Promise.all([first(), second()]);
      expect(won.filter(Boolean), `round ${round}`).toHaveLength(1);
      const isTaken = won[round % 2] === true;
      const job = await queue.get(jobIdOf(id));
      expect([job !== undefined, await parked.get(id)]).toEqual([isTaken, undefined]);
      expect((await queue.secrets.get(jobIdOf(id)))?.login !== undefined).toBe(isTaken);
    }
  });

  it("leave one who throws it away while it is being taken with the job, and nothing is gone", async () => {
    const { parked, queue } = await setUp();
    const received = tokens();
    const { id } = await parked.put(login, received);
    const create = queue.secrets.create.bind(queue.secrets);
    let dropping: ReturnType<JobQueue["discardLogin"]> | undefined;
    queue.secrets.create = async (...args) => {
      dropping = queue.discardLogin(id);
      await create(...args);
    };
    const { job } = await queue.enqueueLogin(requestFor(id));
    expect(await dropping).toEqual({ isDiscarded: false, job });
    expect((await queue.secrets.get(job.id))?.login?.refresh).toBe(received.refresh.expose());
    expect(await queue.discardLogin(id)).toEqual({ isDiscarded: false, job });
    expect(await queue.discardLogin("p-0000")).toEqual({ isDiscarded: false });
  });

  it("leave one who takes it while it is being thrown away without a job, and no token stays", async () => {
    const { parked, queue } = await setUp();
    const { id } = await parked.put(login, tokens());
    const discard = parked.discard.bind(parked);
    let taking: Promise<unknown> | undefined;
    parked.discard = (which) => {
      taking = queue.enqueueLogin(requestFor(id)).catch((error: unknown) => error);
      return discard(which);
    };
    expect(await queue.discardLogin(id)).toEqual({ isDiscarded: true });
    expect(await taking).toMatchObject({ code: "ERR_PARKED_UNKNOWN" });
    expect([await queue.list(), await queue.secrets.get(jobIdOf(id))]).toEqual([[], undefined]);
  });
});

describe("a login that a killed process was about to take", () => {
  it("is not lost by throwing it away: the job has it, and what is left of the parked entry goes with the next start", async () => {
    const { parked, queue, paths } = await setUp();
    const { id } = await parked.put(login, tokens());
    const left = await readFile(join(paths.parked, `${id}.json`));
    const { job } = await queue.enqueueLogin(requestFor(id));
    await writeFile(join(paths.parked, `${id}.json`), left, { mode: 0o600 });
    expect(await queue.discardLogin(id)).toEqual({ isDiscarded: false, job });
    expect((await queue.secrets.get(job.id))?.login).toBeDefined();
  });

  it("is a job although its parked entry cannot be removed", async () => {
    const { parked, queue } = await setUp();
    const { id } = await parked.put(login, tokens());
    parked.discard = () => Promise.reject(new Error("the disk went away"));
    expect((await queue.enqueueLogin(requestFor(id))).job).toMatchObject({ parkedId: id, state: "queued" });
    expect((await queue.enqueueLogin(requestFor(id))).existed).toBe(true);
  });
});
