// What the journal of renewals says of a token in each phase and at each moment.

import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Rotations, type Rotation } from "../../src/apply/rotations.ts";
import { RENEWAL } from "../../src/config/defaults.ts";
import { fingerprint } from "../../src/secrets/fingerprint.ts";
import { startNode } from "../support/child-process.ts";
import { temporaryFolder } from "../support/temp-folder.ts";

const TOKEN = fingerprint("rt_canary");
const about = (token: string) => ({ token, agentId: "main", profileId: "openai-codex:a", jobId: "job-1" });

async function journal() {
  const clock = { now: 1_000_000 };
  const folder = join(await temporaryFolder(), "rotations");
  return { clock, folder, rotations: new Rotations({ folder, now: () => clock.now }) };
}

describe("a token in the journal of renewals", () => {
  it("is neither barred nor doubted where it was never presented", async () => {
    const { rotations } = await journal();
    expect([await rotations.isBarred(TOKEN), await rotations.doubt(TOKEN)]).toEqual([false, undefined]);
  });

  it.each<[Rotation["phase"], boolean, string | undefined, boolean, string | undefined]>([
    ["prepared", false, undefined, false, undefined],
    ["sent", true, undefined, false, "unsure"],
    ["spent", true, "ended", true, "ended"],
    ["dead", true, "ended", true, "ended"],
  ])(
    "that is %s is barred: %s, doubted: %s; and later: %s, %s",
    async (phase, barred, doubt, laterBarred, laterDoubt) => {
      const { clock, rotations } = await journal();
      await rotations.note({ ...about(TOKEN), phase });
      for (const at of [0, RENEWAL.underWayMs, -RENEWAL.underWayMs]) {
        clock.now = 1_000_000 + at;
        expect([await rotations.isBarred(TOKEN), await rotations.doubt(TOKEN)]).toEqual([barred, doubt]);
      }
      // Also where the clock went back: a note of the future is not under way for ever.
      for (const at of [RENEWAL.underWayMs + 1, -RENEWAL.underWayMs - 1]) {
        clock.now = 1_000_000 + at;
        expect([await rotations.isBarred(TOKEN), await rotations.doubt(TOKEN)]).toEqual([laterBarred, laterDoubt]);
      }
    },
  );

  it("goes when there are too many, the oldest first, with what killed writers left", async () => {
    const { clock, folder, rotations } = await journal();
    await rotations.note({ ...about(TOKEN), phase: "spent" });
    const [name = ""] = readdirSync(folder);
    // Behind the oldest by their names, so that it is not the last one by accident.
    for (let index = 0; index < RENEWAL.journalKept; index += 1) {
      const token = `sha256:ff${index.toString(16).padStart(10, "0")}`;
      const note = { schemaVersion: 1, ...about(token), phase: "spent", at: clock.now + 1 + index };
      writeFileSync(join(folder, `${token.replace(":", "-")}.json`), JSON.stringify(note));
    }
    const ended = startNode("-e", ["0"]);
    await ended.exit;
    writeFileSync(join(folder, `.${name}.${ended.pid}-0123456789ab.tmp`), "half");
    expect(await rotations.prune()).toBe(1);
    expect(await rotations.get(TOKEN)).toBeUndefined();
    expect(readdirSync(folder)).toHaveLength(RENEWAL.journalKept);
  });
});
