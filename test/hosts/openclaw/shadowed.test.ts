// A skill of the same name beside the plugin: the command comes as a plain message, and the plugin answers it all the same.

import { describe, expect, it } from "vitest";
import { commandIn } from "../../../src/hosts/openclaw/shadowed.ts";
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
    await openClaw.types(OWNER, "/codex_auth@our_bot status");
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

describe("commandIn", () => {
  it.each([
    ["/codex_auth", "codex_auth", ""],
    ["/codex_usage@our_bot all", "codex_usage", "all"],
    ["/lease  auto renew on", "lease", "auto renew on"],
  ])("reads %s", (text, name, args) => {
    expect(commandIn(text)).toEqual({ kind: "command", name, args });
  });

  it.each(["/codex_authentic", "codex_auth", "please send /codex_auth", "/status", "/leases", ""])(
    "leaves %j to the model",
    (text) => expect(commandIn(text)).toBeUndefined(),
  );
});
