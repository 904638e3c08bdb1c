// What must be true of a crash world right after a kill, and when a job has ended.

import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect } from "vitest";
import type { Job } from "../../../src/apply/job.ts";
import type { Receipt } from "../../../src/apply/receipt.ts";
import { refreshLockTarget } from "../../../src/profiles/json-hold.ts";
import { isAlive } from "../../../src/sandbox/processes.ts";
import { fingerprint, fingerprintJson } from "../../../src/secrets/fingerprint.ts";
import { recordNames } from "../../../src/storage/plain-records.ts";
import type { Step } from "./crash-steps.ts";
import type { CrashWorld, Standing } from "./crash-world.ts";

/** Right after a kill: every file is whole, the target is exactly as before or as planned, all else is as it was. */
export async function assertHalfway(crash: CrashWorld, job: Job, before: Standing): Promise<void> {
  const now = crash.standing();
  assertOthers(now, before, job.profileId);
  const plan = (await crash.queue.get(job.id))?.plan?.files.find(({ path }) => path === crash.world.storePath);
  const print = (standing: Standing): string | null => {
    const entry = standing.profiles[job.profileId];
    return entry === undefined ? null : fingerprintJson(entry);
  };
  expect([print(before), plan?.after ?? null]).toContain(print(now));
  expect([before.order ?? null, plan?.orderAfter ?? null]).toContainEqual(now.order ?? null);
}

/**
 * Whether a killed renewal was waiting for its answer: the token may have left, and nothing that came is on disk. Only then may a kill
 * cost a login, and it must be said.
 */
export async function waitedForAnswer(crash: CrashWorld, job: Job, before: Standing): Promise<boolean> {
  if (job.kind !== "renew-login") return false;
  const rotation = await crash.rotations.get(fingerprint(String(before.profiles[job.profileId]?.["refresh"])));
  return rotation?.phase === "sent" && (await crash.queue.secrets.get(job.id))?.login === undefined;
}

/** A job has ended as `step` must end, the receipt says so, and the machine is tidy. */
export async function assertEnded(
  crash: CrashWorld,
  { job, step, before, isUnknown }: { job: Job; step: Step; before: Standing; isUnknown: boolean },
): Promise<Receipt> {
  const receipt = await assertReceipt(crash, job);
  await assertTidy(crash, job.profileId);
  expect(receipt.outcome).toBe(step === "rollback" ? "rolled-back" : isUnknown ? "failed" : "done");
  const now = crash.standing();
  assertOthers(now, before, job.profileId);
  const [was, is] = [before.profiles[job.profileId], now.profiles[job.profileId]];
  if (step === "rollback" || isUnknown) expect([is, now.order]).toEqual([was, before.order]);
  if (isUnknown) expect(receipt.problem?.code).toBe("ERR_RENEWAL_UNKNOWN");
  if (step === "switch") expect([is, now.order?.[0]]).toEqual([was, job.profileId]);
  if (step === "remove" || step === "unlease") expect(is).toBeUndefined();
  if (["login", "relogin", "undo", "renewal"].includes(step) && !isUnknown)
    expect(crash.world.issuer.standing(String(is?.["refresh"]))).toBe("live");
  if (step === "renewal" && !isUnknown) {
    expect(is?.["refresh"]).not.toBe(was?.["refresh"]);
    expect(now.order).toEqual(before.order);
  }
  if (step === "lease") expect(is).toMatchObject({ type: "token", email: "pool@example.com" });
  // What did not stay in the store is kept, once.
  expect(await crash.parked.list()).toHaveLength(step === "rollback" || step === "remove" ? 1 : 0);
  return receipt;
}

/** No refresh token went to the sign-in server twice, and each that is still held is the last of its family, or known not to be. */
export async function assertTokens(crash: CrashWorld): Promise<void> {
  const { issuer } = crash.world;
  const presented = issuer.presentations().map((one) => one.fingerprint);
  expect(new Set(presented).size).toBe(presented.length);
  const held = await crash.refreshTokens();
  expect(new Set(held).size).toBe(held.length);
  for (const token of held) {
    const isNoted = (await crash.rotations.get(fingerprint(token)))?.phase === "sent";
    if (!isNoted) expect(["live", "unknown"]).toContain(issuer.standing(token));
  }
}

function assertOthers(now: Standing, before: Standing, profileId: string): void {
  const others = ({ profiles }: Standing): string =>
    JSON.stringify(Object.entries(profiles).filter(([id]) => id !== profileId));
  expect(others(now)).toBe(others(before));
  expect(now.rest).toBe(before.rest);
}

/** Nothing that was half done is left, no lock stands in OpenClaw's way, and the gateway has what the store has. */
async function assertTidy(crash: CrashWorld, profileId: string): Promise<void> {
  const { world, paths, queue } = crash;
  expect(await queue.open()).toEqual([]);
  expect(readdirSync(join(paths.queue, "secrets"))).toEqual([]);
  const folder = dirname(world.storePath);
  for (const path of [world.storePath, refreshLockTarget(world.stateDir, profileId)]) assertNoLockInTheWay(path);
  expect(readdirSync(folder).filter((name) => !/^auth-(profiles|state)\.json$/.test(name))).toEqual([]);
  const half = readdirSync(dirname(paths.queue), { recursive: true }).filter((name) => String(name).endsWith(".tmp"));
  expect(half).toEqual([]);
  const { profiles, order } = crash.standing();
  for (const id of order ?? []) expect(Object.keys(profiles)).toContain(id);
  await crash.gatewayIsBack();
  const used = await world.usedProfile();
  const access = profiles[used?.profileId ?? ""]?.["access"] ?? profiles[used?.profileId ?? ""]?.["token"];
  expect(used?.access).toBe(fingerprint(String(access)));
}

/** A lock of one that was killed may lie there if nothing had to be written since: it names a dead process, so OpenClaw takes it. */
function assertNoLockInTheWay(path: string): void {
  const lock = `${path}.lock`;
  if (!existsSync(lock)) return;
  const { pid } = JSON.parse(readFileSync(lock, "utf8")) as { pid: number };
  expect(isAlive(pid), "the holder of the lock").toBe(false);
  rmSync(lock);
}

/** The receipt of an ended job, which says what the store holds; the chat has it. */
async function assertReceipt(crash: CrashWorld, job: Job): Promise<Receipt> {
  const receipt = await crash.receipts.get(job.id);
  if (receipt === undefined) throw new Error(`no receipt of ${job.kind}`);
  expect((await crash.queue.get(job.id))?.state).toBe(receipt.outcome);
  const entry = crash.standing().profiles[job.profileId];
  for (const file of receipt.files) {
    if (file.path !== crash.world.storePath) continue;
    const stands = entry === undefined ? null : fingerprintJson(entry);
    expect(stands, "what the receipt says of the store").toBe(receipt.outcome === "done" ? file.after : file.before);
  }
  // Told once, however often the job was ended; who is asked for nothing is told nothing.
  const answers = job.requestedBy === undefined ? 0 : 1;
  const patience = { timeout: 30_000, interval: 5 };
  await expect.poll(() => crash.told.get(job.id) ?? 0, patience).toBe(answers);
  // The chat, which is this process, notes that it was told, and is done with it. Its list is silent of what was shown before that note
  // is on the disk: whoever went by the list found the note half written (once, with both processors busy; always with a slow disk).
  await expect.poll(() => recordNames(crash.paths.outbox), patience).toEqual([]);
  return receipt;
}
