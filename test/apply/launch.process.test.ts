// Real workers: they outlive whoever started them, leave the gateway's service where they must, and carry no secret.

import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { withReign } from "../../src/apply/reign.ts";
import { ENTRY, fakeSystemdRun, launchLab, processFile, SOON } from "../support/launch-lab.ts";

type Lab = Awaited<ReturnType<typeof launchLab>>;

const STEPS = ["queued", "prepared", "written", "activated", "verified", "done"];

/** The job's states in their order, each once: it was executed by one executor, once. */
async function stepsOf(lab: Lab, id: string): Promise<readonly string[]> {
  return (await lab.queue.get(id))?.journal.map(({ state }) => state) ?? [];
}

async function expectSaved(lab: Lab, saved: Awaited<ReturnType<Lab["queueLogin"]>>): Promise<void> {
  const before = Object.keys(lab.readStore().profiles);
  expect(before).toEqual(expect.arrayContaining(["openai-codex:alice", "openai-codex:bob", "anthropic:x"]));
  expect(lab.readStore().profiles[saved.profileId]?.["refresh"]).toBe(saved.tokens.refresh.expose());
  expect(await lab.receipts.get(saved.job.id)).toMatchObject({ outcome: "done" });
  expect(await lab.parked.list()).toEqual([]);
  expect(existsSync(`${lab.storePath}.lock`)).toBe(false);
}

function canary(): string {
  return `${randomBytes(5).readUIntBE(0, 5)}:${randomBytes(18).toString("base64url")}`;
}

// Programs are started one after another, on a machine that may be busy.
const TIMEOUT = { timeout: 120_000 };

describe("a worker", TIMEOUT, () => {
  it("ends its job although the whole process group of its caller was killed in the middle of it", async () => {
    const lab = await launchLab();
    const login = await lab.queueLogin("carol");
    const held = lab.holdStore();
    const host = await lab.host("fork");
    expect(host.said).toBe("launched");
    const worker = await lab.untilWaiting(login.job.id);
    expect(worker).not.toBe(host.pid);
    await host.killGroup();
    expect((await lab.queue.get(login.job.id))?.state).toBe("prepared");
    expect(lab.readStore().profiles["openai-codex:carol"]).toBeUndefined();

    held.release();
    expect(await lab.untilEnded(login.job.id)).toMatchObject({ state: "done", interrupted: false });
    await expectSaved(lab, login);
    await lab.untilNoWorker();
  });

  it("has no token on its command line and in its environment, the bot's not either", async () => {
    const lab = await launchLab();
    const login = await lab.queueLogin("carol");
    const held = lab.holdStore();
    const botToken = canary();
    await lab.host("fork", {
      CODEX_AUTH_BOT_TOKEN: botToken,
      CODEX_AUTH_ALLOW_FROM: "4242,77001",
      SOMETHING_ELSE: botToken,
    });
    const worker = await lab.untilWaiting(login.job.id);
    const [commandLine, environment] = [processFile(worker, "cmdline"), processFile(worker, "environ")];
    expect(commandLine.split("\0").filter((word) => word !== "")).toEqual([process.execPath, ENTRY]);
    expect(environment.split("\0")).toContain(`OPENCLAW_STATE_DIR=${lab.stateDir}`);
    const { access, refresh } = login.tokens;
    // It asks the list again, so it is given the one that the bot was given.
    expect(environment.split("\0")).toContain("CODEX_AUTH_ALLOW_FROM=4242,77001");
    for (const secret of [botToken, access.expose(), refresh.expose()]) {
      expect(commandLine).not.toContain(secret);
      expect(environment).not.toContain(secret);
    }
    held.release();
    await lab.untilEnded(login.job.id);
    await expectSaved(lab, login);
    await lab.untilNoWorker();
  });

  it("that is the second at a job waits, finds nothing to do and ends", async () => {
    const lab = await launchLab();
    const login = await lab.queueLogin("carol");
    const held = lab.holdStore();
    await Promise.all([lab.host("fork"), lab.host("fork")]);
    const first = await lab.untilWaiting(login.job.id);
    await expect.poll(() => lab.workers().length, SOON).toBe(2);
    expect(lab.workers()).toContain(first);
    held.release();
    await lab.untilEnded(login.job.id);
    await lab.untilNoWorker();
    expect(await stepsOf(lab, login.job.id)).toEqual(STEPS);
    const epochs = new Set((await lab.queue.get(login.job.id))?.journal.slice(1).map(({ epoch }) => epoch));
    expect(epochs.size).toBe(1);
    expect(await lab.receipts.list()).toHaveLength(1);
    await expectSaved(lab, login);
  });

  it("ends a job that was enqueued when the executor before it had looked for the last time", async () => {
    const lab = await launchLab();
    const options = { paths: lab.paths, kind: "foreground", version: "test", now: Date.now, waitMs: 0 } as const;
    const login = await withReign(options, async () => {
      expect(await lab.queue.open()).toEqual([]);
      const late = await lab.queueLogin("carol");
      await lab.host("fork");
      // It has begun (its log has a folder) and finds the queue in other hands.
      await expect.poll(() => existsSync(lab.paths.log), SOON).toBe(true);
      expect(lab.workers()).toHaveLength(1);
      return late;
    });
    await lab.untilEnded(login.job.id);
    expect(await stepsOf(lab, login.job.id)).toEqual(STEPS);
    await expectSaved(lab, login);
    await lab.untilNoWorker();
  });

  it("or another one ends each of several jobs that come while one is leaving", async () => {
    const lab = await launchLab();
    for (const name of ["carol", "dora", "emil", "fritz"]) {
      const login = await lab.queueLogin(name);
      // Started the moment the job before is done on disk, which is when its worker is about to leave.
      await lab.host("fork");
      await lab.untilEnded(login.job.id);
      await expectSaved(lab, login);
    }
    await lab.untilNoWorker();
    expect(await lab.receipts.list()).toHaveLength(4);
  });

  it("that was killed in mid-job is followed by the one of the next host's start", async () => {
    const lab = await launchLab();
    const login = await lab.queueLogin("carol");
    const held = lab.holdStore();
    await lab.host("fork");
    const worker = await lab.untilWaiting(login.job.id);
    expect(lab.workers()).toEqual([worker]);
    process.kill(worker, "SIGKILL");
    await lab.untilNoWorker();
    held.release();
    expect((await lab.queue.get(login.job.id))?.state).toBe("prepared");
    // The lock of the dead one is stale after 15 s; the clock of its folder is put back instead of waiting.
    utimesSync(join(lab.paths.queue, "executor.json.lock"), 0, 0);

    expect((await lab.host("resume")).said).toBe("resumed 1");
    expect(await lab.untilEnded(login.job.id)).toMatchObject({ state: "done", interrupted: true });
    await expectSaved(lab, login);
    await lab.untilNoWorker();
    expect((await lab.host("resume")).said).toBe("resumed 0");
    expect(lab.workers()).toEqual([]);
  });

  it("writes what went wrong to a private file of its own, without a token", async () => {
    const lab = await launchLab();
    const login = await lab.queueLogin("carol");
    await lab.host("fork", { CODEX_AUTH_ACTIVATION: "sideways" });
    const file = join(lab.paths.log, "worker.log");
    await expect.poll(() => (existsSync(file) ? readFileSync(file, "utf8") : ""), SOON).toMatch(/ERR_CONFIG_INVALID/);
    await lab.untilNoWorker();
    expect((await lab.queue.get(login.job.id))?.state).toBe("queued");
    expect(readFileSync(file, "utf8")).not.toContain(login.tokens.refresh.expose());
  });
});

describe("a worker that has to leave the gateway's service", TIMEOUT, () => {
  it("is started by systemd-run with the names of variables and no value, and gets the gateway's token that way", async () => {
    const lab = await launchLab();
    const login = await lab.queueLogin("carol");
    const held = lab.holdStore();
    const systemd = fakeSystemdRun(lab.folder);
    const secrets = { CODEX_AUTH_BOT_TOKEN: canary(), OPENCLAW_GATEWAY_TOKEN: canary() };
    const host = await lab.host("leave", { PATH: systemd.PATH, LANG: "C.UTF-8", ...secrets });
    expect(host.said).toBe("launched");
    const worker = await lab.untilWaiting(login.job.id);

    const { argv, variables } = systemd.call();
    const names = argv.filter((word) => word.startsWith("--setenv=")).map((word) => word.slice("--setenv=".length));
    const settings = names.map((name) => `--setenv=${name}`);
    const literal = ["--user", "--collect", "--quiet", "--no-block"];
    expect(argv).toEqual([...literal, ...settings, "--", process.execPath, ENTRY]);
    expect(names).toEqual(expect.arrayContaining(["HOME", "PATH", "LANG", "OPENCLAW_STATE_DIR"]));
    for (const name of names) expect(name).toMatch(/^[A-Z_]+$/);
    // Without it the worker could not ask a gateway to reload whose token is in its environment only.
    expect(processFile(worker, "environ").split("\0")).toContain(
      `OPENCLAW_GATEWAY_TOKEN=${secrets.OPENCLAW_GATEWAY_TOKEN}`,
    );
    expect(variables).not.toContain("CODEX_AUTH_BOT_TOKEN");
    const { access, refresh } = login.tokens;
    for (const secret of [...Object.values(secrets), access.expose(), refresh.expose()]) {
      expect(argv.join(" ")).not.toContain(secret);
      expect(processFile(worker, "cmdline")).not.toContain(secret);
    }
    for (const secret of [secrets.CODEX_AUTH_BOT_TOKEN, access.expose(), refresh.expose()])
      expect(processFile(worker, "environ")).not.toContain(secret);

    await host.killGroup();
    held.release();
    await lab.untilEnded(login.job.id);
    await expectSaved(lab, login);
    await lab.untilNoWorker();
  });

  it("is refused in words where there is no systemd-run, and the job stays queued", async () => {
    const lab = await launchLab();
    const login = await lab.queueLogin("carol");
    const empty = join(lab.folder, "empty");
    mkdirSync(empty);
    expect((await lab.host("leave", { PATH: empty })).said).toBe("ERR_RESTART_IMPOSSIBLE");
    expect(lab.workers()).toEqual([]);
    expect(await lab.queue.open()).toMatchObject([{ id: login.job.id, state: "queued" }]);
    expect(await lab.queue.secrets.get(login.job.id)).toBeDefined();
    // Whoever resumes from outside of the service ends it.
    await lab.host("resume");
    await lab.untilEnded(login.job.id);
    await expectSaved(lab, login);
    await lab.untilNoWorker();
  });
});
