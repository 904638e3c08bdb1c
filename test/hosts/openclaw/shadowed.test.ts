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
    const { openClaw, last } = await besideSkills(version);
    await openClaw.types(OWNER, "/codex_auth");
    const [message] = openClaw.chat(OWNER);
    expect(message?.text).toContain("alice@example");
    expect(message?.buttons.flat().map(({ text }) => text)).toContain("➕ New login");
    await openClaw.presses(OWNER, "New login");
    expect(openClaw.chat(OWNER)[0]?.text).toContain("Choose a name");
    await openClaw.types(OWNER, "/codex_auth@our_bot status");
    expect(last()).toContain("Nothing is running");
    await openClaw.types(OWNER, "/lease");
    expect(last()).toContain("no lease broker");
    expect(openClaw.modelHeard).toEqual([]);
  });

  it("is refused in words to somebody who owns nothing, and is no private chat in a group", async () => {
    const { openClaw, last } = await besideSkills(version);
    await openClaw.types(FRIEND, "/codex_auth");
    expect(last(FRIEND)).toContain("Only the owners of this OpenClaw may use this.");
    await openClaw.types(OWNER, "/codex_auth", GROUP);
    expect(last(GROUP)).toContain("→ Sign in from a private chat with me.");
    expect(openClaw.modelHeard).toEqual([]);
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
