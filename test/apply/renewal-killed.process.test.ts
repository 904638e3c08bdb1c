// Kills the executor, as a real process, before every single change of the disk of a renewal: no refresh token is presented twice, and
// none that came is lost.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import PQueue from "p-queue";
import { describe, expect, it } from "vitest";
import { refreshLockTarget } from "../../src/profiles/json-hold.ts";
import { assertBlocksNobody } from "../support/dead-lock.ts";
import { ALICE, renewalWorld } from "../support/renewal-world.ts";

const PEER = fileURLToPath(new URL("../support/executor-peer.mjs", import.meta.url));

type World = Awaited<ReturnType<typeof prepare>>;

describe("a renewal whose executor is killed", () => {
  it("presents no token twice and loses none that came, from every point", { timeout: 600_000 }, async () => {
    const whole = await prepare();
    const changes = Number((await run(whole.stateDir, 0)).output);
    expect(changes).toBeGreaterThan(30);
    expect(await outcome(whole)).toBe("renewed");
    const outcomes: string[] = [];
    const lane = new PQueue({ concurrency: 2 });
    await lane.addAll(
      Array.from({ length: changes }, (_, index) => index).map((index) => async () => {
        const world = await prepare();
        expect((await run(world.stateDir, index + 1)).signal, `point ${index + 1}`).toBe("SIGKILL");
        const lock = join(world.paths.queue, "executor.json.lock");
        if (existsSync(lock)) utimesSync(lock, 0, 0);
        expect((await run(world.stateDir, 0)).code, `point ${index + 1}`).toBe(0);
        outcomes[index] = await outcome(world).catch((error: unknown) => {
          throw new Error(`point ${index + 1}`, { cause: error });
        });
      }),
    );
    // Only while an answer is waited for can a kill cost it: from the note that the token may have left to the tokens' own file.
    const lost = outcomes.flatMap((one, index) => (one === "unknown" ? [index] : []));
    expect(lost.length).toBeGreaterThan(0);
    expect((lost.at(-1) ?? 0) - (lost[0] ?? 0)).toBe(lost.length - 1);
    expect(lost.length).toBeLessThanOrEqual(4);
    expect(new Set(outcomes)).toEqual(new Set(["renewed", "unknown"]));
  });
});

async function prepare() {
  const world = await renewalWorld();
  const stateDir = join(world.folder, ".openclaw");
  writeFileSync(join(stateDir, "gateway-plan.json"), JSON.stringify({ issuer: world.sandbox.origin }));
  writeFileSync(join(stateDir, "gateway-snapshot.json"), readFileSync(world.storePath));
  const before = world.readStore();
  const job = await world.renew();
  return { ...world, stateDir, before, job };
}

/** How it ended; what holds for every end is checked. */
async function outcome(world: World): Promise<"renewed" | "unknown"> {
  expect(Math.max(...world.timesPresented())).toBe(1);
  expect(await world.queue.open()).toEqual([]);
  expect(readdirSync(join(world.paths.queue, "secrets"))).toEqual([]);
  expect(await world.outbox.list("telegram")).toHaveLength(1);
  expect(await world.parked.list()).toEqual([]);
  for (const path of [world.storePath, refreshLockTarget(world.stateDir, ALICE)]) assertBlocksNobody(path);
  const snapshot = readFileSync(join(world.stateDir, "gateway-snapshot.json"), "utf8");
  expect(snapshot).toBe(readFileSync(world.storePath, "utf8"));
  const { profiles, ...rest } = world.readStore();
  const { profiles: earlier, ...others } = world.before;
  expect({ ...rest, profiles: { ...profiles, [ALICE]: null } }).toEqual({
    ...others,
    profiles: { ...earlier, [ALICE]: null },
  });
  const receipt = await world.receipts.get(world.job.id);
  const isLive = world.sandbox.standing(String(profiles[ALICE]?.["refresh"])) === "live";
  if (receipt?.outcome === "done") {
    expect(isLive).toBe(true);
    expect(profiles[ALICE]?.["refresh"]).not.toBe(world.login.refresh.expose());
    return "renewed";
  }
  expect(receipt).toMatchObject({ outcome: "failed", problem: { code: "ERR_RENEWAL_UNKNOWN" } });
  expect(profiles[ALICE]).toEqual(earlier[ALICE]);
  return "unknown";
}

async function run(
  stateDir: string,
  point: number,
): Promise<{ code: number | null; signal: string | null; output: string }> {
  const child = spawn(process.execPath, [PEER, stateDir, String(point)], { stdio: ["ignore", "pipe", "inherit"] });
  const [output, [code, signal]] = await Promise.all([
    text(child.stdout),
    once(child, "exit") as Promise<[number | null, string | null]>,
  ]);
  return { code, signal, output };
}
