// What the card of a profile offers and claims: nothing that would do nothing, and nothing that cannot be told.

import { describe, expect, it } from "vitest";
import { MINUTE } from "../../src/config/defaults.ts";
import { changeLab } from "./change-lab.ts";

const WORK = "openai-codex:work";

describe("the card of a profile", () => {
  it("offers *Reset* only where OpenClaw holds something against it, a cooldown or a failure", async () => {
    const lab = await changeLab();
    const labels = (): readonly string[] => (lab.out.lastReply.buttons ?? []).flat().map(({ label }) => label);
    await lab.say("show work");
    expect(labels()).not.toContain("Reset");
    for (const stats of [{ errorCount: 2 }, { cooldownUntil: lab.clock.now + MINUTE }]) {
      const usageStats = { [WORK]: { lastUsed: 1, ...stats } };
      lab.writeState("agents/main/agent/auth-profiles.json", { ...lab.readStore(), usageStats });
      await lab.say("show work");
      expect(labels()).toContain("Reset");
    }
    await lab.say("show home");
    expect(labels()).not.toContain("Reset");
    expect(await lab.say("reset home")).toContain("holds nothing against it");
  });

  it("says that it cannot be told which chats are bound, rather than that none is", async () => {
    for (const [pins, words] of [
      [async () => undefined, "Chats: it cannot be told which of them are bound to a profile"],
      [async () => [], "Chats: none is bound to a profile"],
    ] as const) {
      const lab = await changeLab({ pins });
      expect(await lab.say("show work")).toContain(words);
      expect(await lab.say("use work")).not.toContain("bound to");
    }
  });
});
