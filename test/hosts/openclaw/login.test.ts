// Sign-ins inside OpenClaw: by a code, and by a pasted address that neither the model nor anybody in the chat gets to see.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { SECOND } from "../../../src/config/defaults.ts";
import { BOT_TOKEN, loginLab, type LoginLab } from "./login-lab.ts";
import { GROUP, FRIEND, OWNER } from "./plugin-lab.ts";

/** Those whose model is not shown what was deleted from the chat. */
const VERSIONS = ["2026.4.5", "2026.9.6"] as const;

function expectNoSecret({ openClaw, logged, world }: LoginLab, callback: string): void {
  const saved = world.readStore().profiles["openai-codex:carol"];
  const secrets = [
    callback,
    new URL(callback).searchParams.get("code"),
    saved?.["access"],
    saved?.["refresh"],
    BOT_TOKEN,
  ];
  const output = [openClaw.everything, ...openClaw.modelHeard, ...logged, ...openClaw.logged].join("\n");
  for (const secret of secrets) if (typeof secret === "string") expect(output).not.toContain(secret);
}

describe("a sign-in by a code inside OpenClaw", () => {
  it("shows the code as the command's answer at once, and the rest in a message of its own, down to the receipt", async () => {
    const lab = await loginLab();
    const { openClaw, clock, issuer, last, shows, world } = lab;
    await openClaw.startServices();
    await openClaw.types(OWNER, "/codex_auth carol");
    const card = /there: `(\S+)`/.exec(last());
    expect(last()).toContain(`Open the page for the code: <${issuer.origin}/codex/device>`);
    expect(
      openClaw
        .chat(OWNER)[0]
        ?.buttons.flat()
        .map(({ text }) => text),
    ).toEqual(["Paste instead", "Cancel"]);
    issuer.approveDevice(card?.[1] ?? "", "carol@example.com");
    await clock.rests();
    clock.advance(5 * SECOND);
    await shows(/Signed in as `carol@example.com`/);
    expect(openClaw.chat(OWNER)).toHaveLength(2);
    expect(world.readStore().profiles["openai-codex:carol"]).toBeUndefined();
    await openClaw.presses(OWNER, "Save and use first");
    await shows(/✅ carol is saved/);
    expect(openClaw.chat(OWNER)).toHaveLength(2);
    expect(world.readStore().profiles["openai-codex:carol"]).toBeDefined();
    expect(openClaw.modelHeard).toEqual([]);
  });

  it("turns to its link and back under the pressed card, though OpenClaw never told that message's id", async () => {
    const { openClaw } = await loginLab();
    await openClaw.types(OWNER, "/codex_auth carol");
    await openClaw.presses(OWNER, "Paste instead");
    expect(openClaw.chat(OWNER)).toHaveLength(1);
    expect(openClaw.chat(OWNER)[0]?.text).toContain("Copy that whole address and send it to me here.");
    await openClaw.presses(OWNER, "Use the code");
    expect(openClaw.chat(OWNER)[0]?.text).toContain("Enter this code there");
    expect(openClaw.chat(OWNER)).toHaveLength(1);
  });
});

describe("a pasted address inside OpenClaw", () => {
  it.each(VERSIONS)("is taken from the model and out of the chat on %s, and the login comes of it", async (version) => {
    const lab = await loginLab({ version });
    const { openClaw, issuer, bot, page, shows, world } = lab;
    await openClaw.startServices();
    await openClaw.types(OWNER, "/codex_auth paste carol");
    const callback = issuer.approve(page(), "carol@example.com");
    await openClaw.types(OWNER, callback);
    await shows(/Signed in as `carol@example.com`/);
    expect(openClaw.modelHeard).toEqual([]);
    expect(bot.deleted).toEqual([{ chat: OWNER, message: openClaw.lastMessageId }]);
    await openClaw.presses(OWNER, "Save and use first");
    await shows(/✅ carol is saved/);
    expect(world.readStore().profiles["openai-codex:carol"]).toBeDefined();
    expectNoSecret(lab, callback);
  });

  it("is taken from the model too where it cannot be deleted, and the person is told to do it", async () => {
    const lab = await loginLab();
    const { openClaw, issuer, bot, page, shows } = lab;
    await openClaw.types(OWNER, "/codex_auth paste carol");
    bot.canDelete = false;
    const callback = issuer.approve(page(), "carol@example.com");
    await openClaw.types(OWNER, callback);
    expect(await shows(/Signed in as/)).toContain("Save as");
    expect(openClaw.everything).toContain("please delete it yourself");
    expect(openClaw.modelHeard).toEqual([]);
    expectNoSecret(lab, callback);
  });

  it("ends its attempt where a group has read it", async () => {
    const { openClaw, issuer, page, last, answered } = await loginLab();
    await openClaw.types(OWNER, "/codex_auth paste carol");
    const callback = issuer.approve(page(), "carol@example.com");
    await openClaw.types(OWNER, callback, GROUP);
    await answered();
    expect(last(GROUP)).toContain("is ended and cannot be used any more");
    expect(openClaw.modelHeard).toEqual([]);
    await openClaw.types(OWNER, callback);
    await answered();
    expect(last()).not.toContain("Signed in");
    expect(issuer.log.filter(({ path }) => path === "/oauth/token")).toEqual([]);
  });

  it("of somebody who owns nothing never reaches the model either, and uses up nobody's attempt in private", async () => {
    const { openClaw, issuer, page, shows, answered } = await loginLab();
    await openClaw.types(OWNER, "/codex_auth paste carol");
    const callback = issuer.approve(page(), "carol@example.com");
    await openClaw.types(FRIEND, callback);
    await answered();
    expect(openClaw.modelHeard).toEqual([]);
    expect(openClaw.chat(FRIEND)).toEqual([]);
    await openClaw.types(OWNER, callback);
    await shows(/Signed in as/);
  });

  it("of nobody that OpenClaw names is kept from the model, deleted, and its attempt is ended", async () => {
    const { openClaw, issuer, bot, page, last, answered } = await loginLab({ version: "2026.9.6" });
    await openClaw.types(OWNER, "/codex_auth paste carol");
    const callback = issuer.approve(page(), "carol@example.com");
    const hook = openClaw.hooks.find(({ name }) => name === "before_dispatch")?.hook;
    const about = { channelId: "telegram", accountId: "default", conversationId: OWNER };
    const event = { content: callback, channel: "telegram", isGroup: false, messageId: "77" };
    expect(await hook?.(event, about)).toEqual({ handled: true });
    expect(await hook?.({ ...event, content: "hello" }, about)).toBeUndefined();
    await answered();
    expect(bot.deleted).toEqual([{ chat: OWNER, message: 77 }]);
    await openClaw.types(OWNER, callback);
    await answered();
    expect(last()).not.toContain("Signed in");
    expect(issuer.log.filter(({ path }) => path === "/oauth/token")).toEqual([]);
  });

  it("in another channel deletes nothing in Telegram, whatever number its message has", async () => {
    const { openClaw, issuer, bot, page, answered } = await loginLab({ version: "2026.9.6" });
    await openClaw.types(OWNER, "/codex_auth paste carol");
    const callback = issuer.approve(page(), "carol@example.com");
    openClaw.settings = { ...openClaw.settings, commands: { ownerAllowFrom: [`telegram:${OWNER}`, `slack:${OWNER}`] } };
    const hook = openClaw.hooks.find(({ name }) => name === "before_dispatch")?.hook;
    const about = { channelId: "slack", accountId: "default", conversationId: OWNER };
    const event = { content: callback, channel: "slack", senderId: OWNER, isGroup: false, messageId: "77" };
    expect(await hook?.(event, about)).toMatchObject({ handled: true });
    await answered();
    expect(bot.deleted).toEqual([]);
  });

  it("is told apart from what is the model's: other addresses, and a number under a list", async () => {
    const { openClaw } = await loginLab();
    await openClaw.types(OWNER, "/codex_auth");
    await openClaw.types(OWNER, "2");
    await openClaw.types(OWNER, "look at https://example.com/?code=1");
    expect(openClaw.modelHeard).toEqual(["2", "look at https://example.com/?code=1"]);
    expect(openClaw.chat(OWNER)).toHaveLength(1);
  });

  it("is never asked for on 2026.5.28, whose model is shown deleted messages; one pasted all the same is deleted and burnt", async () => {
    const lab = await loginLab({ version: "2026.5.28" });
    const { openClaw, issuer, bot, last, world, answered } = lab;
    await openClaw.types(OWNER, "/codex_auth carol");
    expect(
      openClaw
        .chat(OWNER)[0]
        ?.buttons.flat()
        .map(({ text }) => text),
    ).toEqual(["Cancel"]);
    const [name = ""] = readdirSync(world.paths.pending).filter((one) => one.endsWith(".json"));
    const { state } = JSON.parse(readFileSync(join(world.paths.pending, name), "utf8")) as { state: string };
    await openClaw.types(OWNER, `http://localhost:1455/auth/callback?code=a-code-of-nobody&state=${state}`);
    await answered();
    expect(last()).toMatch(/the model could read it here[\s\S]*is ended and cannot be used any more/);
    expect(bot.deleted).toEqual([{ chat: OWNER, message: openClaw.lastMessageId }]);
    expect(openClaw.modelHeard).toEqual([]);
    expect(issuer.log.filter(({ path }) => path === "/oauth/token")).toEqual([]);
    expect(JSON.parse(readFileSync(join(world.paths.pending, "ended", name), "utf8"))).toMatchObject({
      reason: "leaked",
    });
    expect(world.readStore().profiles["openai-codex:carol"]).toBeUndefined();
  });

  it("is never asked for where it could not be deleted: without the bot's account there are only codes", async () => {
    const { openClaw, last } = await loginLab({ hasAccount: false });
    await openClaw.types(OWNER, "/codex_auth carol");
    expect(
      openClaw
        .chat(OWNER)[0]
        ?.buttons.flat()
        .map(({ text }) => text),
    ).toEqual(["Cancel"]);
    await openClaw.types(OWNER, "/codex_auth paste carol");
    expect(last()).toContain("Sign-ins go by a code here");
    await openClaw.types(OWNER, "/codex_auth help");
    expect(last()).not.toMatch(/paste|finish/);
  });
});
