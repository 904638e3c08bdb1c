// A login by device code through Telegram: the whole way, over restarts of the bot, and with nothing pasted.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { SECOND } from "../../../src/config/defaults.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { tree } from "../../support/tree.ts";
import { OWNER } from "./bot-lab.ts";
import { LoginLab } from "./login-lab.ts";

const INTERVAL = 5 * SECOND;

/** How often the issuer was asked whether the code was entered. */
function looks(lab: LoginLab): number {
  return lab.issuer.log.filter(({ path }) => path.endsWith("/deviceauth/token")).length;
}

/** Starts a sign-in and gives its card and its code. */
async function codeOf(lab: LoginLab, profile: string) {
  lab.telegram.person(OWNER).sends(`/codex_auth ${profile}`);
  const card = await lab.telegram.shows(OWNER, /Enter this code there/);
  return { card, code: /there: (\S+)/.exec(card.text)?.[1] ?? "" };
}

describe("a login by device code", () => {
  it("goes from the card to the receipt in one message, over a restart of the bot in mid-poll", async () => {
    const clock = new ManualClock();
    const lab = await LoginLab.open(clock);
    const bot = await lab.start();
    const { card, code } = await codeOf(lab, "carol");
    expect(lab.buttonsOf(card).map(({ text, url }) => url ?? text)).toEqual([
      `${lab.issuer.origin}/codex/device`,
      "Paste instead",
      "Cancel",
    ]);
    await clock.pass(INTERVAL);
    expect(looks(lab)).toBe(1);
    await bot.stop();
    // Entered while no bot runs.
    lab.issuer.approveDevice(code, "carol@example.com");
    await lab.start();
    await clock.rests();
    expect(looks(lab)).toBe(1);
    clock.advance(INTERVAL);
    const question = await lab.telegram.shows(OWNER, /Signed in as carol@example\.com/);
    expect(question.messageId).toBe(card.messageId);
    expect(lab.stored).not.toContain("openai-codex:carol");
    await lab.telegram.person(OWNER).presses(question.messageId, "Save and use first").answer;
    const receipt = await lab.telegram.shows(OWNER, /✅ carol is saved/);
    expect(receipt.messageId).toBe(card.messageId);
    expect(lab.stored).toContain("openai-codex:carol");

    const saved = lab.world.readStore().profiles["openai-codex:carol"];
    for (const secret of [String(saved?.["access"]), String(saved?.["refresh"])]) {
      expect(secret.length).toBeGreaterThan(10);
      expect(lab.output).not.toContain(secret);
    }
    expect(lab.output).not.toMatch(/deviceauth_|code_verifier/);
    expect([...lab.printed, ...lab.logged].join()).not.toContain(code);
    expect(tree(join(lab.world.paths.root, "pending", "device")).filter(({ isFolder }) => !isFolder)).toEqual([]);
  });

  it("lies on the disk in one 0600 file while it is waited for, and nowhere when it was given up", async () => {
    const clock = new ManualClock();
    const lab = await LoginLab.open(clock);
    await lab.start();
    const { card, code } = await codeOf(lab, "carol");
    const holders = () =>
      tree(lab.world.paths.root).filter(
        ({ isFolder, absolute }) => !isFolder && readFileSync(absolute, "utf8").includes(code),
      );
    expect(holders()).toMatchObject([{ path: expect.stringMatching(/^pending\/device\/[0-9a-f]{12}\.json$/) }]);
    await lab.telegram.person(OWNER).presses(card.messageId, "Cancel").answer;
    await lab.telegram.shows(OWNER, /is given up/);
    await expect.poll(holders).toEqual([]);
    expect(looks(lab)).toBe(0);
  });

  it("of the same e-mail in another workspace becomes a profile of its own", async () => {
    const clock = new ManualClock();
    const lab = await LoginLab.open(clock);
    await lab.start();
    const before = lab.world.readStore().profiles["openai-codex:alice"];
    const { code } = await codeOf(lab, "alice");
    lab.issuer.approveDevice(code, "alice@example.com", "account-team");
    await clock.rests();
    clock.advance(INTERVAL);
    const question = await lab.telegram.shows(OWNER, /Another account signed in/);
    const button = lab.buttonsOf(question)[0]?.text ?? "";
    expect(button).toMatch(/^Save as new profile "alice-2"$/);
    await lab.telegram.person(OWNER).presses(question.messageId, button).answer;
    await lab.telegram.shows(OWNER, /✅ .* is saved/);
    expect(lab.stored).toContain("openai-codex:alice-2");
    expect(lab.world.readStore().profiles["openai-codex:alice"]).toEqual(before);
    expect(lab.world.readStore().profiles["openai-codex:alice-2"]).toMatchObject({ email: "alice@example.com" });
  });

  it("is finished by a pasted address instead, in the same attempt", async () => {
    const clock = new ManualClock();
    const lab = await LoginLab.open(clock);
    await lab.start();
    const owner = lab.telegram.person(OWNER);
    const { card } = await codeOf(lab, "carol");
    await owner.presses(card.messageId, "Paste instead").answer;
    const linked = await lab.telegram.shows(OWNER, /Copy that whole address/);
    expect(linked.messageId).toBe(card.messageId);
    const link = lab.buttonsOf(linked).find(({ url }) => url !== undefined)?.url ?? "";
    owner.sends(lab.issuer.approve(link, "carol@example.com"));
    await lab.telegram.shows(OWNER, /Signed in as carol@example\.com/);
    await lab.telegram.shows(OWNER, /the code is of no use any more/);
    expect(looks(lab)).toBe(0);
  });
});
