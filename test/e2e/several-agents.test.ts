// One login, two agents: a renewal leaves one owner in main, and the real gateway's other agent inherits it.

import { existsSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { OWNER, signIn, startLabBot, type LabBot } from "./lab/bot.ts";
import { PATIENCE_MS } from "./lab/gateway.ts";
import { storePath } from "./lab/home.ts";
import { installOpenClaw, type InstallResult } from "./lab/install.ts";
import { fakeLogin, startLab, type Lab } from "./lab/lab.ts";
import { callModel } from "./lab/model-call.ts";

const ALICE = { email: "alice@example.com", userId: "user-alice", accountId: "account-alice", planType: "plus" };

describe.each(["2026.4.5", "2026.5.28"] as const)("OpenClaw %s", (version) => {
  let installed: InstallResult;
  let lab: Lab;
  let bot: LabBot;

  beforeAll(async () => {
    installed = await installOpenClaw(version);
    if (!installed.ok) return;
    const copy = fakeLogin("alice");
    lab = await startLab(installed.openclaw, {
      agents: ["helper", "bare"],
      stores: {
        main: { profiles: { "openai-codex:alice": copy } },
        helper: { profiles: { "openai-codex:alice": copy, "openai-codex:own": fakeLogin("own") } },
      },
    });
    bot = await startLabBot(lab.home, "auto", { accounts: [ALICE] });
  });

  afterAll(async () => {
    await bot?.stop();
    await lab?.stop();
  });

  test("a renewed login has one owner, and every agent's next call uses it", async ({ skip }) => {
    if (!installed.ok) skip(installed.reason);
    const before = await callModel(lab.home, lab.backend, "helper");
    bot.telegram.person(OWNER).sends(await signIn(bot, "alice", ALICE.email));
    await bot.telegram.shows(OWNER, /✅ alice of agent main is saved/, PATIENCE_MS);

    expect(profilesOf("main")).toEqual(["openai-codex:alice"]);
    expect(profilesOf("helper")).toEqual(["openai-codex:own"]);
    // An agent without a store never gets one from us (2026.4.5 makes one itself at its first use).
    expect(existsSync(storePath(lab.home, "bare"))).toBe(false);
    const [receipt] = await bot.parts.engine.receipts.list();
    expect(receipt).toMatchObject({ outcome: "done", removedCopies: ["helper"] });

    const main = await callModel(lab.home, lab.backend, "main");
    expect(main.tokenAccount).toBe("account-alice");
    expect(main.tokenId).not.toBe(before.tokenId);
    const bare = await callModel(lab.home, lab.backend, "bare");
    expect(bare.tokenId).toBe(main.tokenId);
  });

  function profilesOf(agent: string): string[] {
    const store = JSON.parse(readFileSync(storePath(lab.home, agent), "utf8")) as { profiles: object };
    return Object.keys(store.profiles);
  }
});
