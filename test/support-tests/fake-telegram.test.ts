// The fake server refuses what Telegram refuses; facts/skill-ecosystem.md §4 and tdlib/telegram-bot-api Client.cpp.

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { FakeTelegram } from "../support/fake-telegram/fake-telegram.ts";
import { tooManyRequests } from "../support/fake-telegram/api-error.ts";

const HOUR = 3_600_000;
let clock = 0;
let telegram: FakeTelegram;

beforeEach(async () => {
  clock = Date.UTC(2026, 10, 1);
  telegram = await FakeTelegram.start({ now: () => clock });
});
afterEach(() => telegram.close());

const answerSchema = z.strictObject({
  ok: z.boolean(),
  result: z.unknown().optional(),
  error_code: z.number().optional(),
  description: z.string().optional(),
  parameters: z.unknown().optional(),
});
type Answer = z.infer<typeof answerSchema>;

async function call(method: string, args: unknown = {}, token = telegram.token): Promise<Answer> {
  const response = await fetch(`${telegram.url}/bot${token}/${method}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(args),
  });
  return answerSchema.parse(await response.json());
}

const ok = (result: unknown): unknown => ({ ok: true, result });
const refused = (description: string, code = 400): unknown => ({ ok: false, error_code: code, description });
const button = (data: string): unknown => ({ inline_keyboard: [[{ text: "Go", callback_data: data }]] });
const say = (text: string, more: object = {}): Promise<Answer> => call("sendMessage", { chat_id: 4242, text, ...more });

const withUrl = (url: string): Promise<Answer> =>
  say("x", { reply_markup: { inline_keyboard: [[{ text: "Open", url }]] } });

describe("the door", () => {
  it("answers 401 to an unknown token and 404 to one that is none", async () => {
    expect(await call("getMe", {}, "1:other")).toEqual(refused("Unauthorized", 401));
    expect(await call("getMe", {}, "nonsense")).toEqual(refused("Not Found", 404));
    expect(await call("getMoon")).toEqual(refused("Not Found: method not found", 404));
    expect(await call("getMe")).toMatchObject({ ok: true, result: { is_bot: true, id: telegram.botId } });
  });

  it("lets no bot write to a person who never wrote to it, or who blocked it", async () => {
    expect(await say("hello")).toEqual(refused("Bad Request: chat not found"));
    telegram.person(4242).sends("hi");
    expect(await say("hello")).toMatchObject({ ok: true });
    telegram.person(4242).blocks();
    expect(await say("hello")).toEqual(refused("Forbidden: bot was blocked by the user", 403));
  });
});

describe("getUpdates", () => {
  it("repeats what no offset has confirmed and forgets what one has", async () => {
    telegram.person(1).sends("one");
    telegram.person(1).sends("two");
    const first = await call("getUpdates", { timeout: 0 });
    clock += 1_000;
    expect(await call("getUpdates", { timeout: 0 })).toEqual(first);
    const last = telegram.updates.pending()[1]?.update_id ?? 0;
    expect(await call("getUpdates", { offset: last, timeout: 0 })).toMatchObject({ result: [{ update_id: last }] });
    expect(await call("getUpdates", { offset: last + 1, timeout: 0 })).toEqual(ok([]));
    expect(telegram.updates.pending()).toEqual([]);
  });

  it("holds a poll until there is something", async () => {
    const poll = call("getUpdates", { timeout: 20 });
    await telegram.waitFor(() => telegram.callsOf("getUpdates").length === 1);
    telegram.person(1).sends("now");
    expect(await poll).toMatchObject({ ok: true, result: [{ message: { text: "now", chat: { type: "private" } } }] });
  });

  it("ends the older of two polls with 409, and refuses polls while a webhook is set", async () => {
    const older = call("getUpdates", { timeout: 20 });
    await telegram.waitFor(() => telegram.callsOf("getUpdates").length === 1);
    const newer = call("getUpdates", { timeout: 20, offset: 5 });
    expect(await older).toEqual(
      refused("Conflict: terminated by other getUpdates request; make sure that only one bot instance is running", 409),
    );
    telegram.person(1).sends("for the newer");
    expect(await newer).toMatchObject({ result: [{ message: { text: "for the newer" } }] });
    telegram.setWebhook("https://example.org/hook");
    expect((await call("getUpdates")).error_code).toBe(409);
    expect(await call("getWebhookInfo")).toMatchObject({ result: { url: "https://example.org/hook" } });
    expect(await call("deleteWebhook")).toEqual(ok(true));
    expect(telegram.webhookUrl).toBe("");
  });

  it("sends only the types that were asked for, until others are", async () => {
    await call("getUpdates", { allowed_updates: ["callback_query"] });
    telegram.person(1).sends("unheard");
    expect(telegram.updates.pending()).toEqual([]);
    clock += 4_000;
    await call("getUpdates", { allowed_updates: ["message", "edited_message"] });
    const messageId = telegram.person(1).sends("heard");
    telegram.person(1).edits(messageId, "heard, changed");
    expect(telegram.updates.pending()).toMatchObject([
      { message: { text: "heard" } },
      { edited_message: { text: "heard, changed" } },
    ]);
  });

  it("gives one update at a time to who asks the same again within half a second", async () => {
    telegram.person(1).sends("one");
    telegram.person(1).sends("two");
    await call("getUpdates", { offset: 1, timeout: 0 });
    expect(await call("getUpdates", { offset: 1, timeout: 0 })).toMatchObject({
      result: [{ message: { text: "one" } }],
    });
    clock += 600;
    expect((await call("getUpdates", { offset: 1, timeout: 0 })).result).toHaveLength(2);
  });
});

describe("sendMessage", () => {
  beforeEach(() => void telegram.person(4242).sends("/start"));

  it("takes 4096 characters after the markup and not one more", async () => {
    expect(await say(`<b>${"x".repeat(4_096)}</b>`, { parse_mode: "HTML" })).toMatchObject({ ok: true });
    expect(await say("x".repeat(4_097))).toEqual(refused("Bad Request: message is too long"));
    expect(await say("<b> </b>", { parse_mode: "HTML" })).toEqual(refused("Bad Request: message text is empty"));
  });

  it.each([
    ["<b>open", 'Can\'t find end tag corresponding to start tag "b"'],
    ["shut</b>", "Unexpected end tag at byte offset 4"],
    ["<b><i>x</b></i>", 'Unmatched end tag at byte offset 7, expected "</i>", found "</b>"'],
    ["<script>x</script>", 'Unsupported start tag "script" at byte offset 0'],
    ["ä 1 < 2", 'Unsupported start tag "" at byte offset 5'],
  ])("refuses the markup %s", async (html, why) => {
    expect(await say(html, { parse_mode: "HTML" })).toEqual(refused(`Bad Request: can't parse entities: ${why}`));
  });

  it("finds commands, e-mails and links by itself, but not inside code", async () => {
    await say("a@example.org <code>b@example.org</code> /codex_auth", { parse_mode: "HTML" });
    expect(telegram.visible(4242).at(-1)?.entities).toEqual([
      { type: "email", text: "a@example.org" },
      { type: "code", text: "b@example.org" },
      { type: "bot_command", text: "/codex_auth" },
    ]);
  });

  it("shows what the bot is doing only in words that Telegram knows", async () => {
    expect(await call("sendChatAction", { chat_id: 4242, action: "typing" })).toEqual(ok(true));
    expect(await call("sendChatAction", { chat_id: 4242, action: "thinking" })).toEqual(
      refused("Bad Request: wrong parameter action in request"),
    );
  });

  it("counts the 64 bytes of callback data in bytes, not in characters", async () => {
    expect(await say("x", { reply_markup: button("d".repeat(64)) })).toMatchObject({ ok: true });
    expect(await say("x", { reply_markup: button("d".repeat(65)) })).toEqual(
      refused("Bad Request: BUTTON_DATA_INVALID"),
    );
    expect(await say("x", { reply_markup: button("ä".repeat(33)) })).toEqual(
      refused("Bad Request: BUTTON_DATA_INVALID"),
    );
    expect(await say("x", { reply_markup: button("") })).toEqual(refused("Bad Request: BUTTON_DATA_INVALID"));
  });

  it("refuses a button that opens no web address", async () => {
    expect((await withUrl("https://auth.openai.com/x?y=1")).ok).toBe(true);
    expect((await withUrl("http://127.0.0.1:1455/x")).ok).toBe(true);
    for (const url of ["javascript:alert(1)", "http://localhost/x", "mailto:a@example.org", "words"]) {
      expect(await withUrl(url)).toEqual(
        refused(`Bad Request: inline keyboard button URL '${url}' is invalid: Wrong HTTP URL`),
      );
    }
  });
});

describe("edits and deletions", () => {
  let botMessage = 0;
  beforeEach(async () => {
    telegram.person(4242).sends("/start");
    await say("first", { reply_markup: button("a") });
    botMessage = telegram.visible(4242).at(-1)?.messageId ?? 0;
  });
  const edit = (text: string, messageId = botMessage, more: object = {}): Promise<Answer> =>
    call("editMessageText", { chat_id: 4242, message_id: messageId, text, ...more });

  it("refuses an edit that changes nothing, and removes the buttons with one that names none", async () => {
    expect((await edit("first", botMessage, { reply_markup: button("a") })).description).toMatch(
      /^Bad Request: message is not modified: /,
    );
    expect(await edit("second")).toMatchObject({ ok: true });
    expect(telegram.visible(4242).at(-1)).toMatchObject({ text: "second", buttons: [] });
    expect(telegram.everything(4242).map(({ kind, text }) => `${kind} ${text}`)).toEqual([
      "sent /start",
      "sent first",
      "edited second",
    ]);
    expect(
      await call("editMessageReplyMarkup", { chat_id: 4242, message_id: botMessage, reply_markup: button("b") }),
    ).toMatchObject({ ok: true });
    expect(telegram.visible(4242).at(-1)?.buttons).toEqual([["Go"]]);
  });

  it("refuses to edit what is not there or not the bot's", async () => {
    expect(await edit("x", 999)).toEqual(refused("Bad Request: message to edit not found"));
    expect(await edit("x", telegram.visible(4242)[0]?.messageId)).toEqual(
      refused("Bad Request: message can't be edited"),
    );
  });

  it("deletes a person's message in a private chat for 48 hours, and only once", async () => {
    const [theirs] = telegram.visible(4242);
    const args = { chat_id: 4242, message_id: theirs?.messageId };
    expect(await call("deleteMessage", args)).toEqual(ok(true));
    expect(telegram.visible(4242).map(({ text }) => text)).toEqual(["first"]);
    expect(await call("deleteMessage", args)).toEqual(refused("Bad Request: message to delete not found"));
    clock += 48 * HOUR + 1;
    expect(await call("deleteMessage", { chat_id: 4242, message_id: botMessage })).toEqual(
      refused("Bad Request: message can't be deleted for everyone"),
    );
  });

  it("deletes other people's messages in a group only with the right to", async () => {
    const plain = telegram.group([4242], { privacyMode: false });
    const trusted = telegram.group([4242], { botCanDelete: true });
    const first = telegram.person(4242).sends("secret", { chat: plain.id });
    const second = telegram.person(4242).sends("/secret", { chat: trusted.id });
    expect(await call("deleteMessage", { chat_id: plain.id, message_id: first })).toEqual(
      refused("Bad Request: message can't be deleted"),
    );
    expect(telegram.visible(plain.id)).toHaveLength(1);
    expect(await call("deleteMessage", { chat_id: trusted.id, message_id: second })).toEqual(ok(true));
  });

  it("hears only commands in a group with privacy mode", () => {
    const group = telegram.group([4242]);
    telegram.person(4242).sends("chatter", { chat: group.id });
    telegram.person(4242).sends("/codex_auth@another_bot", { chat: group.id });
    telegram.person(4242).sends(`/codex_auth@${telegram.username}`, { chat: group.id });
    expect(telegram.updates.pending().slice(-1)).toMatchObject([
      { message: { text: `/codex_auth@${telegram.username}` } },
    ]);
    expect(telegram.updates.pending()).toHaveLength(2);
  });
});

describe("presses", () => {
  it("are answered once, in time, and in at most 200 characters", async () => {
    telegram.person(4242).sends("/start");
    await say("card", { reply_markup: button("ns_go:ref") });
    const messageId = telegram.visible(4242).at(-1)?.messageId ?? 0;
    const press = telegram.person(4242).presses(messageId, "Go");
    const answer = (text: string, id = press.queryId): Promise<Answer> =>
      call("answerCallbackQuery", { callback_query_id: id, text });
    expect(telegram.spinning).toBe(1);
    expect(await answer("x".repeat(201))).toEqual(refused("Bad Request: MESSAGE_TOO_LONG"));
    expect(await answer("done")).toEqual(ok(true));
    expect(await press.answer).toEqual({ text: "done", alert: false });
    const late = refused("Bad Request: query is too old and response timeout expired or query ID is invalid");
    expect(await answer("again")).toEqual(late);
    const slow = telegram.person(4242).presses(messageId, "ns_go:ref");
    clock += 16_000;
    expect(await answer("late", slow.queryId)).toEqual(late);
    expect(() => telegram.person(4242).presses(messageId, "Stop")).toThrow(/No button "Stop"/);
  });
});

describe("the command menu", () => {
  it("is kept per scope and refuses names that Telegram refuses", async () => {
    const scope = { type: "all_private_chats" };
    const set = (command: string, description = "x"): Promise<Answer> =>
      call("setMyCommands", { scope, commands: [{ command, description }] });
    expect(await set("codex_auth")).toEqual(ok(true));
    for (const bad of ["codex-auth", "Codex", "", "x".repeat(33)]) {
      expect(await set(bad)).toEqual(refused("Bad Request: BOT_COMMAND_INVALID"));
    }
    expect(await set("ok", "")).toEqual(refused("Bad Request: BOT_COMMAND_DESCRIPTION_INVALID"));
    expect(await set("ok", "x".repeat(257))).toEqual(refused("Bad Request: BOT_COMMAND_DESCRIPTION_INVALID"));
    expect(await call("getMyCommands", { scope })).toEqual(ok([{ command: "codex_auth", description: "x" }]));
    expect(await call("getMyCommands")).toEqual(ok([]));
    expect(await call("deleteMyCommands", { scope })).toEqual(ok(true));
    expect((await call("setMyCommands", { scope: { type: "everywhere" }, commands: [] })).error_code).toBe(400);
  });
});

describe("faults", () => {
  beforeEach(() => void telegram.person(4242).sends("/start"));

  it("answer 429 with the seconds in text and parameters", async () => {
    telegram.faults.tooMany("sendMessage", 7);
    expect(await say("x")).toEqual({ ok: false, ...tooManyRequests(7).body });
    expect(await say("x")).toMatchObject({ ok: true });
  });

  it("cut the connection before or after the effect, and answer pages that are no JSON", async () => {
    telegram.faults.drop("sendMessage");
    await expect(say("lost")).rejects.toThrow();
    telegram.faults.drop("sendMessage", { after: true });
    await expect(say("kept")).rejects.toThrow();
    expect(telegram.visible(4242).map(({ text }) => text)).toEqual(["/start", "kept"]);
    telegram.faults.page("sendMessage");
    await expect(say("x")).rejects.toThrow(SyntaxError);
    telegram.faults.serverError("sendMessage");
    expect(await say("x")).toEqual(refused("Bad Gateway", 502));
  });
});
