// One step on a database: given up before it began, and the time that its hooks are given.

import { describe, expect, it } from "vitest";
import { OPENCLAW_LOCK } from "../../src/config/defaults.ts";
import type { OpenClawLockHold } from "../../src/storage/openclaw-lock.ts";
import { only, openClawInside } from "../support/openclaw-inside.ts";
import { login, sealedLogin, valueFor } from "../support/openclaw-state.ts";

const WORK = "openai:work";

async function planned() {
  const inside = await openClawInside("sqlite");
  await inside.put("shared", { profiles: { [WORK]: { ...login("ada"), provider: "openai" } } });
  const plan = await inside.store.plan({ profileId: WORK, provider: "openai", credential: sealedLogin("ada") });
  return { inside, file: only(plan), values: valueFor(plan.values, only(plan)) };
}

describe("a step on a database", () => {
  it("that was given up before writes nothing and asks nobody", async () => {
    const { inside, file, values } = await planned();
    const before = await inside.get("shared");
    let asked = 0;
    const ask = async (): Promise<void> => void (asked += 1);
    const step = inside.store.apply(file, values, { signal: AbortSignal.abort(), beforeWrite: ask, whileLocked: ask });
    await expect(step).rejects.toMatchObject({ code: "ERR_CANCELLED" });
    expect(asked).toBe(0);
    expect(await inside.get("shared")).toEqual(before);
  });

  it("that was not given up is done, and its hook has the time of a write", async () => {
    const { inside, file, values } = await planned();
    const holds: OpenClawLockHold[] = [];
    const { signal } = new AbortController();
    const options = { signal, whileLocked: async (hold: OpenClawLockHold) => void holds.push(hold) };
    expect(await inside.store.apply(file, values, options)).toEqual({ outcome: "written", written: [file.path] });
    expect(holds).toHaveLength(1);
    expect(holds[0]?.lockPath).toBe("openclaw:shared");
    // The clock of this OpenClaw stands still.
    expect(holds[0]?.remainingMs()).toBe(OPENCLAW_LOCK.maxHoldMs);
    expect(() => holds[0]?.assertStillOurs()).not.toThrow();
  });
});
