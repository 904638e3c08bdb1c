import { describe, expect, it } from "vitest";
import { LEASE } from "../../src/config/defaults.ts";
import { CodexAuthError } from "../../src/errors.ts";
import { LeaseKeeper, type KeeperParts } from "../../src/lease/keeper.ts";
import { emptyRecord, type LeaseRecord } from "../../src/lease/sticky.ts";
import type { Log } from "../../src/secrets/log.ts";

const away = (): CodexAuthError =>
  new CodexAuthError("ERR_BROKER_UNREACHABLE", { message: "away", next: "wait", retryable: true });
const none = emptyRecord({ brokerUrl: "http://127.0.0.1:1", machineId: "m1", agentId: "openclaw" });
const held: LeaseRecord = {
  ...none,
  status: {
    leaseId: "lease_1",
    credentialId: "sub:alpha",
    machineId: "m1",
    agentId: "openclaw",
    state: "active",
    issuedAtMs: 0,
    expiresAtMs: 1,
    credentialState: "leased",
    rotationRecommended: false,
    replacementRequired: false,
    authRefreshRequired: false,
  },
};

interface Lab {
  readonly keeper: LeaseKeeper;
  readonly running: Promise<void>;
  readonly stop: AbortController;
  /** How long each wait was to be. */
  readonly waits: number[];
  readonly logged: string[];
  readonly forced: (boolean | undefined)[];
}

/** A keeper whose steps are `steps`, then all like the last one; `waited` may end a wait. */
function keep(
  steps: readonly (() => Promise<number>)[],
  parts: Partial<KeeperParts> & { readonly count: number },
): Lab {
  const stop = new AbortController();
  const waits: number[] = [];
  const logged: string[] = [];
  const forced: (boolean | undefined)[] = [];
  const note = (event: string): void => void logged.push(event);
  const log: Log = { info: note, warn: note, error: note };
  let taken = 0;
  const keeper = new LeaseKeeper({
    step: async ({ isForced }) => {
      forced.push(isForced);
      const step = steps[Math.min(taken, steps.length - 1)];
      taken += 1;
      return step === undefined ? 0 : step();
    },
    record: async () => none,
    settings: { refreshIntervalMs: 60_000 },
    random: () => 1,
    sleep: async (ms) => {
      waits.push(ms);
      if (taken >= parts.count) stop.abort();
    },
    log,
    ...parts,
  });
  return { keeper, running: keeper.run(stop.signal), stop, waits, logged, forced };
}

async function fail(): Promise<number> {
  throw away();
}

describe("the keeper", () => {
  it("takes a step, waits until the next one is due, and ends when it is told to", async () => {
    const lab = keep([async () => 1_000, async () => 2_000], { count: 3 });
    await lab.running;
    expect(lab.waits).toEqual([1_000, 2_000, 2_000]);
  });

  it("outlives whatever a step throws, and waits longer after each failure", async () => {
    const lab = keep([fail], { count: 12 });
    await lab.running;
    expect(lab.waits).toHaveLength(12);
    expect(lab.waits[0]).toBe(LEASE.backoffMinMs);
    expect(lab.waits.every((wait, index) => index === 0 || wait >= (lab.waits[index - 1] ?? 0))).toBe(true);
    expect(lab.waits.at(-1)).toBe(LEASE.backoffMaxMs);
    // One line for the same failure of a whole night.
    expect(lab.logged).toEqual(["lease.step"]);
  });

  it("tries within the heartbeat while it holds a lease", async () => {
    const lab = keep([async () => Promise.reject(new TypeError("a defect of ours"))], {
      count: 12,
      record: async () => held,
    });
    await lab.running;
    expect(Math.max(...lab.waits)).toBe(60_000);
  });

  it("begins anew with short waits after a step that went well", async () => {
    const lab = keep([fail, fail, fail, async () => 500, fail], { count: 5 });
    await lab.running;
    expect(lab.waits[4]).toBe(LEASE.backoffMinMs);
    expect(lab.logged).toContain("lease.recovered");
  });

  it("looks again at once where it is asked to during a step or a wait, and says so to the step", async () => {
    const stop = new AbortController();
    let steps = 0;
    const forced: (boolean | undefined)[] = [];
    const keeper: LeaseKeeper = new LeaseKeeper({
      step: async ({ isForced }) => {
        forced.push(isForced);
        steps += 1;
        if (steps === 1) keeper.lookNow();
        return 3_600_000;
      },
      record: async () => none,
      settings: { refreshIntervalMs: 60_000 },
      random: () => 1,
      // A wait that only a signal ends.
      sleep: (_ms, signal) =>
        new Promise((resolve) => {
          signal.addEventListener("abort", () => resolve());
          if (steps === 2) keeper.lookNow();
          else stop.abort();
        }),
      log: { info: () => undefined, warn: () => undefined, error: () => undefined },
    });
    await keeper.run(stop.signal);
    expect(forced).toEqual([false, true, true]);
  });

  it("lets the step under way end when it is told to stop: its answer may be a lease that nobody else knows of", async () => {
    const stop = new AbortController();
    let isAborted: boolean | undefined;
    const keeper = new LeaseKeeper({
      step: async ({ signal }) => {
        stop.abort();
        await Promise.resolve();
        isAborted = signal?.aborted;
        return 1;
      },
      record: async () => none,
      settings: { refreshIntervalMs: 60_000 },
      random: () => 1,
      sleep: async () => undefined,
      log: { info: () => undefined, warn: () => undefined, error: () => undefined },
    });
    await keeper.run(stop.signal);
    expect(isAborted).toBe(false);
  });

  it("does what is to be done at the end once, and a failure of that is no failure of the host", async () => {
    let ends = 0;
    const lab = keep([async () => 1], {
      count: 1,
      onStop: async () => {
        ends += 1;
        throw away();
      },
    });
    await expect(lab.running).resolves.toBeUndefined();
    expect(ends).toBe(1);
    expect(lab.logged).toEqual(["lease.stop"]);
  });
});
