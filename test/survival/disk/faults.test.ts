// A disk that fails at any operation of a job: nothing is lost, the error says what it was, and once the disk is well again so is everything.

import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import type { Job } from "../../../src/apply/job.ts";
import { isCodexAuthError } from "../../../src/errors.ts";
import { waitForDiskInPlace } from "../../../src/storage/fsync.ts";
import { applyWorld, receivedTokens } from "../../support/apply-world.ts";
import { enqueueChange } from "../../support/change-jobs.ts";
import { enqueueLeased, enqueueRemoval, leased } from "../../support/lease-jobs.ts";
import { temporaryFolder } from "../../support/temp-folder.ts";
import { DiskFaults, type DiskFault } from "../lab/disk-faults.ts";
import { seed, tellFigure, times } from "../lab/run.ts";

type World = ReturnType<typeof applyWorld>;
type Kind = "login" | "renewal" | "switch" | "remove" | "rollback" | "lease" | "end of a lease";

const STRIDE = Math.max(1, Math.round(100 / times(100)));

/** Codes that tell a person of their disk, or that it is to be tried again. */
const CLEAR = ["ERR_DISK_FULL", "ERR_FILE_UNWRITABLE", "ERR_FILE_UNREADABLE", "ERR_LOCK_LOST", "ERR_CANCELLED"];
const TARGETS: Readonly<Record<Kind, string>> = {
  login: "openai-codex:carol",
  renewal: "openai-codex:alice",
  switch: "openai-codex:bob",
  remove: "openai-codex:bob",
  rollback: "openai-codex:carol",
  lease: "openai-codex:lease",
  "end of a lease": "openai-codex:lease",
};

interface Started {
  readonly world: World;
  readonly job: Job;
  readonly before: string;
  /** Refresh tokens that must be somewhere at every moment. */
  readonly precious: readonly string[];
}

async function start(kind: Kind, folder: string): Promise<Started> {
  const world = applyWorld(folder);
  const profileId = TARGETS[kind];
  const store = world.readStore();
  const order = { "openai-codex": ["openai-codex:alice", "openai-codex:bob"] };
  const lease = { type: "token", provider: "openai-codex", token: "t", expires: 1e13 };
  const profiles = kind === "end of a lease" ? { ...store.profiles, [profileId]: lease } : store.profiles;
  writeFileSync(world.storePath, JSON.stringify({ ...store, profiles, order }));
  const before = readFileSync(world.storePath, "utf8");
  const precious = Object.values(profiles).map((entry) => (entry as { refresh?: string }).refresh ?? "");
  if (kind === "rollback") world.gateway.reloadFails = Number.POSITIVE_INFINITY;
  let job: Job;
  if (kind === "switch") job = await enqueueChange(world, "order", { how: "first" }, { profileId });
  else if (kind === "remove") job = await enqueueChange(world, "remove-profile", {}, { profileId });
  else if (kind === "lease") job = await enqueueLeased(world, leased("pool"));
  else if (kind === "end of a lease") job = await enqueueRemoval(world);
  else {
    const tokens = receivedTokens(kind === "renewal" ? "alice" : "carol");
    // The one that a renewal replaces may go; what came instead may not.
    const kept =
      kind === "renewal" ? precious.filter((token) => token !== store.profiles[profileId]?.["refresh"]) : precious;
    job = await world.enqueue(tokens, { profileId, ...(kind === "rollback" ? { activation: "reload" } : {}) });
    return { world, job, before, precious: [...kept, tokens.refresh.expose()].filter((token) => token !== "") };
  }
  return { world, job, before, precious: precious.filter((token) => token !== "") };
}

/** Every text below the state folder: a token that is in none of them is lost. */
function everything(folder: string): string {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true });
  return names
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), "utf8"))
    .join("\n");
}

function assertNothingLost({ world, before, precious }: Started, kind: Kind): void {
  const all = everything(dirname(world.paths.root));
  for (const token of precious) expect(all.includes(token), "a refresh token is still somewhere").toBe(true);
  const others = (text: string): string => {
    const { profiles, order: _order, ...rest } = JSON.parse(text) as { profiles: object; order?: object };
    return JSON.stringify([Object.entries(profiles).filter(([id]) => id !== TARGETS[kind]), rest]);
  };
  expect(others(readFileSync(world.storePath, "utf8"))).toBe(others(before));
}

async function tryToDrain(world: World): Promise<string | undefined> {
  try {
    await world.drain();
    return undefined;
  } catch (error) {
    expect(isCodexAuthError(error), String(error)).toBe(true);
    return (error as { code: string }).code;
  }
}

/** The process of a lock that could not be removed ends: then anybody takes it over. */
function endOfProcess({ storePath }: World): void {
  const lock = `${storePath}.lock`;
  if (existsSync(lock) && readFileSync(lock, "utf8").includes(`"pid": ${process.pid},`)) rmSync(lock);
}

async function assertWellAgain(started: Started, kind: Kind): Promise<void> {
  const { world, job } = started;
  endOfProcess(world);
  await world.drain();
  expect(await world.queue.open()).toEqual([]);
  const receipt = await world.receipts.get(job.id);
  expect(receipt).toBeDefined();
  if (receipt?.outcome !== "done" && kind !== "rollback") {
    expect(CLEAR).toContain(receipt?.problem?.code);
    // What was given up is asked for again: a login is parked for that.
    const [parked] = await world.parked.list();
    if (kind === "login" || kind === "renewal") {
      const again = {
        agentId: "main",
        profileId: TARGETS[kind],
        makeFirst: true,
        activation: "auto",
        requestedBy: job.requestedBy,
      };
      await world.queue.enqueueLogin({ ...again, parkedId: parked?.id ?? "" } as never);
    } else if (kind === "switch") await enqueueChange(world, "order", { how: "first" }, { profileId: TARGETS[kind] });
    else if (kind === "remove") await enqueueChange(world, "remove-profile", {}, { profileId: TARGETS[kind] });
    else if (kind === "lease") await enqueueLeased(world, leased("pool"));
    else await enqueueRemoval(world);
    await world.drain();
  }
  assertNothingLost(started, kind);
  const store = world.readStore();
  const entry = store.profiles[TARGETS[kind]];
  // Where even the way back failed, the receipt says that the login is in the store, and why.
  if (kind === "rollback" && receipt?.outcome === "done") expect(receipt.problem).toBeDefined();
  else if (kind === "remove" || kind === "end of a lease" || kind === "rollback") expect(entry).toBeUndefined();
  else expect([entry === undefined, store.order?.["openai-codex"]?.[0]]).toEqual([false, TARGETS[kind]]);
  const half = everythingNamed(dirname(world.paths.root)).filter((name) => /\.(tmp|stale|lock)$/.test(name));
  expect(half).toEqual([]);
  expect(readdirSync(join(world.paths.queue, "secrets"))).toEqual([]);
}

function everythingNamed(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true }).map(String);
}

describe("a disk that fails", () => {
  it.each<Kind>(["login", "renewal", "switch", "remove", "rollback", "lease", "end of a lease"])(
    "at any operation of a %s loses nothing, says so, and a later try succeeds",
    async (kind) => {
      const folder = await temporaryFolder();
      const disk = new DiskFaults(folder);
      // As in the worker.
      onTestFinished(waitForDiskInPlace());
      let number = 0;
      let cases = 0;
      const codes = new Set<string>();
      const variants: readonly (readonly [DiskFault, boolean])[] = [
        ["ENOSPC", false],
        ["ENOSPC", true],
        ["short", false],
        ["EROFS", true],
        ["EACCES", false],
        ["EIO", false],
      ];
      for (const [fault, lasts] of variants) {
        // With a smaller `SURVIVAL_SCALE` each run visits another share of the operations.
        for (let at = 1 + (seed % STRIDE); ; at += STRIDE) {
          const home = join(folder, String((number += 1)));
          mkdirSync(home);
          const started = await start(kind, home);
          disk.arm(fault, at, lasts);
          const code = await tryToDrain(started.world);
          const { hits } = disk.disarm();
          try {
            if (code !== undefined) {
              codes.add(code);
              expect(CLEAR).toContain(code);
            }
            assertNothingLost(started, kind);
            await assertWellAgain(started, kind);
          } catch (error) {
            const where = `${fault}${lasts ? " (lasting)" : ""} at operation ${at}, ${String(code)}`;
            throw new Error(`${where}: ${String(error)}`, { cause: error });
          }
          rmSync(home, { recursive: true });
          if (hits === 0) break;
          cases += 1;
        }
      }
      expect(cases).toBeGreaterThan(40 / STRIDE);
      tellFigure(`disk, ${kind}`, cases, "disk faults");
    },
  );
});
