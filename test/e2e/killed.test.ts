// Our own worker killed beside real gateways while it applies: the next one ends the job, it is told once, and OpenClaw goes on.

import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Job } from "../../src/apply/job.ts";
import { fingerprintJson } from "../../src/secrets/fingerprint.ts";
import { until } from "./lab/gateway.ts";
import { storePath } from "./lab/home.ts";
import { installOpenClaw, type InstallResult } from "./lab/install.ts";
import { ask } from "./lab/killed-jobs.ts";
import { KilledWorker, type Stored } from "./lab/killed-worker.ts";
import { fakeLogin, startLab, type Lab } from "./lab/lab.ts";
import { callModel } from "./lab/model-call.ts";

const PERSON = "4242";
const [ALICE, WORK, LEASED] = ["openai-codex:alice", "openai-codex:work", "openai-codex:lease"] as const;
const REQUESTED_BY = { host: "telegram", chatId: PERSON, personId: PERSON } as const;
/** Each with how the gateway hears of it; a restart of a real one takes a minute. */
const STEPS = [
  ["login", "reload"],
  ["relogin", "reload"],
  ["switch", "reload"],
  ["lease", "reload"],
  ["unlease", "reload"],
  ["remove", "reload"],
  ["login", "reload"],
  ["switch", "reload"],
  ["relogin", "restart"],
] as const;
type Step = (typeof STEPS)[number][0];

describe.each(["2026.4.5", "2026.5.28"] as const)("OpenClaw %s", (version) => {
  let installed: InstallResult;
  let lab: Lab;
  let machine: KilledWorker;

  beforeAll(async () => {
    installed = await installOpenClaw(version);
    if (!installed.ok) return;
    const profiles = { [ALICE]: fakeLogin("alice"), "openai-codex:bob": fakeLogin("bob") };
    const order = { "openai-codex": [ALICE, "openai-codex:bob"] };
    lab = await startLab(installed.openclaw, { stores: { main: { profiles, order } } });
    machine = new KilledWorker(lab.home, PERSON);
  });

  afterAll(async () => {
    await lab?.stop();
  });

  test(
    "a worker that is killed while it applies leaves the job to the next one, and the gateway at work",
    { timeout: 900_000 },
    async ({ skip }) => {
      if (!installed.ok) skip(installed.reason);
      const told: string[] = [];
      // How long a job takes here is learnt from the first; what a restart takes beyond it is waiting.
      await enqueue("login", "reload");
      let usual = (await machine.work()) ?? 0;
      told.push(...(await machine.hear()));
      let killed = 0;
      for (const [step, activation] of STEPS) {
        const before = machine.stored();
        const job = await enqueue(step, activation);
        const dieAfterUs = Math.max(1, usual * (activation === "restart" ? 20 : 0.8) * Math.random());
        try {
          const tookUs = await machine.work(dieAfterUs);
          if (tookUs === undefined) {
            killed += 1;
            await assertHalfway(job, before);
          } else if (activation === "reload") usual = tookUs;
          await machine.work();
          told.push(...(await machine.hear()));
          await assertEnded(step, job, before);
          expect(told.filter((id) => id === job.id)).toHaveLength(job.requestedBy === undefined ? 0 : 1);
          if (step === "remove") for (const { id } of await machine.parked.list()) await machine.parked.discard(id);
        } catch (error) {
          const journal = (await machine.queue.get(job.id))?.journal;
          const where = `${step} by ${activation}, ${JSON.stringify([dieAfterUs, journal])}`;
          throw new Error(`${where}: ${String(error)}`, { cause: error });
        }
      }
      expect(killed).toBeGreaterThanOrEqual(3);
      expect(new Set(told).size).toBe(told.length);
    },
  );

  async function enqueue(step: Step, activation: "reload" | "restart"): Promise<Job> {
    return ask(step, { machine, requestedBy: REQUESTED_BY, activation, work: WORK, first: ALICE, lease: LEASED });
  }

  async function assertHalfway(job: Job, before: Stored): Promise<void> {
    const now = machine.stored();
    expect(others(now, job)).toEqual(others(before, job));
    const plan = (await machine.queue.get(job.id))?.plan?.files.find(({ path }) => path === storePath(lab.home));
    expect([printOf(before, job), plan?.after ?? null]).toContain(printOf(now, job));
  }

  async function assertEnded(step: Step, job: Job, before: Stored): Promise<void> {
    expect(await machine.queue.open()).toEqual([]);
    const receipt = await machine.receipts.get(job.id);
    expect(receipt?.outcome).toBe("done");
    const now = machine.stored();
    const file = receipt?.files.find(({ path }) => path === storePath(lab.home));
    expect(printOf(now, job)).toBe(file === undefined ? printOf(before, job) : file.after);
    expect(others(now, job)).toEqual(others(before, job));
    expect(now.profiles[job.profileId] === undefined).toBe(step === "remove" || step === "unlease");
    if (step !== "remove" && step !== "unlease") expect(now.order?.[0]).toBe(job.profileId);
    // A lock that a dead one left names it, and OpenClaw takes it over; the model call below goes by OpenClaw's own code.
    const lock = `${storePath(lab.home)}.lock`;
    // The gateway takes it too, for a moment.
    await until(() => !isHeldByLiving(lock), 30_000);
    await until(async () => (await lab.gateway.readiness())?.ready === true, 120_000);
    const owner = { [ALICE]: "account-alice", [WORK]: "account-grace", [LEASED]: "account-pool" }[now.order?.[0] ?? ""];
    expect(await callModel(lab.home, lab.backend)).toMatchObject({ tokenAccount: owner ?? "account-bob" });
  }
});

function isHeldByLiving(lock: string): boolean {
  try {
    process.kill((JSON.parse(readFileSync(lock, "utf8")) as { pid: number }).pid, 0);
    return true;
  } catch (error) {
    // Not there, or its holder is not; half-written text is somebody's who lives.
    return error instanceof SyntaxError;
  }
}

function others({ profiles }: Stored, { profileId }: Job): unknown {
  return Object.fromEntries(Object.entries(profiles).filter(([id]) => id !== profileId));
}

function printOf({ profiles }: Stored, { profileId }: Job): string | null {
  const entry = profiles[profileId];
  return entry === undefined ? null : fingerprintJson(entry);
}
