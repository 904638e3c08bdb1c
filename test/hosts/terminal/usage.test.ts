// `/codex_usage` in the terminal chat, against the sandbox's usage server.

import { describe, expect, it, onTestFinished } from "vitest";
import { startSandboxUsage } from "../../../src/sandbox/usage-server.ts";
import { pick, ScriptedUi, terminalLab } from "./terminal-lab.ts";

async function shown(env: Readonly<Record<string, string>> = {}): Promise<string> {
  const server = await startSandboxUsage();
  onTestFinished(() => server.close());
  const { talk } = await terminalLab({ CODEX_AUTH_USAGE_SERVER: server.origin, ...env });
  return talk(new ScriptedUi([pick("Type a command"), () => "/codex_usage alice", pick("Quit")]));
}

describe("/codex_usage in the terminal chat", () => {
  it("shows times in this machine's own zone, without a note about it", async () => {
    const screen = await shown();
    expect(screen).toContain("32 % used");
    expect(screen).not.toContain("Times are in UTC");
  });

  it("shows them in the zone of the settings where these name one", async () => {
    expect(await shown({ CODEX_AUTH_TIME_ZONE: "Asia/Kolkata" })).toMatch(/\d\d:\d\d GMT\+5:30\)/);
  });
});
