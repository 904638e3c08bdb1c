// What the cards say of a login whose refresh token was presented before.

import { join } from "node:path";
import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { Rotations, type Rotation } from "../../src/apply/rotations.ts";
import { MINUTE, RENEWAL } from "../../src/config/defaults.ts";
import { fingerprint } from "../../src/secrets/fingerprint.ts";
import { temporaryFolder } from "../support/temp-folder.ts";
import { changeLab } from "./change-lab.ts";
import { alice, signedIn } from "./chat-lab.ts";

const STORED = "stored-refresh-of-alice";

async function doubtLab(token: string, phase: Rotation["phase"], agoMs = MINUTE) {
  const at = Date.UTC(2026, 10, 21, 12);
  const folder = join(await temporaryFolder(), "rotations");
  const about = { agentId: "main", profileId: "openai-codex:work", jobId: "job-1" };
  await new Rotations({ folder, now: () => at - agoMs }).note({ ...about, token: fingerprint(token), phase });
  const lab = await changeLab({ rotations: new Rotations({ folder, now: () => at }) });
  const labels = (): readonly string[] => (lab.out.lastReply.buttons ?? []).flat().map(({ label }) => label);
  return { ...lab, folder, labels };
}

describe("the card of a profile", () => {
  it.each([
    ["spent", "cannot be renewed any more"],
    ["dead", "cannot be renewed any more"],
    ["sent", "may not be renewable any more"],
  ] as const)("says what a token that is %s means, and offers no further renewal of it", async (phase, words) => {
    const lab = await doubtLab(STORED, phase);
    expect(await lab.say("show work")).toContain(words);
    expect(lab.labels()).not.toContain("Renew now");
    expect(lab.labels()).toContain("Sign in again");
    expect(await lab.say("show home")).not.toContain("renew");
    expect(lab.labels()).toContain("Renew now");
  });

  it.each([
    ["was not sent", "prepared", MINUTE],
    ["is on its way at this moment", "sent", RENEWAL.underWayMs],
  ] as const)("says nothing of a token that %s", async (_what, phase, agoMs) => {
    const lab = await doubtLab(STORED, phase, agoMs);
    expect(await lab.say("show work")).not.toContain("any more");
    expect(lab.labels()).toContain("Renew now");
  });

  it("is shown where the journal cannot be read", async () => {
    const lab = await changeLab({ rotations: { doubt: () => Promise.reject(new Error("the disk is gone")) } });
    expect(await lab.say("show work")).toContain("Stored: yes");
  });
});

describe("a waiting login whose renewal got no answer", () => {
  it("is not taken without its card, which says so", async () => {
    const login = signedIn(alice);
    const lab = await doubtLab("refresh-of-alice", "sent");
    const { tokens, ...facts } = login;
    const about = {
      agentId: "main",
      profileId: "openai-codex:work",
      reason: "removed",
      requestedBy: lab.asker,
    } as const;
    const { id } = await lab.parked.put({ ...facts, ...about, expiresAtMs: alice.expiresAtMs }, tokens);
    const before = await readFile(lab.storePath(), "utf8");
    expect(await lab.say(`take ${id}`)).toContain("may not be renewable any more");
    expect(await lab.queue.open()).toEqual([]);
    expect(await readFile(lab.storePath(), "utf8")).toBe(before);
    expect(lab.out.button("Save").typed).toBe(`/codex_auth take ${id} replace`);
    await lab.say(`take ${id} replace`);
    expect(await lab.queue.open()).toHaveLength(1);
  });
});
