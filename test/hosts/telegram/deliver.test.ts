// Answers from the outbox: they reach the chat that asked, once, also after a restart, and only who may still read them.

import { describe, expect, it } from "vitest";
import { APPLY, MINUTE } from "../../../src/config/defaults.ts";
import { Secret } from "../../../src/secrets/secret.ts";
import { BotLab, line, OWNER, PARTNER, receiptOf } from "./bot-lab.ts";

const at = (
  personId: number,
  messageId?: string,
): { host: string; chatId: string; personId: string; messageId?: string } => ({
  host: "telegram",
  chatId: String(personId),
  personId: String(personId),
  ...(messageId === undefined ? {} : { messageId }),
});

/** A bot that has shown a progress message to its owner; gives the message's id. */
async function withProgress(lab: BotLab): Promise<string> {
  lab.router.script = async (_asker, _incoming, out) => void (await out.send(line("queued")));
  const bot = await lab.start();
  lab.telegram.person(OWNER).sends("/codex_auth");
  const { messageId } = await lab.telegram.shows(OWNER, /queued/);
  await bot.stop();
  return String(messageId);
}

describe("delivery", () => {
  it("edits the progress message of an earlier bot, and forgets what it delivered", async () => {
    const lab = await BotLab.open();
    const messageId = await withProgress(lab);
    await lab.receipts.put(receiptOf("job-1"));
    await lab.outbox.put({
      id: "m-1",
      address: at(OWNER, messageId),
      content: { kind: "receipt", receiptId: "job-1" },
    });
    await lab.start();
    await lab.telegram.shows(OWNER, /receipt openai-codex:work done/);
    expect(lab.telegram.visible(OWNER).map(({ text }) => text)).toEqual([
      "/codex_auth",
      "receipt openai-codex:work done",
    ]);
    await expect.poll(() => lab.outbox.list("telegram")).toEqual([]);
  });

  it("waits for a step of progress that is still on its way, which would else write over the answer", async () => {
    const lab = await BotLab.open();
    const messageId = await withProgress(lab);
    const late = lab.router.isAskedToSettle();
    lab.router.progress = late.then(async () => {
      const body = JSON.stringify({ chat_id: OWNER, message_id: Number(messageId), text: "late progress" });
      const headers = { "content-type": "application/json" };
      await fetch(`${lab.telegram.url}/bot${lab.telegram.token}/editMessageText`, { method: "POST", headers, body });
    });
    await lab.receipts.put(receiptOf("job-1"));
    await lab.outbox.put({
      id: "m-1",
      address: at(OWNER, messageId),
      content: { kind: "receipt", receiptId: "job-1" },
    });
    await lab.start();
    await expect.poll(() => lab.outbox.list("telegram")).toEqual([]);
    await lab.router.settled();
    expect(lab.telegram.visible(OWNER).at(-1)?.text).toBe("receipt openai-codex:work done");
    expect(lab.telegram.everything(OWNER).map(({ text }) => text)).toContain("late progress");
  });

  it("of what the message shows already counts as delivered", async () => {
    const lab = await BotLab.open();
    const messageId = await withProgress(lab);
    await lab.receipts.put(receiptOf("job-1"));
    for (const id of ["m-1", "m-2"]) {
      await lab.outbox.put({ id, address: at(OWNER, messageId), content: { kind: "receipt", receiptId: "job-1" } });
    }
    await lab.start();
    await expect.poll(() => lab.outbox.list("telegram")).toEqual([]);
    expect(lab.telegram.visible(OWNER).map(({ text }) => text)).toEqual([
      "/codex_auth",
      "receipt openai-codex:work done",
    ]);
  });

  it("comes as a new message where the progress message is gone", async () => {
    const lab = await BotLab.open();
    await withProgress(lab);
    await lab.receipts.put(receiptOf("job-1"));
    await lab.outbox.put({ id: "m-1", address: at(OWNER, "999999"), content: { kind: "receipt", receiptId: "job-1" } });
    await lab.start();
    await lab.telegram.shows(OWNER, /receipt/);
    expect(lab.telegram.visible(OWNER)).toHaveLength(3);
  });

  it("waits out a Telegram that refuses, and delivers then", async () => {
    const lab = await BotLab.open();
    await withProgress(lab);
    await lab.receipts.put(receiptOf("job-1"));
    lab.telegram.faults.serverError("sendMessage", 500, 5);
    await lab.outbox.put({ id: "m-1", address: at(OWNER), content: { kind: "receipt", receiptId: "job-1" } });
    await lab.start();
    await lab.telegram.shows(OWNER, /receipt/);
    await expect.poll(() => lab.outbox.list("telegram")).toEqual([]);
  });

  it("does not go to somebody who was taken off the list since they asked", async () => {
    const lab = await BotLab.open();
    await withProgress(lab);
    lab.telegram.person(PARTNER).sends("hi");
    await lab.receipts.put(receiptOf("job-1", "openai-codex:private"));
    lab.allowed.delete(String(PARTNER));
    await lab.outbox.put({ id: "m-1", address: at(PARTNER), content: { kind: "receipt", receiptId: "job-1" } });
    await lab.start();
    await expect.poll(() => lab.outbox.list("telegram")).toEqual([]);
    expect(lab.telegram.botOutput()).not.toContain("private");
  });

  it("edits the message to which the progress had to move", async () => {
    const lab = await BotLab.open();
    const messageId = await withProgress(lab);
    lab.router.moved = messageId;
    await lab.receipts.put(receiptOf("job-1"));
    await lab.outbox.put({ id: "m-1", address: at(OWNER, "1"), content: { kind: "receipt", receiptId: "job-1" } });
    await lab.start();
    const receipt = await lab.telegram.shows(OWNER, /receipt/);
    expect(String(receipt.messageId)).toBe(messageId);
  });

  it("to somebody who cannot be reached holds up nobody, and is made good when they write to the bot", async () => {
    const lab = await BotLab.open();
    await withProgress(lab);
    await lab.receipts.put(receiptOf("job-1"));
    // The partner never started the bot: Telegram knows no chat with them.
    await lab.outbox.put({ id: "m-1", address: at(PARTNER), content: { kind: "receipt", receiptId: "job-1" } });
    await lab.outbox.put({ id: "m-2", address: at(OWNER), content: { kind: "receipt", receiptId: "job-1" } });
    await lab.start({ deliveryRetryMs: 600_000 });
    await lab.telegram.shows(OWNER, /receipt/);
    // Another look at the outbox: what failed is not tried again at once.
    await lab.receipts.put(receiptOf("job-2", "openai-codex:second"));
    await lab.outbox.put({ id: "m-3", address: at(OWNER), content: { kind: "receipt", receiptId: "job-2" } });
    await lab.telegram.shows(OWNER, /receipt openai-codex:second/);
    await expect.poll(async () => (await lab.outbox.list("telegram")).map(({ id }) => id)).toEqual(["m-1"]);
    expect(lab.telegram.callsOf("sendMessage").filter(({ args }) => args["chat_id"] === String(PARTNER))).toHaveLength(
      1,
    );
    lab.telegram.person(PARTNER).sends("/start");
    await lab.telegram.shows(PARTNER, /receipt/);
    await expect.poll(() => lab.outbox.list("telegram")).toEqual([]);
  });

  it("brings questions and reminders about parked logins, and drops those about one that is decided", async () => {
    const lab = await BotLab.open();
    await withProgress(lab);
    const tokens = { access: Secret.of("a"), refresh: Secret.of("r"), expiresAtMs: 1 };
    const login = {
      agentId: "main",
      profileId: "openai-codex:work",
      reason: "approval-needed",
      expiresAtMs: 1,
      requestedBy: at(OWNER),
    } as const;
    const parked = await lab.parked.put(login, tokens);
    await lab.outbox.put({ id: "m-1", address: at(OWNER), content: { kind: "approval", parkedId: parked.id } });
    await lab.outbox.put({ id: "m-2", address: at(OWNER), content: { kind: "reminder", parkedId: parked.id } });
    await lab.outbox.put({ id: "m-3", address: at(OWNER), content: { kind: "approval", parkedId: "p-0000decided" } });
    await lab.start();
    await lab.telegram.shows(OWNER, /approve\?/);
    await lab.telegram.shows(OWNER, /still there/);
    await expect.poll(() => lab.outbox.list("telegram")).toEqual([]);
    expect(lab.telegram.visible(OWNER).filter(({ text }) => text === "approve?")).toHaveLength(1);
  });

  it("reminds of a login that has waited for a day, once a day, and no more when it is decided", async () => {
    const lab = await BotLab.open();
    await withProgress(lab);
    const tokens = { access: Secret.of("a"), refresh: Secret.of("r"), expiresAtMs: 1 };
    const { id } = await lab.parked.put(
      {
        agentId: "main",
        profileId: "openai-codex:work",
        reason: "other-identity",
        expiresAtMs: 1,
        requestedBy: at(OWNER, "7"),
      },
      tokens,
    );
    let ahead = 0;
    const now = (): number => Date.now() + ahead;
    const reminders = (): number =>
      lab.telegram.visible(OWNER).filter(({ text }) => text.includes("still there")).length;

    await (await lab.start({ now })).stop();
    expect(await lab.outbox.list("telegram")).toEqual([]);
    expect((await lab.parked.get(id))?.remindedAt).toBeUndefined();

    ahead = APPLY.parkedReminderMs;
    const late = await lab.start({ now });
    await lab.telegram.shows(OWNER, /still there/);
    await expect.poll(() => lab.outbox.list("telegram")).toEqual([]);
    await late.stop();

    const bot = await lab.start({ now }, { remindEveryMs: 5 });
    ahead = 2 * APPLY.parkedReminderMs + MINUTE;
    await expect.poll(reminders).toBe(2);
    await lab.parked.discard(id);
    ahead = 9 * APPLY.parkedReminderMs;
    await bot.stop();
    expect(await lab.outbox.list("telegram")).toEqual([]);
    expect(reminders()).toBe(2);
  });

  it("reaches a running bot too", async () => {
    const lab = await BotLab.open();
    await withProgress(lab);
    await lab.start();
    await lab.receipts.put(receiptOf("job-1"));
    await lab.outbox.put({ id: "m-1", address: at(OWNER), content: { kind: "receipt", receiptId: "job-1" } });
    await lab.telegram.shows(OWNER, /receipt/);
  });
});
