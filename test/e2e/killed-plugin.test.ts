// The plugin's executor on OpenClaw's database, killed by SIGKILL in every kind of job: at random instants, and before changes of the disk.

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Job } from "../../src/apply/job.ts";
import type { Receipt } from "../../src/apply/receipt.ts";
import { fingerprintJson } from "../../src/secrets/fingerprint.ts";
import { receivedTokens } from "../support/apply-world.ts";
import { installOpenClaw, type InstallResult } from "./lab/install.ts";
import { ask } from "./lab/killed-jobs.ts";
import { KilledPlugin, type Drain, type SharedStore } from "./lab/killed-plugin.ts";
import { fakeLogin } from "./lab/lab.ts";

const KILLS = 48;
const [WORK, ALICE, LEASED] = ["openai:work", "openai:alice", "openai:lease"] as const;
const STEPS = ["login", "switch", "rollback", "relogin", "remove", "undo", "lease", "unlease"] as const;
type Step = (typeof STEPS)[number];
const REQUESTED_BY = { host: "openclaw", chatId: "4242", personId: "4242" } as const;
const ASKED = { activation: "auto", requestedBy: REQUESTED_BY } as const;

let installed: InstallResult;
let machine: KilledPlugin;
let tokens = receivedTokens("grace");
let removal: Receipt | undefined;

beforeAll(async () => {
  installed = await installOpenClaw("2026.9.6");
  if (!installed.ok) return;
  const alice = { ...fakeLogin("alice"), provider: "openai", accountId: "account-alice" };
  const profiles = { [ALICE]: alice, "anthropic:x": { type: "api_key", provider: "anthropic", key: "k" } };
  const order = { openai: [ALICE], anthropic: ["anthropic:x"] };
  machine = await KilledPlugin.open(installed.openclaw, {
    profiles,
    order,
    usageStats: { "anthropic:x": { lastUsed: 1 } },
  });
});

afterAll(async () => {
  await machine?.stop();
});

test(
  "a process that dies in the middle of a job leaves it to the next one, and OpenClaw's store whole",
  { timeout: 1_800_000 },
  async ({ skip }) => {
    if (!installed.ok) skip(installed.reason);
    const usually = new Map<Step, { tookUs: number; changes: number }>();
    const told = new Map<string, number>();
    let [killed, inRandom] = [0, 0];
    for (let round = 0; killed < KILLS; round += 1) {
      const step = STEPS[round % STEPS.length] ?? "login";
      const reloadFails = step === "rollback";
      // OpenClaw goes on working between two jobs.
      await machine.put({ usageStats: { "anthropic:x": { lastUsed: round + 2 } } });
      const before = await machine.store();
      const job = await enqueue(step, before);
      const expected = usually.get(step);
      const how = expected === undefined ? undefined : drawn(expected, round % 2 === 0);
      try {
        const lived = how === undefined ? undefined : await machine.drain({ ...how, reloadFails });
        if (how !== undefined && lived === undefined) {
          killed += 1;
          if (how.afterUs !== undefined) inRandom += 1;
          await assertHalfway(job, before);
        }
        // Also where the job had ended before the kill: the next one tidies up behind the dead.
        const drained = await machine.drain({ reloadFails });
        if (drained === undefined) throw new Error("nobody wanted this one to die");
        // Learnt while the machine was busier, the time would be over after the job again and again.
        if (expected === undefined || lived !== undefined) usually.set(step, lived ?? drained);
        for (const answer of await machine.outbox.list("openclaw")) {
          if (answer.content.kind === "receipt")
            told.set(answer.content.receiptId, (told.get(answer.content.receiptId) ?? 0) + 1);
          await machine.outbox.delivered(answer.id);
        }
        const receipt = await assertEnded(step, job, before);
        expect(told.get(job.id) ?? 0).toBe(job.requestedBy === undefined ? 0 : 1);
        if (step === "remove") removal = receipt;
        if (step === "rollback") for (const { id } of await machine.parked.list()) await machine.parked.discard(id);
      } catch (error) {
        const journal = (await machine.queue.get(job.id))?.journal;
        throw new Error(`round ${round}, ${step}, ${JSON.stringify([how, journal])}: ${String(error)}`, {
          cause: error,
        });
      }
    }
    // Both ways of dying were there.
    expect(inRandom).toBeGreaterThan(KILLS / 4);
    expect(KILLS - inRandom).toBeGreaterThan(KILLS / 4);
    expect([...told.values()].filter((count) => count !== 1)).toEqual([]);
  },
);

/** When to die in a job that usually takes so long. */
function drawn({ tookUs, changes }: { tookUs: number; changes: number }, byTime: boolean): Drain {
  if (byTime) return { afterUs: Math.max(1, Math.round(Math.random() * tookUs)) };
  return { atChange: 1 + Math.floor(Math.random() * changes) };
}

async function enqueue(step: Step, { order }: SharedStore): Promise<Job> {
  if (step === "undo") {
    const undone = { parkedId: removal?.parkedId ?? "", undoes: removal?.id ?? "", profileId: WORK, makeFirst: true };
    return (await machine.queue.enqueueLogin({ ...ASKED, agentId: "main", ...undone })).job;
  }
  if (step === "login" || step === "relogin" || step === "rollback") tokens = receivedTokens("grace");
  const first = order?.["openai"]?.[0] === WORK ? ALICE : WORK;
  return ask(step, { machine, ...ASKED, work: WORK, first, lease: LEASED }, tokens);
}

/** All but one profile and the order of its provider. */
function others({ profiles, order, ...rest }: SharedStore, profileId: string): unknown {
  const kept = Object.entries(profiles).filter(([id]) => id !== profileId);
  return { ...rest, profiles: Object.fromEntries(kept), order: { ...order, openai: undefined } };
}

async function assertHalfway(job: Job, before: SharedStore): Promise<void> {
  const now = await machine.store();
  expect(others(now, job.profileId)).toEqual(others(before, job.profileId));
  const plan = (await machine.queue.get(job.id))?.plan?.files[0];
  expect([printOf(before, job), plan?.after ?? null]).toContain(printOf(now, job));
  expect([before.order?.["openai"] ?? null, plan?.orderAfter ?? null]).toContainEqual(now.order?.["openai"] ?? null);
}

async function assertEnded(step: Step, job: Job, before: SharedStore): Promise<Receipt> {
  const { queue, paths, receipts, parked, stateDir } = machine;
  expect(await queue.open()).toEqual([]);
  const receipt = await receipts.get(job.id);
  if (receipt === undefined) throw new Error("no receipt");
  expect(receipt.outcome).toBe(step === "rollback" ? "rolled-back" : "done");
  expect((await queue.get(job.id))?.state).toBe(receipt.outcome);
  const now = await machine.store();
  for (const file of receipt.files)
    expect(printOf(now, job)).toBe(receipt.outcome === "done" ? file.after : file.before);
  expect(others(now, job.profileId)).toEqual(others(before, job.profileId));
  const [was, is] = [before.profiles[job.profileId], now.profiles[job.profileId]];
  if (step === "rollback") expect([is, now.order]).toEqual([was, before.order]);
  if (step === "switch") expect([is, now.order?.["openai"]?.[0]]).toEqual([was, job.profileId]);
  if (step === "remove" || step === "unlease") expect(is).toBeUndefined();
  if (step === "login" || step === "relogin" || step === "undo")
    expect(is).toMatchObject({ refresh: tokens.refresh.expose() });
  if (step === "lease") expect(is).toMatchObject({ type: "token", email: "pool@example.com" });
  expect(readdirSync(join(paths.queue, "secrets"))).toEqual([]);
  expect(await parked.list()).toHaveLength(step === "rollback" || step === "remove" ? 1 : 0);
  const left = readdirSync(stateDir, { recursive: true }).filter((name) => /\.(tmp|lock)$/.test(String(name)));
  expect(left).toEqual([]);
  return receipt;
}

function printOf({ profiles }: SharedStore, { profileId }: Job): string | null {
  const entry = profiles[profileId];
  return entry === undefined ? null : fingerprintJson(entry);
}
