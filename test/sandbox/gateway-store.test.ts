// What the sandbox gateway would use: of an entry of either type its access token, as a fingerprint.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { GatewayStore } from "../../src/sandbox/gateway-store.ts";
import { fingerprint } from "../../src/secrets/fingerprint.ts";
import { temporaryFolder } from "../support/temp-folder.ts";

it("tells a leased login's access token from a login of the person's own", async () => {
  const stateDir = await temporaryFolder();
  const mainAgentDir = join(stateDir, "agents", "main", "agent");
  mkdirSync(mainAgentDir, { recursive: true });
  const provider = "openai-codex";
  const profiles = {
    "openai-codex:main": { type: "oauth", provider, access: "access-of-main", refresh: "refresh-of-main" },
    "openai-codex:lease": { type: "token", provider, token: "access-of-lease", expires: 1 },
  };
  const order = { [provider]: ["openai-codex:lease", "openai-codex:main"] };
  writeFileSync(join(mainAgentDir, "auth-profiles.json"), JSON.stringify({ version: 1, profiles, order }));
  const store = new GatewayStore({
    shape: "one-file",
    stateDir,
    configPath: join(stateDir, "openclaw.json"),
    mainAgentDir,
    tmp: stateDir,
    ownerPid: process.pid,
    worldFolder: stateDir,
    startupMs: 0,
    slowStartMs: 0,
    drainMs: 0,
    restartCooldownMs: 0,
    faults: [],
  });
  await store.load();
  expect(store.used().map(({ profileId, type, access }) => [profileId, type, access])).toEqual([
    ["openai-codex:lease", "token", fingerprint("access-of-lease")],
    ["openai-codex:main", "oauth", fingerprint("access-of-main")],
  ]);
});
