// The same with real processes: executors that are killed before any change of the disk, and two of them at once.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { enqueueChange } from "../support/change-jobs.ts";
import { assertNoneLost, assertNoneTwice, newLogin, takeBack } from "../support/renewal-steps.ts";
import { ALICE, renewalWorld } from "../support/renewal-world.ts";

const PEER = fileURLToPath(new URL("../support/executor-peer.mjs", import.meta.url));

const step = fc.oneof(
  { weight: 4, arbitrary: fc.constant({ kind: "renew" } as const) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("killed" as const), point: fc.integer({ min: 1, max: 60 }) }) },
  { weight: 1, arbitrary: fc.constant({ kind: "two at once" } as const) },
  { weight: 1, arbitrary: fc.constant({ kind: "answer lost" } as const) },
  { weight: 1, arbitrary: fc.constant({ kind: "sign in" } as const) },
  { weight: 1, arbitrary: fc.constantFrom({ kind: "remove" } as const, { kind: "take back" } as const) },
);

describe("a sequence of renewals, sign-ins, removals, undos and killed executors", () => {
  it("presents no refresh token twice, and keeps every one that came", { timeout: 600_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 8 }), async (steps) => {
        const w = await renewalWorld();
        const stateDir = join(w.folder, ".openclaw");
        writeFileSync(join(stateDir, "gateway-plan.json"), JSON.stringify({ issuer: w.sandbox.origin }));
        writeFileSync(join(stateDir, "gateway-snapshot.json"), readFileSync(w.storePath));
        for (const one of steps) {
          switch (one.kind) {
            case "renew":
              await w.renew();
              break;
            case "killed":
              await run(stateDir, w.paths.queue, one.point);
              break;
            case "two at once":
              await Promise.all([run(stateDir, w.paths.queue, 0), run(stateDir, w.paths.queue, 0)]);
              break;
            case "answer lost":
              w.sandbox.faults.next({ kind: "drop-after-process" });
              break;
            case "sign in":
              await newLogin(w);
              break;
            case "remove":
              await enqueueChange(w, "remove-profile", {}, { profileId: ALICE });
              break;
            case "take back":
              await takeBack(w);
              break;
          }
        }
        await run(stateDir, w.paths.queue, 0);
        assertNoneTwice(w);
        await assertNoneLost(w);
        expect(await w.queue.open()).toEqual([]);
      }),
      { numRuns: 12 },
    );
  });
});

/** Runs one executor to its end, or to the change of the disk before which it dies. */
async function run(stateDir: string, queue: string, point: number): Promise<void> {
  const child = spawn(process.execPath, [PEER, stateDir, String(point)], { stdio: "ignore" });
  await once(child, "exit");
  // The lock of a dead one is stale after a while; the clock of its folder is put back instead of waiting.
  const lock = join(queue, "executor.json.lock");
  if (child.signalCode !== null && existsSync(lock)) utimesSync(lock, 0, 0);
}
