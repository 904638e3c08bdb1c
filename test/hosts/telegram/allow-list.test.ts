// The allow-list while the bot runs: who is taken off it is not heard, told or served any more from that moment on.

import { describe, expect, it } from "vitest";
import { OWNER, PARTNER } from "./bot-lab.ts";
import { LoginLab } from "./login-lab.ts";

/** The bot's own messages to `personId`. */
function answers(lab: LoginLab, personId: number): readonly string[] {
  return lab.telegram
    .visible(personId)
    .filter(({ from }) => from !== personId)
    .map(({ text }) => text);
}

describe("somebody who is taken off the allow-list while the bot runs", () => {
  it("is met with silence from then on, presses included, and is heard again when they are back on it", async () => {
    const lab = await LoginLab.open();
    await lab.start();
    const owner = lab.telegram.person(OWNER);
    owner.sends("/codex_auth");
    const picker = await lab.telegram.shows(OWNER, /Codex logins/);
    expect(answers(lab, OWNER)).toHaveLength(1);

    lab.allowOnly(PARTNER);
    owner.sends("/codex_auth work");
    owner.presses(picker.messageId, "➕ New login");
    lab.telegram.person(PARTNER).sends("/codex_auth");
    await lab.telegram.shows(PARTNER, /Codex logins/);
    await expect.poll(() => lab.printed.join("\n")).toContain(`Ignored Telegram id ${OWNER}`);
    expect(answers(lab, OWNER)).toEqual([picker.text]);
    expect(lab.world.readStore().profiles["openai-codex:work"]).toBeUndefined();

    lab.allowOnly(PARTNER, OWNER);
    owner.sends("/codex_auth help");
    await lab.telegram.shows(OWNER, /finish <profile>/);
  });

  it("does not receive the answer to what they asked for before, and everybody else does theirs", async () => {
    const lab = await LoginLab.open();
    await lab.start();
    lab.telegram.person(OWNER).sends("hi");
    lab.telegram.person(PARTNER).sends("/codex_auth help");
    await lab.telegram.shows(PARTNER, /finish <profile>/);
    const tokens = { agentId: "main", profileId: "openai-codex:secret-project" } as const;
    await lab.script("start", "secret-project");
    await lab.telegram.shows(OWNER, /asks for a new sign-in of secret-project/);
    lab.allowOnly(PARTNER);
    await lab.world.outbox.put({
      id: "m-1",
      address: { host: "telegram", chatId: String(OWNER), personId: String(OWNER) },
      content: { kind: "invitation", ...tokens },
    });
    await expect.poll(() => lab.world.outbox.list("telegram")).toEqual([]);
    expect(answers(lab, OWNER).filter((text) => text.includes("secret-project"))).toHaveLength(1);
    expect(lab.logged.join("\n")).toContain("outbox.not-allowed");
  });

  it("between press and execution has their login kept apart, not saved; somebody still on the list may take it", async () => {
    const lab = await LoginLab.open();
    const owner = lab.telegram.person(OWNER);
    const bot = await lab.start();
    owner.sends(await lab.signIn("carol"));
    const question = await lab.telegram.shows(OWNER, /Signed in as carol/);
    lab.works = false;
    await owner.presses(question.messageId, "Save and use first").answer;
    await lab.telegram.shows(OWNER, /carol: queued/);
    await bot.stop();
    const before = lab.world.readStore();

    lab.allowOnly(PARTNER);
    lab.works = true;
    await lab.start();
    await expect.poll(() => lab.world.queue.open()).toEqual([]);
    expect(lab.world.readStore()).toEqual(before);
    expect(await lab.world.receipts.list()).toMatchObject([
      { outcome: "parked", profileId: "openai-codex:carol", problem: { code: "ERR_NOT_ALLOWED" } },
    ]);
    expect(await lab.world.parked.list()).toMatchObject([
      { profileId: "openai-codex:carol", problem: { code: "ERR_NOT_ALLOWED" } },
    ]);
    await expect.poll(() => lab.world.outbox.list("telegram")).toEqual([]);
    expect(answers(lab, OWNER).join("\n")).not.toContain("was not changed");

    const partner = lab.telegram.person(PARTNER);
    partner.sends("/codex_auth parked");
    await lab.telegram.shows(PARTNER, /Received logins that wait/);
    partner.sends("/codex_auth take 1 first");
    await lab.telegram.shows(PARTNER, /✅ carol is saved/);
    expect(lab.stored).toContain("openai-codex:carol");
  });
});
