// `/codex_usage` through Telegram, the whole way: fake server, the bot as it is composed, sandbox usage server, profile store.

import { readFileSync } from "node:fs";
import { describe, expect, it, onTestFinished } from "vitest";
import { startSandboxUsage, type SandboxUsage } from "../../../src/sandbox/usage-server.ts";
import { OWNER, PARTNER } from "./bot-lab.ts";
import { LoginLab } from "./login-lab.ts";

async function open(): Promise<{ readonly lab: LoginLab; readonly server: SandboxUsage }> {
  const server = await startSandboxUsage();
  onTestFinished(() => server.close());
  const lab = await LoginLab.open();
  lab.usageServer = server.origin;
  return { lab, server };
}

describe("/codex_usage in Telegram", () => {
  it("shows at once that it looks, and edits that message into the figures; the buttons lead on", async () => {
    const { lab, server } = await open();
    const before = readFileSync(lab.world.storePath);
    await lab.start();
    server.hold();
    lab.telegram.person(OWNER).sends("/codex_usage alice");
    const first = await lab.telegram.shows(OWNER, /Checking the usage of alice…/);
    server.release();
    const shown = await lab.telegram.shows(OWNER, /5 h: ▓▓▓░{7} 32 % used, 68 % left/);
    expect(shown.messageId).toBe(first.messageId);
    await lab.telegram.person(OWNER).presses(shown.messageId, "Other profiles").answer;
    const menu = await lab.telegram.shows(OWNER, /of which profile\?/);
    expect(menu.messageId).toBe(first.messageId);
    expect(lab.buttonsOf(menu).map(({ text }) => text)).toEqual(["Default (alice)", "All 2", "alice", "bob"]);
    await lab.telegram.person(OWNER).presses(menu.messageId, "All 2").answer;
    await lab.telegram.shows(OWNER, /bob · bob@example\.com \(plus\)/);
    expect(readFileSync(lab.world.storePath)).toEqual(before);
    for (const { access, refresh } of Object.values(lab.world.readStore().profiles))
      for (const secret of [access, refresh]) if (typeof secret === "string") expect(lab.output).not.toContain(secret);
  });

  it("answers two people who ask the same from one question to the provider", async () => {
    const { lab, server } = await open();
    await lab.start();
    server.hold();
    for (const person of [OWNER, PARTNER]) {
      lab.telegram.person(person).sends("/codex_usage alice");
      await lab.telegram.shows(person, /Checking the usage of alice…/);
    }
    server.release();
    for (const person of [OWNER, PARTNER]) await lab.telegram.shows(person, /32 % used/);
    expect(server.log).toHaveLength(1);
  });
});
