// What a person is asked to confirm was read from the files themselves: what an earlier look found is for showing only.

import { describe, expect, it, vi } from "vitest";
import { changeLab } from "./change-lab.ts";
import { park } from "./park-lab.ts";
import { alice } from "./chat-lab.ts";

async function asked() {
  const lab = await changeLab();
  const read = vi.spyOn(lab.services.store, "read");
  /** Of each look at the stores by `body`, whether it was at what is there now. */
  const anew = async (body: () => Promise<unknown>): Promise<readonly boolean[]> => {
    read.mockClear();
    await body();
    return read.mock.calls.map(([, how]) => how?.anew === true);
  };
  return { lab, anew };
}

describe("a question", () => {
  it("whether a login may be saved compares it with what is there now", async () => {
    const { lab, anew } = await asked();
    await park(lab, "work", alice);
    await lab.say("parked");
    expect(new Set(await anew(() => lab.say("take 1")))).toEqual(new Set([true]));
  });

  it("whether a change may be made shows what is there now, and so does one that takes it back", async () => {
    const { lab, anew } = await asked();
    // Which profile is meant is found in a list before.
    expect(await anew(() => lab.say("use work"))).toContain(true);
    await lab.press("Use it first");
    await lab.drain();
    const [receipt] = await lab.receipts.list(1);
    expect(await anew(() => lab.say(`rollback ${receipt?.id}`))).toContain(true);
  });

  it("is no list: that may show what was seen before", async () => {
    const { lab, anew } = await asked();
    expect(await anew(() => lab.say(""))).toEqual([false]);
  });
});
