// Who is heard, in which order, and what of an update reaches the chat.

import { EventEmitter, once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { BotLab, line, OWNER, PARTNER, STRANGER } from "./bot-lab.ts";

const card = {
  lines: [["card"]],
  buttons: [[{ kind: "action", label: "Go", data: "codex_auth_menu:ref", typed: "/codex_auth" }]],
} as const;
const callbackUrl = "http://localhost:1455/auth/callback?code=abc&state=def";

describe("a sign-in's address", () => {
  it("is met wherever it stands: put in later, under a picture, or behind a word", async () => {
    const lab = await BotLab.open();
    const owner = lab.telegram.person(OWNER);
    await lab.start();
    const id = owner.sends("wait a moment");
    await lab.router.hears(1);
    owner.edits(id, callbackUrl);
    await lab.router.hears(2);
    owner.sendsPicture(`my browser says ${callbackUrl}`);
    await lab.router.hears(3);
    owner.sendsPicture("here is the page", { links: [callbackUrl] });
    await lab.router.hears(4);
    expect(lab.router.heard.slice(1).every(({ incoming }) => JSON.stringify(incoming).includes("code=abc"))).toBe(true);
  });

  it("is all that concerns us of an edit or a picture", async () => {
    const lab = await BotLab.open();
    const owner = lab.telegram.person(OWNER);
    await lab.start();
    const id = owner.sends("/codex_auth");
    await lab.router.hears(1);
    owner.edits(id, "/codex_auth work");
    owner.sendsPicture("a cat");
    owner.sends("/codex_auth status");
    await lab.router.hears(2);
    expect(lab.router.heard).toHaveLength(2);
  });
});

describe("strangers", () => {
  it("get silence in every form, and their id is printed once with how to let them in", async () => {
    const lab = await BotLab.open();
    const stranger = lab.telegram.person(STRANGER);
    await lab.start();
    stranger.sends("/codex_auth");
    stranger.sends("/start");
    stranger.pressesData(1, "codex_auth_menu:ref");
    stranger.sends(callbackUrl);
    // An update of the owner's behind theirs: when it is answered, theirs have been looked at.
    lab.router.script = async (_asker, _incoming, out) => void (await out.send(line("hello")));
    lab.telegram.person(OWNER).sends("/codex_auth");
    await lab.telegram.shows(OWNER, /hello/);

    expect(lab.telegram.visible(STRANGER).filter(({ from }) => from === "bot")).toEqual([]);
    expect(lab.telegram.callsOf("answerCallbackQuery")).toEqual([]);
    expect(lab.router.heard.map(({ asker }) => asker.personId)).toEqual([String(OWNER)]);
    expect(lab.printed.filter((text) => text.includes(String(STRANGER)))).toEqual([
      expect.stringMatching(/^Ignored Telegram id 6666.*add 6666 to telegram\.allowFrom in \/settings\/config\.json/),
    ]);
  });

  it("do not flood the terminal, however many they are", async () => {
    const lab = await BotLab.open();
    await lab.start();
    for (let id = 1; id <= 50; id += 1) lab.telegram.person(id).sends("hi");
    lab.router.script = async (_asker, _incoming, out) => void (await out.send(line("hello")));
    lab.telegram.person(OWNER).sends("/codex_auth");
    await lab.telegram.shows(OWNER, /hello/);
    expect(lab.printed).toHaveLength(21);
    expect(lab.printed.at(-1)).toMatch(/not shown any more/);
  });

  it("cannot press the button of somebody who is allowed", async () => {
    const lab = await BotLab.open();
    const group = lab.telegram.group([OWNER, STRANGER]);
    lab.router.script = async (_asker, _incoming, out) => void (await out.send(card));
    await lab.start();
    lab.telegram.person(OWNER).sends("/codex_auth", { chat: group.id });
    const { messageId } = await lab.telegram.shows(group.id, /card/);
    lab.telegram.person(STRANGER).presses(messageId, "Go", { chat: group.id });
    lab.telegram.person(OWNER).presses(messageId, "Go", { chat: group.id });
    await lab.router.hears(2);
    expect(lab.router.heard.map(({ asker }) => asker.personId)).toEqual([String(OWNER), String(OWNER)]);
  });

  it("end a sign-in by posting its address into a group, without a word, whatever goes wrong", async () => {
    const lab = await BotLab.open();
    const group = lab.telegram.group([OWNER, STRANGER], { privacyMode: false });
    lab.router.script = async (asker, _incoming, out) => {
      if (asker.personId === String(STRANGER)) throw new Error("cannot be ended");
      await out.send(line("hello"));
    };
    await lab.start();
    lab.telegram.person(STRANGER).sends(callbackUrl, { chat: group.id });
    lab.telegram.person(OWNER).sends("/codex_auth", { chat: group.id });
    await lab.telegram.shows(group.id, /hello/);
    expect(lab.router.heard[0]).toMatchObject({
      asker: { personId: String(STRANGER), private: false },
      incoming: { kind: "text" },
    });
    expect(lab.telegram.visible(group.id).map(({ text }) => text)).toEqual([callbackUrl, "/codex_auth", "hello"]);
  });
});

describe("what reaches the chat", () => {
  it("is commands with their arguments, presses with their message, and text in private chats", async () => {
    const lab = await BotLab.open();
    lab.router.script = async (_asker, incoming, out) => {
      if (incoming.kind === "command") await out.send(card);
    };
    await lab.start();
    const owner = lab.telegram.person(OWNER);
    owner.sends("/codex_auth  work  now");
    const { messageId } = await lab.telegram.shows(OWNER, /card/);
    owner.sends(`/codex_auth@${lab.telegram.username} status`);
    owner.sends("/codex_auth@another_bot status");
    owner.sends("/start from_a_link");
    owner.sends("/help");
    owner.presses(messageId, "Go");
    owner.sends("2");
    await lab.router.hears(7);
    expect(lab.router.heard.map(({ incoming }) => incoming)).toEqual([
      { kind: "command", name: "codex_auth", args: "work  now" },
      { kind: "command", name: "codex_auth", args: "status" },
      { kind: "text", text: "/codex_auth@another_bot status" },
      { kind: "command", name: "codex_auth", args: "" },
      { kind: "command", name: "codex_auth", args: "help" },
      { kind: "press", data: "codex_auth_menu:ref", messageId: String(messageId) },
      { kind: "text", text: "2" },
    ]);
    expect(lab.router.heard[0]?.asker).toEqual({
      host: "telegram",
      botId: String(lab.telegram.botId),
      personId: String(OWNER),
      chatId: String(OWNER),
      private: true,
      hasButtons: true,
    });
  });

  it("is in a group only a command or an address that must not be seen there", async () => {
    const lab = await BotLab.open();
    const group = lab.telegram.group([OWNER], { privacyMode: false });
    await lab.start();
    const owner = lab.telegram.person(OWNER);
    owner.sends("just talking", { chat: group.id });
    owner.sends(callbackUrl, { chat: group.id });
    owner.sends("/codex_auth", { chat: group.id });
    await lab.router.hears(2);
    expect(lab.router.heard.map(({ incoming }) => incoming.kind)).toEqual(["text", "command"]);
    expect(lab.router.heard.every(({ asker }) => !asker.private && asker.chatId === String(group.id))).toBe(true);
  });

  it("is never an edited message, also not one that was queued before we said so", async () => {
    const lab = await BotLab.open();
    const owner = lab.telegram.person(OWNER);
    const messageId = owner.sends("chatter");
    owner.edits(messageId, "/codex_auth work");
    await lab.start();
    owner.sends("last");
    await lab.router.hears(2);
    expect(lab.router.heard.map(({ incoming }) => incoming)).toEqual([
      { kind: "text", text: "chatter" },
      { kind: "text", text: "last" },
    ]);
  });

  it("is a forwarded text like an own one: the person chose to send it", async () => {
    const lab = await BotLab.open();
    await lab.start();
    lab.telegram.person(OWNER).forwards("/codex_auth status");
    await lab.router.hears(1);
    expect(lab.router.heard[0]?.incoming).toEqual({ kind: "command", name: "codex_auth", args: "status" });
  });

  it("comes one after another in a chat, while another person is not kept waiting", async () => {
    const lab = await BotLab.open();
    const gate = new EventEmitter();
    lab.router.script = async (asker, incoming, out) => {
      if (incoming.kind === "text" && incoming.text === "slow") await once(gate, "open");
      await out.send(line(incoming.kind === "text" ? `answer to ${incoming.text}` : "?"));
    };
    await lab.start();
    lab.telegram.person(OWNER).sends("slow");
    lab.telegram.person(OWNER).sends("quick");
    await lab.router.hears(1);
    lab.telegram.person(PARTNER).sends("other");
    await lab.telegram.shows(PARTNER, /answer to other/);
    expect(lab.telegram.visible(OWNER).map(({ text }) => text)).toEqual(["slow", "quick"]);
    gate.emit("open");
    await lab.telegram.shows(OWNER, /answer to quick/);
    expect(lab.telegram.visible(OWNER).map(({ text }) => text)).toEqual([
      "slow",
      "quick",
      "answer to slow",
      "answer to quick",
    ]);
  });
});

describe("presses", () => {
  it("that Telegram delivers twice are handled and answered once", async () => {
    const lab = await BotLab.open();
    lab.router.script = async (_asker, incoming, out) => {
      if (incoming.kind === "command") await out.send(card);
      else await out.toast?.("done");
    };
    await lab.start();
    lab.telegram.person(OWNER).sends("/codex_auth");
    const { messageId } = await lab.telegram.shows(OWNER, /card/);
    const press = lab.telegram.person(OWNER).presses(messageId, "Go");
    expect(await press.answer).toEqual({ text: "done", alert: false });
    press.arrivesAgain();
    lab.telegram.person(OWNER).sends("/help");
    await lab.router.hears(3);
    expect(lab.router.heard.filter(({ incoming }) => incoming.kind === "press")).toHaveLength(1);
    expect(lab.telegram.callsOf("answerCallbackQuery")).toHaveLength(1);
  });

  it("are acknowledged while the answer takes long, and the note then comes as a message", async () => {
    const lab = await BotLab.open();
    const gate = new EventEmitter();
    lab.router.script = async (_asker, incoming, out) => {
      if (incoming.kind === "command") return void (await out.send(card));
      await once(gate, "open");
      await out.toast?.("that took long");
    };
    await lab.start({}, { ackAfterMs: 20 });
    lab.telegram.person(OWNER).sends("/codex_auth");
    const { messageId } = await lab.telegram.shows(OWNER, /card/);
    const press = lab.telegram.person(OWNER).presses(messageId, "Go");
    expect(await press.answer).toEqual({ text: "", alert: false });
    gate.emit("open");
    await lab.telegram.shows(OWNER, /that took long/);
  });

  it("are acknowledged even where the chat had nothing to say or fell over", async () => {
    const lab = await BotLab.open();
    lab.router.script = async (_asker, incoming, out) => {
      if (incoming.kind === "press") throw new Error("a fault that quotes a secret-of-the-chat");
      await out.send(card);
    };
    await lab.start();
    lab.telegram.person(OWNER).sends("/codex_auth");
    const { messageId } = await lab.telegram.shows(OWNER, /card/);
    const press = lab.telegram.person(OWNER).presses(messageId, "Go");
    expect(await press.answer).toEqual({ text: "", alert: false });
    await lab.telegram.shows(OWNER, /did not expect/);
    expect(lab.logged.join()).toContain("telegram.update");
    expect(lab.output).not.toContain("secret-of-the-chat");
    // And the bot is still there.
    lab.telegram.person(OWNER).sends("/codex_auth");
    await lab.router.hears(3);
  });

  it("that were carried out are no failure where only the spinner cannot be stopped", async () => {
    const lab = await BotLab.open();
    lab.router.script = async (_asker, incoming, out) => {
      if (incoming.kind === "press") await out.edit(incoming.messageId ?? "", line("done"));
      else await out.send(incoming.kind === "command" ? card : line("still here"));
    };
    await lab.start();
    const owner = lab.telegram.person(OWNER);
    owner.sends("/codex_auth");
    const { messageId } = await lab.telegram.shows(OWNER, /card/);
    lab.telegram.faults.serverError("answerCallbackQuery", 502, 100);
    owner.presses(messageId, "Go");
    await expect.poll(() => lab.logged.join()).toContain("telegram.press");
    owner.sends("hello");
    await lab.telegram.shows(OWNER, /still here/);
    const said = lab.telegram.visible(OWNER).filter(({ from }) => from === "bot");
    expect(said.map(({ text }) => text)).toEqual(["done", "still here"]);
    expect(lab.logged.join()).not.toContain("telegram.update");
  });

  it("of another program's or another time's buttons get a word and do nothing", async () => {
    const lab = await BotLab.open();
    await lab.start();
    const press = lab.telegram.person(OWNER).pressesData(1, "tgcmd:/restart");
    expect((await press.answer).text).toMatch(/not in use any more/);
    expect(lab.router.heard).toEqual([]);
  });

  it("that waited too long to be answered still work", async () => {
    let clock = Date.now();
    const lab = await BotLab.open({ now: () => clock });
    lab.telegram.person(OWNER).sends("hi");
    lab.telegram.person(OWNER).pressesData(1, "codex_auth_menu:ref");
    clock += 60_000;
    lab.router.script = async (_asker, incoming, out) => {
      if (incoming.kind === "press") await out.toast?.("note");
    };
    await lab.start();
    await lab.telegram.shows(OWNER, /note/);
    expect(lab.logged).toEqual([]);
  });
});

describe("the menu", () => {
  it("is offered in private chats only", async () => {
    const lab = await BotLab.open();
    await lab.start();
    expect(lab.telegram.menu.scopes()).toEqual(["all_private_chats"]);
    expect(lab.telegram.menu.get({ scope: { type: "all_private_chats" } }).map(({ command }) => command)).toEqual([
      "codex_auth",
      "codex_usage",
    ]);
  });

  it("is not worth not starting for", async () => {
    const lab = await BotLab.open();
    lab.telegram.faults.serverError("setMyCommands", 500, 10);
    await lab.start();
    lab.telegram.person(OWNER).sends("/codex_auth");
    await lab.router.hears(1);
    await delay(0);
    expect(lab.logged.join()).toContain("telegram.commands");
  });
});
