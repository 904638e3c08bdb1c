// A login through Telegram, from the picker to the receipt, and what may go wrong on the way.

import { describe, expect, it } from "vitest";
import { badRequest } from "../../support/fake-telegram/api-error.ts";
import { OWNER, PARTNER } from "./bot-lab.ts";
import { LoginLab } from "./login-lab.ts";

/** The code and the state of the address on which a browser ends. */
function secretsIn(address: string): string[] {
  const { searchParams } = new URL(address);
  return ["code", "state"].map((name) => searchParams.get(name) ?? "").filter((value) => value !== "");
}

describe("a login", () => {
  it("goes from the picker to the receipt, and leaves no secret in the chat", async () => {
    const lab = await LoginLab.open();
    const owner = lab.telegram.person(OWNER);
    await lab.start();

    owner.sends("/codex_auth");
    const picker = await lab.telegram.shows(OWNER, /Codex logins/);
    expect(picker.buttons.flat()).toEqual([
      expect.stringMatching(/^alice/),
      expect.stringMatching(/^bob/),
      "➕ New login",
      "⚙️ Manage…",
    ]);
    await owner.presses(picker.messageId, "➕ New login").answer;
    await lab.telegram.shows(OWNER, /Choose a name/);
    const address = await lab.signIn("carol");
    const [code = "", state = ""] = secretsIn(address);
    owner.sends(address);
    const question = await lab.telegram.shows(OWNER, /Signed in as carol@example\.com/);
    // The address has left the chat before the issuer is asked.
    expect(lab.seenAtExchange).toHaveLength(1);
    expect(lab.seenAtExchange[0]?.join("\n")).not.toContain(code);
    expect(lab.stored).not.toContain("openai-codex:carol");

    await owner.presses(question.messageId, "Save and use first").answer;
    const receipt = await lab.telegram.shows(OWNER, /✅ carol is saved/);
    expect(receipt.messageId).toBe(question.messageId);
    expect(lab.stored).toContain("openai-codex:carol");
    expect(lab.telegram.spinning).toBe(0);

    expect(lab.seen).not.toContain(code);
    const saved = lab.world.readStore().profiles["openai-codex:carol"];
    // The state stands in the sign-in link, where it belongs; everything else is nowhere.
    for (const secret of [code, String(saved?.["access"]), String(saved?.["refresh"]), lab.telegram.token]) {
      expect(secret.length).toBeGreaterThan(10);
      expect(lab.output).not.toContain(secret);
    }
    expect([...lab.printed, ...lab.logged].join()).not.toContain(state);
    const theirs = lab.telegram.everything(OWNER).filter(({ text }) => text.includes(code));
    expect(theirs.map(({ kind, from }) => `${kind} by ${from}`)).toEqual([`sent by ${OWNER}`, `deleted by ${OWNER}`]);
  });

  it("that renews the same account is saved without a question", async () => {
    const lab = await LoginLab.open();
    await lab.start();
    const before = lab.world.readStore().profiles["openai-codex:alice"]?.["access"];
    lab.telegram.person(OWNER).sends(await lab.signIn("alice", "alice"));
    await lab.telegram.shows(OWNER, /✅ alice is saved/);
    expect(lab.world.readStore().profiles["openai-codex:alice"]?.["access"]).not.toBe(before);
  });

  it("that was confirmed by two quick presses is one job", async () => {
    const lab = await LoginLab.open();
    const owner = lab.telegram.person(OWNER);
    await lab.start();
    owner.sends(await lab.signIn("carol"));
    const question = await lab.telegram.shows(OWNER, /Signed in as/);
    const data = lab.buttonsOf(question)[0]?.callback_data ?? "";
    const first = owner.presses(question.messageId, "Save and use first");
    const second = owner.pressesData(question.messageId, data);
    await Promise.all([first.answer, second.answer]);
    await lab.telegram.shows(OWNER, /✅ carol is saved/);
    expect(await lab.world.receipts.list()).toHaveLength(1);
    await expect.poll(() => lab.world.queue.open()).toEqual([]);
    expect(lab.telegram.visible(OWNER).filter(({ text }) => text.includes("is saved"))).toHaveLength(1);
  });

  it("whose bot is restarted at every step arrives all the same", async () => {
    const lab = await LoginLab.open();
    const owner = lab.telegram.person(OWNER);
    let bot = await lab.start();
    const address = await lab.signIn("carol");
    await bot.stop();
    bot = await lab.start();
    owner.sends(address);
    const question = await lab.telegram.shows(OWNER, /Signed in as/);
    // Pressed while no bot runs: Telegram keeps it. No executor works yet either.
    await bot.stop();
    lab.works = false;
    owner.presses(question.messageId, "Save and use first");
    bot = await lab.start();
    await lab.telegram.shows(OWNER, /carol: queued/);
    await bot.stop();
    // The job ends while no bot runs; the next one tells.
    await lab.world.drain();
    expect(lab.stored).toContain("openai-codex:carol");
    await lab.start();
    const receipt = await lab.telegram.shows(OWNER, /✅ carol is saved/);
    expect(receipt.messageId).toBe(question.messageId);
    expect(await lab.world.receipts.list()).toHaveLength(1);
  });
});

describe("a pasted address", () => {
  it("that Telegram does not let us remove is said so, and the login goes on", async () => {
    const lab = await LoginLab.open();
    await lab.start();
    const address = await lab.signIn("carol");
    lab.telegram.faults.fail("deleteMessage", badRequest("message can't be deleted for everyone"));
    lab.telegram.person(OWNER).sends(address);
    await lab.telegram.shows(OWNER, /could not remove your message/);
    await lab.telegram.shows(OWNER, /Signed in as carol/);
  });

  it("leaves the chat also when the login fails, and its sign-in cannot be used again", async () => {
    const lab = await LoginLab.open();
    await lab.start();
    const address = await lab.signIn("carol");
    lab.issuer.faults.next({ kind: "nested-error", code: "token_exchange_user_error" });
    lab.telegram.person(OWNER).sends(address);
    await lab.telegram.shows(OWNER, /⚠️/);
    lab.telegram.person(OWNER).sends(`/codex_auth finish carol ${address}`);
    await expect.poll(() => lab.telegram.callsOf("deleteMessage").length).toBe(2);
    await expect.poll(() => lab.telegram.visible(OWNER).filter(({ text }) => text.includes("⚠️")).length).toBe(2);
    expect(lab.seen).not.toContain(secretsIn(address)[0]);
    expect(lab.seenAtExchange).toHaveLength(1);
    expect(lab.stored).not.toContain("openai-codex:carol");
  });

  it("in a group ends its sign-in, and is removed where the bot may", async () => {
    const lab = await LoginLab.open();
    const group = lab.telegram.group([OWNER, PARTNER], { privacyMode: false, botCanDelete: true });
    await lab.start();
    const address = await lab.signIn("carol");
    lab.telegram.person(OWNER).sends(address, { chat: group.id });
    await lab.telegram.shows(group.id, /everybody here could read it/);
    expect(lab.telegram.visible(group.id).filter(({ from }) => from === OWNER)).toEqual([]);
    lab.telegram.person(OWNER).sends(address);
    await lab.telegram.shows(OWNER, /⚠️/);
    expect(lab.seenAtExchange).toEqual([]);
    expect(lab.stored).not.toContain("openai-codex:carol");
  });

  it("of another person's sign-in signs nobody in", async () => {
    const lab = await LoginLab.open();
    await lab.start();
    const address = await lab.signIn("carol");
    lab.telegram.person(PARTNER).sends(address);
    await lab.telegram.shows(PARTNER, /⚠️/);
    expect(lab.telegram.visible(PARTNER).filter(({ from }) => from === PARTNER)).toEqual([]);
    expect(lab.seenAtExchange).toEqual([]);
  });
});

describe("a button", () => {
  it("of another person answers politely and does nothing", async () => {
    const lab = await LoginLab.open();
    await lab.start();
    lab.telegram.person(OWNER).sends(await lab.signIn("carol"));
    const question = await lab.telegram.shows(OWNER, /Signed in as/);
    const partner = lab.telegram.person(PARTNER);
    partner.sends("hi");
    const press = partner.pressesData(question.messageId, lab.buttonsOf(question)[0]?.callback_data ?? "");
    expect((await press.answer).text).toMatch(/not made for you/);
    expect(await lab.world.queue.list()).toEqual([]);
    expect(lab.stored).not.toContain("openai-codex:carol");
  });

  it("is never larger than Telegram takes, and in a group there is none", async () => {
    const lab = await LoginLab.open();
    const group = lab.telegram.group([OWNER]);
    await lab.start();
    lab.telegram.person(OWNER).sends("/codex_auth work", { chat: group.id });
    await lab.telegram.shows(group.id, /private chat/);
    expect(lab.telegram.everything(group.id).flatMap(({ buttons }) => buttons)).toEqual([]);
    lab.telegram.person(OWNER).sends("/codex_auth");
    const picker = await lab.telegram.shows(OWNER, /Codex logins/);
    // Too large ones would have been put into words.
    expect(picker.text).not.toMatch(/New login: /);
    expect(lab.buttonsOf(picker)).toHaveLength(4);
  });
});
