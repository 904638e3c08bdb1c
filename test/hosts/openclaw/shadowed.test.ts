// A skill of the same name beside the plugin: the command comes as a plain message, and the plugin answers it all the same.

import { describe, expect, it } from "vitest";
import { commandIn, isPress } from "../../../src/hosts/openclaw/shadowed.ts";
import { FRIEND, GROUP, OWNER, pluginLab } from "./plugin-lab.ts";

const SKILLS = ["codex_auth", "lease"];

async function besideSkills(version: string) {
  const lab = await pluginLab({ version });
  lab.openClaw.shadowed = SKILLS;
  return lab;
}

describe.each(["2026.4.5", "2026.5.28", "2026.9.6"])("a command that a skill stands before, on %s", (version) => {
  it("is answered with buttons in the private chat, and never reaches the model", async () => {
    const { openClaw, last, answered } = await besideSkills(version);
    await openClaw.types(OWNER, "/codex_auth");
    await answered();
    const [message] = openClaw.chat(OWNER);
    expect(message?.text).toContain("alice@example");
    expect(message?.buttons.flat().map(({ text }) => text)).toContain("➕ New login");
    await openClaw.presses(OWNER, "New login");
    expect(openClaw.chat(OWNER)[0]?.text).toContain("Choose a name");
    await openClaw.types(OWNER, "/codex_auth status");
    await answered();
    expect(last()).toContain("Nothing is running");
    await openClaw.types(OWNER, "/lease");
    await answered();
    expect(last()).toContain("no lease broker");
    expect(openClaw.modelHeard).toEqual([]);
  });

  it("is refused in words to somebody who owns nothing, and is no private chat in a group", async () => {
    const { openClaw, last, answered } = await besideSkills(version);
    await openClaw.types(FRIEND, "/codex_auth");
    await answered();
    expect(last(FRIEND)).toContain("Only the owners of this OpenClaw may use this.");
    await openClaw.types(OWNER, "/codex_auth", GROUP);
    await answered();
    expect(last(GROUP)).toContain("→ Sign in from a private chat with me.");
    expect(openClaw.modelHeard).toEqual([]);
  });

  it("is answered also where it comes in the moment in which the answer to the one before is seen", async () => {
    const { openClaw, answered } = await besideSkills(version);
    const typed: Promise<void>[] = [];
    openClaw.whenSeen = () => {
      const next = ["/codex_auth status", "/lease"][typed.length];
      if (next !== undefined) typed.push(openClaw.types(OWNER, next));
    };
    await openClaw.types(OWNER, "/codex_auth");
    await answered();
    await Promise.all(typed);
    await answered();
    expect(openClaw.dropped).toEqual([]);
    const shown = openClaw.chat(OWNER).map(({ text }) => text);
    expect(shown).toHaveLength(3);
    expect(shown[1]).toContain("Nothing is running");
    expect(shown[2]).toContain("no lease broker");
  });

  it("is answered with its words alone where the chat refuses the buttons, and by the hook where nothing can be sent", async () => {
    const { openClaw, last, answered, logged } = await besideSkills(version);
    openClaw.refusesButtons = true;
    await openClaw.types(OWNER, "/codex_auth");
    await answered();
    expect(openClaw.chat(OWNER)).toHaveLength(1);
    expect(last()).toContain("alice@example");
    expect(openClaw.chat(OWNER)[0]?.buttons).toEqual([]);
    expect(logged.join("\n")).toContain("plugin.paste-answer");
    openClaw.canSend = false;
    await openClaw.types(OWNER, "/codex_auth status");
    expect(last()).toContain("Nothing is running");
  });

  it("is answered in words where the settings do not load", async () => {
    const { openClaw, last } = await pluginLab({ version, variables: { CODEX_AUTH_ISSUER: "https://evil.example" } });
    openClaw.shadowed = SKILLS;
    await openClaw.types(OWNER, "/codex_auth");
    expect(last()).toContain("could not be started");
    expect(openClaw.modelHeard).toEqual([]);
  });
});

/** A plugin at work whose owner has just seen the list. */
async function atWork(version: string) {
  const lab = await pluginLab({ version });
  await lab.openClaw.startServices();
  await new Promise((resolve) => setImmediate(resolve));
  await lab.openClaw.types(OWNER, "/codex_auth");
  return lab;
}

describe("an OpenClaw that has lost what was registered", () => {
  it.each(["2026.4.5", "2026.9.6"])(
    "and does not get it back on %s has a press answered with the way to a new button, and tells the model nothing",
    async (version) => {
      const { openClaw, last } = await atWork(version);
      openClaw.tables.loses();
      await openClaw.presses(OWNER, "New login");
      await openClaw.presses(OWNER, "New login");
      expect(last()).toContain("→ Send /codex_auth, /lease or /codex_usage for a new one.");
      expect(openClaw.namespaces).toEqual([]);
      expect(openClaw.modelHeard).toEqual([]);
    },
  );

  it("has commands and buttons again in the same turn of the model on 2026.5.28", async () => {
    const { openClaw, last } = await atWork("2026.5.28");
    const [commands, namespaces] = [openClaw.commandNames, openClaw.namespaces];
    openClaw.tables.loses();
    await openClaw.turnsToModel();
    expect(openClaw.commandNames).toEqual(commands);
    expect(openClaw.namespaces).toEqual(namespaces);
    await openClaw.types(OWNER, "/codex_auth status");
    expect(last()).toContain("Nothing is running");
  });

  it("is asked nothing in a turn where it loses nothing", async () => {
    const { openClaw } = await pluginLab({ version: "2026.9.6" });
    expect(openClaw.hooks.map(({ name }) => name)).not.toContain("before_prompt_build");
  });

  it.each(["everything", "the buttons alone"])(
    "does at the second press what the lost one was for, where %s was lost",
    async (what) => {
      const { openClaw, last } = await atWork("2026.5.28");
      if (what === "everything") openClaw.tables.loses();
      else openClaw.tables.handlers.clear();
      await openClaw.presses(OWNER, "New login");
      expect(last()).toContain("→ Press it once more.");
      await openClaw.presses(OWNER, "New login");
      expect(openClaw.chat(OWNER)[0]?.text).toContain("Choose a name");
      expect(openClaw.modelHeard).toEqual([]);
    },
  );

  it("says nothing to others who write what looks like a press, and keeps that from the model too", async () => {
    const { openClaw } = await atWork("2026.5.28");
    await openClaw.types(FRIEND, "codex_auth_remove:what-does-this-do");
    await openClaw.types(FRIEND, "lease_refresh:x", GROUP);
    expect([openClaw.chat(FRIEND), openClaw.chat(GROUP)]).toEqual([[], []]);
    expect(openClaw.modelHeard).toEqual([]);
  });

  it("gets nothing back from a plugin that was stopped", async () => {
    const { composed, openClaw } = await atWork("2026.5.28");
    await openClaw.stopServices();
    openClaw.tables.loses();
    await openClaw.turnsToModel();
    await openClaw.types(FRIEND, "lease_refresh:x");
    expect([openClaw.commandNames, openClaw.namespaces]).toEqual([[], []]);
    const again = composed();
    await openClaw.startServices();
    await new Promise((resolve) => setImmediate(resolve));
    await openClaw.turnsToModel();
    expect(openClaw.commandNames).toHaveLength(3);
    expect(composed()).toBeGreaterThanOrEqual(again);
  });

  it("and whose tables fail is told of once, and is looked at again", async () => {
    const { openClaw } = await atWork("2026.5.28");
    openClaw.tables.loses();
    openClaw.tables.isBusy = true;
    await openClaw.turnsToModel();
    await openClaw.turnsToModel();
    expect(openClaw.logged.filter((line) => line.includes("ERR_INTERNAL"))).toHaveLength(1);
    openClaw.tables.isBusy = false;
    await openClaw.turnsToModel();
    expect(openClaw.commandNames).toHaveLength(3);
  });
});

describe("isPress", () => {
  it.each(["codex_auth_new:abc.def", "callback_data: lease_refresh:x"])("knows %s", (text) => {
    expect(isPress(text)).toBe(true);
  });

  it.each(["codex_auth_nothing:abc", "codex_auth_new", "codex_auth_new:a b", "note codex_auth_new:abc", "toString:x"])(
    "leaves %j to the model",
    (text) => expect(isPress(text)).toBe(false),
  );
});

describe("commandIn", () => {
  it.each([
    ["/codex_auth", "codex_auth", ""],
    ["/codex_usage all", "codex_usage", "all"],
    ["/lease  auto renew on", "lease", "auto renew on"],
  ])("reads %s", (text, name, args) => {
    expect(commandIn(text)).toEqual({ kind: "command", name, args });
  });

  it.each([
    "/codex_authentic",
    "/codex_auth@another_bot",
    "/codex_usage@another_bot all",
    "codex_auth",
    "please send /codex_auth",
    "/status",
    "/leases",
    "",
  ])("leaves %j to the model", (text) => expect(commandIn(text)).toBeUndefined());
});
