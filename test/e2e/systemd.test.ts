// A gateway that systemd's user manager runs, both of them real: restarted by its unit, also when the order came from inside it.

import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { until } from "./lab/gateway.ts";
import { storePath } from "./lab/home.ts";
import { installOpenClaw } from "./lab/install.ts";
import {
  environmentOf,
  must,
  startSystemdLab,
  UNIT,
  type SystemdLab,
  type SystemdLabResult,
} from "./lab/systemd-gateway.ts";

const END_MS = 200_000;
// A job and its restart have time-outs of their own, and there is more than one in a test.
const LIMIT = { timeout: 900_000 } as const;
const TOKEN = "OPENCLAW_GATEWAY_TOKEN";

// Side by side: most of the time each waits for its gateway's start window to pass.
describe.concurrent.each(["2026.4.5", "2026.5.28"] as const)("OpenClaw %s as a systemd user unit", LIMIT, (version) => {
  let started: SystemdLabResult;
  let lab: SystemdLab;

  beforeAll(async () => {
    const installed = await installOpenClaw(version);
    started = installed.ok ? await startSystemdLab(installed.openclaw) : installed;
    if (started.ok) lab = started.lab;
  });

  afterAll(async () => {
    await lab?.stop();
  });

  test.sequential("a job from outside restarts the unit, once and as its own order", async ({ skip }) => {
    if (!started.ok) skip(started.reason);
    const before = await lab.unit();
    const { id } = await lab.queueLogin("grace");
    must(await lab.program("outside", ["resume"]));
    await expectDone(id);
    const after = await lab.unit();
    expect(after.mainPid).not.toBe(before.mainPid);
    expect(after.invocationId).not.toBe(before.invocationId);
    // Counted by systemd where the gateway ended and was started again, as after a signal.
    expect(after.restartsByItself).toBe(0);
    expect(await lab.systemdRunCalls()).toBe("");
  });

  test.sequential("a job from inside the unit leaves it, survives the restart that ends everything there, and is done", async ({
    skip,
  }) => {
    if (!started.ok) skip(started.reason);
    const before = await lab.unit();
    const bystander = await sleepInside();
    const letRestart = await lab.holdRestarts();
    const { id } = await lab.queueLogin("ada");
    must(await lab.program("inside", ["resume"], { [TOKEN]: lab.home.token }));

    const worker = await untilMidJob(id);
    expect(await cgroupOf(worker)).toMatch(/\/user@0\.service\/app\.slice\/run-[^/]+\.service$/);
    expect(await environmentOf(lab.manager, worker)).toMatchObject({ [TOKEN]: lab.home.token });
    const calls = await lab.systemdRunCalls();
    expect(calls).toContain(`--setenv=${TOKEN}\n`);
    expect(calls).not.toContain(lab.home.token);
    const { stdout: everyArgument } = await lab.manager.run(["sh", "-c", "cat /proc/[0-9]*/cmdline"]);
    expect(everyArgument).not.toContain(lab.home.token);

    await letRestart();
    await expectDone(id);
    const after = await lab.unit();
    expect(after.mainPid).not.toBe(before.mainPid);
    expect(after.restartsByItself).toBe(0);
    expect(await isThere(bystander)).toBe(false);
    // It tidies up, lets go of the queue and closes its log after the last job has ended.
    await until(async () => !(await isThere(worker)), END_MS);
  });

  test.sequential("a worker whose whole control group is killed in mid-job leaves a job that the next start ends", async ({
    skip,
  }) => {
    if (!started.ok) skip(started.reason);
    const before = await lab.unit();
    const letRestart = await lab.holdRestarts();
    const { id } = await lab.queueLogin("linus");
    must(await lab.program("inside", ["resume"]));
    const worker = await untilMidJob(id);
    const cgroup = await cgroupOf(worker);
    must(await lab.manager.run(["sh", "-c", 'echo 1 > "/sys/fs/cgroup$0/cgroup.kill"', cgroup]));
    await until(async () => !(await isThere(worker)), END_MS);
    expect((await lab.queue.get(id))?.state).toBe("written");
    expect((await lab.unit()).invocationId).toBe(before.invocationId);

    await letRestart();
    must(await lab.program("inside", ["resume"]));
    await expectDone(id);
    expect((await lab.unit()).invocationId).not.toBe(before.invocationId);
  });

  test.sequential("a gateway whose whole unit is killed in mid-job comes back, and the job is done", async ({
    skip,
  }) => {
    if (!started.ok) skip(started.reason);
    const letRestart = await lab.holdRestarts();
    const { id } = await lab.queueLogin("hedy");
    must(await lab.program("inside", ["resume"]));
    await untilMidJob(id);
    must(await lab.manager.run(["systemctl", "--user", "kill", "--signal=KILL", UNIT]));
    await letRestart();
    // The worker may find it down (it reads the store when systemd starts it again) or back already.
    await expectDone(id, "none|restart");
    const { stdout } = must(await lab.manager.run(["systemctl", "--user", "is-active", UNIT]));
    expect(stdout.trim()).toBe("active");
    expect(Object.keys(await storedProfiles())).toContain("openai-codex:hedy");
  });

  async function storedProfiles(): Promise<Record<string, unknown>> {
    return (JSON.parse(await readFile(storePath(lab.home), "utf8")) as { profiles: Record<string, unknown> }).profiles;
  }

  async function expectDone(id: string, used = "restart"): Promise<void> {
    await until(async () => (await lab.receipts.get(id)) !== undefined, END_MS);
    expect(await lab.receipts.get(id)).toMatchObject({
      outcome: "done",
      activation: { used: expect.stringMatching(`^(?:${used})$`) },
    });
    await until(async () => (await lab.queue.open()).length === 0, END_MS);
    await lab.untilReady();
  }

  /** Waits until the login is in the store and the restart, which is held, is due or ordered; gives the worker's pid. */
  async function untilMidJob(id: string): Promise<number> {
    await until(async () => {
      const receipt = await lab.receipts.get(id);
      if (receipt !== undefined) throw new Error(`it ended before: ${JSON.stringify(receipt.problem)}`);
      const job = await lab.queue.get(id);
      return job?.state === "written" && /^(?:waiting-for-start-window|stopping)$/.test(job.progress?.step ?? "");
    }, END_MS);
    return await lab.executorPid();
  }

  async function sleepInside(): Promise<number> {
    const { controlGroup } = await lab.unit();
    const script = "setsid sleep 600 >/dev/null 2>&1 & echo $!";
    const { stdout } = must(await lab.manager.run(["sh", "-c", script], { cgroup: controlGroup }));
    return Number(stdout);
  }

  async function cgroupOf(pid: number): Promise<string> {
    const { stdout } = must(await lab.manager.run(["cat", `/proc/${pid}/cgroup`]));
    return /^0::(.*)$/m.exec(stdout)?.[1] ?? "";
  }

  async function isThere(pid: number): Promise<boolean> {
    return (await lab.manager.run(["test", "-d", `/proc/${pid}`])).code === 0;
  }
});
