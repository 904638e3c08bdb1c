import { mkdirSync, readFileSync, statSync, unlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { OPENCLAW_LOCK } from "../../src/config/defaults.ts";
import type { AgentPlace } from "../../src/profiles/agents.ts";
import { holdAll, refreshLockTarget } from "../../src/profiles/json-hold.ts";
import { withOpenClawLock } from "../../src/storage/openclaw-lock.ts";
import { temporaryFolder } from "../support/temp-folder.ts";

const ID = "openai-codex:a";

async function setUp() {
  const stateDir = await temporaryFolder();
  const place = (agentId: string): AgentPlace => {
    const agentDir = join(stateDir, agentId);
    mkdirSync(agentDir);
    const [storePath, statePath] = [join(agentDir, "auth-profiles.json"), join(agentDir, "auth-state.json")];
    return { agentId, agentIds: [agentId], agentDir, storePath, statePath, isMain: agentId === "main" };
  };
  const stores = [place("main"), place("helper")];
  const locks = [refreshLockTarget(stateDir, ID), ...stores.map(({ storePath }) => storePath)].map((p) => `${p}.lock`);
  return { stateDir, stores, locks, plan: { profileId: ID, stateDir, stores } };
}

describe("holdAll", () => {
  it("holds the refresh lock and every store's, for longer than a write and no longer than OpenClaw allows", async () => {
    const { plan, locks, stateDir } = await setUp();
    await holdAll(
      plan,
      async (holds, hold) => {
        for (const path of locks) expect(readFileSync(path, "utf8")).toContain(String(process.pid));
        expect([...holds.keys()].toSorted()).toEqual(plan.stores.map(({ storePath }) => storePath).toSorted());
        expect(hold.remainingMs()).toBeGreaterThan(OPENCLAW_LOCK.maxHoldMs);
        expect(hold.remainingMs()).toBeLessThan(30_000);
        for (const one of holds.values()) {
          const own = one.remainingMs();
          // Asked in this order: the clock goes on between the two.
          expect(hold.remainingMs()).toBeLessThanOrEqual(own);
        }
      },
      {},
    );
    for (const path of locks) expect(() => readFileSync(path)).toThrow("ENOENT");
    expect(statSync(dirname(refreshLockTarget(stateDir, ID))).mode & 0o777).toBe(0o700);
  });

  it("notices the loss of any one of them", async () => {
    for (const index of [0, 1, 2]) {
      const { plan, locks } = await setUp();
      const held = holdAll(
        plan,
        async (_holds, hold) => {
          hold.assertStillOurs();
          unlinkSync(locks[index] ?? "");
          expect(() => hold.assertStillOurs()).toThrow(expect.objectContaining({ code: "ERR_LOCK_LOST" }));
        },
        {},
      );
      await expect(held).rejects.toMatchObject({ code: "ERR_LOCK_LOST" });
    }
  });

  it("lets go of the refresh lock while it waits for a store: held for long, it would look stale", async () => {
    const { plan, locks } = await setUp();
    const [refresh = ""] = locks;
    const seen = new Set<string>();
    let isOver = false;
    const waits: number[] = [];
    const done = await withOpenClawLock(plan.stores[0]?.storePath ?? "", async () => {
      const held = holdAll(plan, () => Promise.resolve((isOver = true)), {
        onWait: ({ waitedMs }) => waits.push(waitedMs),
      });
      // Taken anew is another file: its content says when it was made.
      await expect
        .poll(
          () => {
            try {
              seen.add(readFileSync(refresh, "utf8"));
            } catch {
              // Let go just now.
            }
            return seen.size;
          },
          { timeout: 15_000, interval: 20 },
        )
        .toBeGreaterThan(1);
      expect(isOver).toBe(false);
      return { held };
    });
    expect(await done.held).toBe(true);
    expect(waits.length).toBeGreaterThan(1);
    expect(waits).toEqual(waits.toSorted((a, b) => a - b));
  });

  it("gives up in time, and does not try a body again that failed for want of another lock", async () => {
    const { plan } = await setUp();
    const waiting = withOpenClawLock(plan.stores[1]?.storePath ?? "", () =>
      holdAll(plan, () => Promise.resolve(), { waitMs: 200 }),
    );
    await expect(waiting).rejects.toMatchObject({ code: "ERR_LOCK_TIMEOUT" });
    let times = 0;
    const other = join(plan.stateDir, "other.json");
    const nested = withOpenClawLock(other, () =>
      holdAll(
        plan,
        () => {
          times += 1;
          return withOpenClawLock(other, () => Promise.resolve(), { waitMs: 50 });
        },
        {},
      ),
    );
    await expect(nested).rejects.toMatchObject({ code: "ERR_LOCK_TIMEOUT" });
    expect(times).toBe(1);
  });
});
