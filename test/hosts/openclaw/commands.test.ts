// Commands and presses inside OpenClaw: who is heard, what is answered, and what never reaches the model.

import { describe, expect, it } from "vitest";
import { ACTIONS } from "../../../src/chat/button.ts";
import { FRIEND, GROUP, OWNER, pluginLab } from "./plugin-lab.ts";

describe("the plugin's registrations", () => {
  it("are made again and again without any work: nothing is put together, and no file appears", async () => {
    const { openClaw, composed, logged, world } = await pluginLab();
    const { existsSync } = await import("node:fs");
    expect(composed()).toBe(0);
    expect(existsSync(world.paths.root)).toBe(false);
    expect(logged).toEqual([]);
    expect(openClaw.logged).toEqual([]);
    expect(openClaw.commandNames).toEqual(["codex_auth", "lease", "codex_usage"]);
    expect(openClaw.namespaces).toEqual(Object.keys(ACTIONS));
  });

  it("are put together once for all commands that follow", async () => {
    const { openClaw, composed } = await pluginLab();
    await Promise.all([openClaw.types(OWNER, "/codex_auth"), openClaw.types(OWNER, "/lease")]);
    expect(composed()).toBe(1);
  });
});

describe("a command inside OpenClaw", () => {
  it.each(["2026.4.5", "2026.5.28", "2026.9.6"])(
    "shows an owner in a private chat the logins with buttons on %s, and how a number is typed",
    async (version) => {
      const { openClaw } = await pluginLab({ version });
      await openClaw.types(OWNER, "/codex_auth");
      const [message] = openClaw.chat(OWNER);
      expect(message?.text).toMatch(/^\*\*Codex logins\*\*\n1\\\. \*\*alice\*\*: `alice@example\.com`/);
      const labels = message?.buttons.flat().map(({ text }) => text) ?? [];
      expect(labels.some((label) => label.startsWith("alice"))).toBe(true);
      expect(labels).toContain("➕ New login");
      expect(openClaw.refused).toEqual([]);
    },
  );

  it("shows the list on another channel and signs nobody in there: nothing tells whether that chat is private", async () => {
    const { openClaw, last } = await pluginLab({ settings: { commands: { ownerAllowFrom: ["discord:9"] } } });
    await openClaw.types("9", "/codex_auth", "9", "discord");
    expect(last("9")).toMatch(/^Codex logins\n1\. alice/);
    expect(last("9")).toContain("→ Sign in from a private chat with me.");
    await openClaw.types("9", "/codex_auth work", "9", "discord");
    expect(last("9")).toContain("in a private chat only");
  });

  it("is refused in words to somebody who owns nothing, with the id that an owner would add", async () => {
    const { openClaw, last } = await pluginLab();
    await openClaw.types(FRIEND, "/codex_auth");
    expect(last(FRIEND)).toBe(
      "Only the owners of this OpenClaw may use this.\n→ Whoever runs it adds `telegram:222` to `commands.ownerAllowFrom` in openclaw.json.",
    );
    expect(openClaw.everything).not.toContain("alice");
  });

  it("is refused to everybody where OpenClaw names no owner, and `*` names nobody", async () => {
    const { openClaw, last } = await pluginLab({ settings: { commands: { ownerAllowFrom: ["*"] } } });
    await openClaw.types(OWNER, "/codex_auth");
    expect(last()).toContain("Nobody may use this yet");
  });

  it("listens to the plugin's own list too, and to a bare Telegram id", async () => {
    const settings = { plugins: { entries: { "codex-auth": { config: { allowFrom: [Number(FRIEND)] } } } } };
    const { openClaw, last } = await pluginLab({ settings });
    await openClaw.types(FRIEND, "/codex_auth");
    expect(last(FRIEND)).toContain("**Codex logins**");
    // The same digits on another channel are somebody else.
    await openClaw.types(FRIEND, "/codex_auth", "7", "twitch");
    expect(last("7")).toContain("Only the owners");
  });

  it("stops listening to somebody at the moment in which they are taken off the list", async () => {
    const { openClaw, last } = await pluginLab();
    await openClaw.types(OWNER, "/codex_auth");
    openClaw.settings = { commands: { ownerAllowFrom: [FRIEND] } };
    await openClaw.presses(OWNER, "New login");
    expect(last()).toContain("**Codex logins**");
    await openClaw.types(OWNER, "/codex_auth");
    expect(last()).toContain("Only the owners");
  });

  it("signs nobody in where others read along, and offers no buttons there", async () => {
    const { openClaw, last } = await pluginLab();
    await openClaw.types(OWNER, "/codex_auth", GROUP);
    expect(last(GROUP)).toContain("→ Sign in from a private chat with me.");
    expect(last(GROUP)).not.toContain("example.com");
    expect(openClaw.chat(GROUP)[0]?.buttons).toEqual([]);
    await openClaw.types(OWNER, "/codex_auth work", GROUP);
    expect(last(GROUP)).toContain("in a private chat only");
  });

  it("takes no chat for private on an OpenClaw that does not say which it is", async () => {
    const { openClaw, last } = await pluginLab({ version: "2025.1.1" });
    await openClaw.types(OWNER, "/codex_auth work");
    expect(last()).toContain("in a private chat only");
  });

  it("answers in words where the settings do not load, and says nothing of them", async () => {
    const { openClaw, last } = await pluginLab({ variables: { CODEX_AUTH_ISSUER: "https://evil.example" } });
    await openClaw.types(OWNER, "/codex_auth");
    expect(last()).toContain("could not be started");
    expect(last()).not.toContain("evil");
  });
});

describe("a press inside OpenClaw", () => {
  it("edits the message under the button as raw text, and never hands the data to the model", async () => {
    const { openClaw } = await pluginLab();
    await openClaw.types(OWNER, "/codex_auth");
    await openClaw.presses(OWNER, "New login");
    expect(openClaw.chat(OWNER)).toHaveLength(1);
    const [message] = openClaw.chat(OWNER);
    expect(message).toMatchObject({ form: "raw" });
    expect(message?.text).toContain("New login\nChoose a name and send it like this: /codex_auth work");
    expect(message?.text).not.toMatch(/[*`\\]/);
    expect(openClaw.modelHeard).toEqual([]);
  });

  it("is not answered where somebody presses who owns nothing, and changes nothing", async () => {
    const { openClaw } = await pluginLab();
    await openClaw.types(OWNER, "/codex_auth");
    const [message] = openClaw.chat(OWNER);
    if (message === undefined) throw new Error("nothing was shown");
    const before = structuredClone(message);
    await openClaw.pressesData(FRIEND, message.buttons[0]?.[0]?.callback_data ?? "", message, OWNER);
    expect(openClaw.chat(OWNER)).toEqual([before]);
    expect(openClaw.modelHeard).toEqual([]);
  });

  it("of a forged or foreign button is told so in a message of its own", async () => {
    const { openClaw, last } = await pluginLab();
    await openClaw.types(OWNER, "/codex_auth");
    const [message] = openClaw.chat(OWNER);
    if (message === undefined) throw new Error("nothing was shown");
    await openClaw.pressesData(OWNER, "codex_auth_new:AAAAAAAAAAAA.zzzzzz.AAAAAAAAAAAAAAAA", message);
    expect(last()).toContain("This button was not made for you here.");
    expect(openClaw.chat(OWNER)[0]?.text).toContain("**Codex logins**");
  });

  it("is never thrown back at OpenClaw, which would press again: a chat that cannot be written to is left alone", async () => {
    const { openClaw, logged } = await pluginLab();
    await openClaw.types(OWNER, "/codex_auth");
    const [message] = openClaw.chat(OWNER);
    if (message === undefined) throw new Error("nothing was shown");
    openClaw.isDeaf = true;
    const data = message.buttons.flat().find(({ text }) => text.includes("New login"))?.callback_data ?? "";
    await openClaw.pressesData(OWNER, data, message);
    expect(openClaw.modelHeard).toEqual([]);
    expect(logged.join("\n")).toContain("plugin.press");
    expect(openClaw.chat(OWNER)).toHaveLength(1);
  });
});
