// In which order all locks of a renewal are taken, what is told while one is waited for, and what is left where they are not got.

import { createHash } from "node:crypto";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { AgentPlace } from "../../src/profiles/agents.ts";
import { holdAll, refreshLockTarget, type HoldPlan } from "../../src/profiles/json-hold.ts";
import type { HoldOptions } from "../../src/profiles/store.ts";
import { withOpenClawLock } from "../../src/storage/openclaw-lock.ts";
import { temporaryFolder } from "../support/temp-folder.ts";

const ID = "openai-codex:a";

interface Lab {
  readonly plan: HoldPlan;
  readonly refresh: string;
  store(agentId: string): string;
  /** Of `refresh`, `abe`, `main` and `zoe`, whose locks there are now. */
  held(): readonly string[];
}

async function lab(): Promise<Lab> {
  const stateDir = await temporaryFolder();
  const store = (agentId: string): string => join(stateDir, agentId, "auth-profiles.json");
  const place = (agentId: string): AgentPlace => {
    const agentDir = join(stateDir, agentId);
    mkdirSync(agentDir);
    const statePath = join(agentDir, "auth-state.json");
    return { agentId, agentIds: [agentId], agentDir, storePath: store(agentId), statePath, isMain: agentId === "main" };
  };
  const refresh = refreshLockTarget(stateDir, ID);
  const names = ["refresh", "abe", "main", "zoe"];
  return {
    plan: { profileId: ID, stateDir, stores: [place("main"), place("zoe"), place("abe")] },
    refresh,
    store,
    held: () => names.filter((name) => existsSync(`${name === "refresh" ? refresh : store(name)}.lock`)),
  };
}

describe("the refresh lock of a profile", () => {
  it("lies where OpenClaw looks for it, by the provider and the id, apart from that of any other profile", () => {
    const name = createHash("sha256").update(`openai-codex\0${ID}`).digest("hex");
    expect(refreshLockTarget("/state", ID)).toBe(join("/state", "locks", "oauth-refresh", `sha256-${name}`));
    expect(refreshLockTarget("/state", `${ID}b`)).not.toBe(refreshLockTarget("/state", ID));
  });
});

describe("the locks of a renewal", () => {
  it.each([
    ["refresh", []],
    ["abe", ["refresh"]],
    ["main", ["refresh", "abe"]],
    ["zoe", ["refresh", "abe", "main"]],
  ] as const)(
    "are taken refresh lock first and then by name: behind %s none is taken before it is",
    async (name, before) => {
      const { plan, refresh, store, held } = await lab();
      const seen: (readonly string[])[] = [];
      const told: unknown[] = [];
      let isRun = false;
      mkFolder(refresh);
      await withOpenClawLock(name === "refresh" ? refresh : store(name), async () => {
        const controller = new AbortController();
        const onWait: HoldOptions["onWait"] = (wait) => {
          seen.push(held().filter((one) => one !== name));
          told.push(wait);
          controller.abort();
        };
        const waiting = holdAll(plan, async () => (isRun = true), { signal: controller.signal, onWait });
        await expect(waiting).rejects.toMatchObject({ code: "ERR_CANCELLED" });
        expect(held()).toEqual([name]);
      });
      expect(seen[0]).toEqual(before);
      expect(told[0]).toEqual({ holderPid: process.pid, waitedMs: expect.any(Number) as unknown });
      expect(isRun).toBe(false);
      expect(held()).toEqual([]);
    },
  );

  it("are all there for the body, given by the stores alone, and gone after it, also where it fails", async () => {
    const { plan, store, held } = await lab();
    const failure = new Error("body");
    const done = holdAll(
      plan,
      async (holds, hold) => {
        expect(held()).toEqual(["refresh", "abe", "main", "zoe"]);
        expect([...holds.keys()]).toEqual(["abe", "main", "zoe"].map(store));
        const least = Math.min(...[...holds.values()].map((one) => one.remainingMs()));
        expect(hold.remainingMs()).toBeLessThanOrEqual(least);
        throw failure;
      },
      {},
    );
    await expect(done).rejects.toBe(failure);
    expect(held()).toEqual([]);
  });

  it("are not taken where it was given up before, and the body is not run", async () => {
    const { plan, held } = await lab();
    let isRun = false;
    const signal = AbortSignal.abort();
    const done = holdAll(plan, async () => (isRun = true), { signal });
    await expect(done).rejects.toMatchObject({ code: "ERR_CANCELLED" });
    expect(isRun).toBe(false);
    expect(held()).toEqual([]);
  });

  it("are given up while one is waited for, without waiting to the end", async () => {
    const { plan, store, held } = await lab();
    const giveUp = new AbortController();
    await withOpenClawLock(store("main"), async () => {
      const options = { signal: giveUp.signal, onWait: () => giveUp.abort() };
      await expect(holdAll(plan, async () => "run", options)).rejects.toMatchObject({ code: "ERR_CANCELLED" });
      expect(held()).toEqual(["main"]);
    });
  });

  it("are the refresh lock alone where no agent has a store", async () => {
    const { plan, held } = await lab();
    const seen = await holdAll({ ...plan, stores: [] }, async (holds) => [holds.size, held()], {});
    expect(seen).toEqual([0, ["refresh"]]);
  });
});

/** The folder of the refresh lock is made by whoever takes it first. */
function mkFolder(path: string): void {
  mkdirSync(join(path, ".."), { recursive: true });
}
