// The terminal chat over a real store, with a person whose keys are scripted.

import { describe, expect, it } from "vitest";
import { linkOn, pick, ScriptedUi, terminalLab } from "./terminal-lab.ts";
import { shownSecrets } from "../../support/shown-secrets.ts";

describe("the terminal chat", () => {
  it("signs a profile in with the arrow keys and an unseen paste, after naming the real store and asking once", async () => {
    const { world, issuer, talk } = await terminalLab();
    const ui = new ScriptedUi([
      pick("Type a command"),
      () => "/codex_auth work",
      pick("Paste the address"),
      (screen) => issuer.approve(linkOn(screen), "grace@example.com"),
      pick("Save and use first"),
      pick("Quit"),
    ]);
    const screen = await talk(ui);
    expect(screen).toContain(`real store ${world.storePath}`);
    expect(ui.asked).toBe(1);
    expect(screen).toContain("Signed in as grace@example.com");
    expect(screen).toContain("✅ work is saved");
    expect(world.readStore().profiles["openai-codex:work"]).toMatchObject({ email: "grace@example.com" });
    expect(shownSecrets(screen)).toEqual([]);
  });

  it("changes nothing where the person does not agree, and does not ask for what only shows", async () => {
    const { world, talk } = await terminalLab();
    const before = world.readStore();
    const ui = new ScriptedUi([
      pick("Type a command"),
      () => "/codex_auth status",
      pick("Type a command"),
      () => "/codex_auth work",
      pick("Quit"),
    ]);
    ui.agrees = false;
    const screen = await talk(ui);
    expect(ui.asked).toBe(1);
    expect(screen).not.toContain("Open the sign-in page");
    expect(world.readStore()).toEqual(before);
  });

  it("looks at usage without asking whether it may: nothing changes by that", async () => {
    const { world, talk } = await terminalLab();
    const before = world.readStore();
    const ui = new ScriptedUi([pick("Type a command"), () => "/codex_usage", pick("Default"), pick("Quit")]);
    const screen = await talk(ui);
    expect(ui.asked).toBe(0);
    expect(screen).toContain("Usage — of which profile?");
    expect(screen).toContain("Checking the usage of alice");
    expect(world.readStore()).toEqual(before);
  });

  it("says so where what was typed means nothing", async () => {
    const { talk } = await terminalLab();
    const ui = new ScriptedUi([pick("Type a command"), () => "good morning everybody", pick("Quit")]);
    expect(await talk(ui)).toContain("no command of mine");
  });
});
