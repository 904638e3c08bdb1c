// `/lease` in the demo: what a person can do there by typing and pressing, and that the scripted one would notice a lease that fails.

import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { BROKER } from "../../../src/config/defaults.ts";
import { playDemo, type ShownReply } from "../../../src/hosts/demo/scripted.ts";
import { Transcript } from "../../../src/hosts/demo/transcript.ts";
import { fingerprint } from "../../../src/secrets/fingerprint.ts";
import { openDemo, talk } from "./person.ts";

const LEASED = "openai-codex:lease";

describe("`/lease` in the interactive demo", { timeout: 120_000 }, () => {
  it("acquires, writes the leased login out, renews, rotates and releases, by typing and by pressing", async () => {
    const demo = await openDemo();
    const { broker } = demo.world;
    const own = await demo.world.usedProfile();
    const expectUsed = async (label: string): Promise<void> => {
      const used = await demo.world.usedProfile();
      expect(used).toMatchObject({ profileId: LEASED, type: "token", email: `${label}@example.invalid` });
      expect(used?.access).toBe(fingerprint(broker.tokens(label).accessToken));
    };
    const printed = await talk(demo, [
      { type: "/lease" },
      { choose: "Acquire" },
      { look: () => expectUsed("alpha") },
      { choose: "Show the lease" },
      { choose: "Renew" },
      { choose: "Auto rotate on" },
      { choose: "Rotate…" },
      { choose: "Rotate" },
      { look: () => expectUsed("bravo") },
      { type: "/lease materialize" },
      { look: () => expectUsed("bravo") },
      { type: "/lease release" },
      { choose: "Release" },
    ]);

    expect(printed).toContain("Lease of demo / openclaw\nNo lease now.");
    expect(printed).toContain("The leased login, as lease, is saved.");
    expect(printed).toContain("Auto renew on, auto rotate on");
    expect(printed).toContain("The leased login was removed from lease.");
    expect(printed).not.toContain("no command of mine");
    expect(printed).not.toContain("⚠️");
    expect(await demo.world.usedProfile()).toEqual(own);
    expect((await demo.parts.store.read("main")).summaries.map(({ id }) => id)).not.toContain(LEASED);
    expect(broker.leases().map(({ machineId, state }) => `${machineId}: ${state}`)).toEqual([
      "demo: released",
      "demo: released",
    ]);
  });

  it("has every answer shown when the person is asked again, also the end of the job that stores the tokens", async () => {
    const shown: ShownReply[] = [];
    const demo = await openDemo(shown);
    await demo.session.take({ kind: "text", text: "/lease reacquire" });
    expect(await demo.parts.engine.queue.open()).toEqual([]);
    expect(demo.session.told.map(({ kind, outcome }) => ({ kind, outcome }))).toEqual([
      { kind: "save-lease", outcome: "done" },
    ]);
    expect(shown.at(-1)?.reply.lines[0]?.[0]).toBe("✅ ");
  });

  it("ends at once while the broker gives no answer", async () => {
    const demo = await openDemo();
    const { broker, folder } = demo.world;
    broker.faults.next({ kind: "hang" }, { times: 9 });
    const talking = demo.session.take({ kind: "text", text: "/lease reacquire" });
    await expect.poll(() => broker.faults.size, { timeout: 15_000 }).toBe(8);
    const since = performance.now();
    await demo.stop();
    await talking;
    // An answer is waited for twice as long.
    expect(performance.now() - since).toBeLessThan(BROKER.headersTimeoutMs / 2);
    await demo.close();
    expect(existsSync(folder)).toBe(false);
  });
});

describe("the scripted demo", { timeout: 120_000 }, () => {
  it("fails where the broker has no login to lease", async () => {
    const shown: ShownReply[] = [];
    const demo = await openDemo(shown);
    for (const label of ["alpha", "bravo", "charlie", "delta"]) demo.world.broker.revoke(label);
    const lines: string[] = [];
    const out = new Transcript((line) => void lines.push(line));
    await playDemo(demo, shown, out, new AbortController().signal);
    expect(lines.filter((line) => line.includes("✘"))).toEqual([
      expect.stringContaining("the next model call uses the leased grace@example.com"),
      expect.stringContaining("given back to the broker"),
    ]);
    expect(out.failures).toBe(2);
  });
});
