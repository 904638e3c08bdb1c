// The main job on real gateways: a person signs a profile in from Telegram, and the gateway runs on it.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { OWNER, signIn, startLabBot, type LabBot } from "./lab/bot.ts";
import { PATIENCE_MS } from "./lab/gateway.ts";
import { installOpenClaw, type InstallResult } from "./lab/install.ts";
import { fakeLogin, startLab, type Lab } from "./lab/lab.ts";
import { callModel, gatewayCall } from "./lab/model-call.ts";
import { shownSecrets } from "../support/shown-secrets.ts";

const RESTART_MS = 180_000;

describe.each(["2026.4.5", "2026.5.28"] as const)("OpenClaw %s", (version) => {
  let installed: InstallResult;
  let lab: Lab;
  let bot: LabBot;

  beforeAll(async () => {
    installed = await installOpenClaw(version);
    if (!installed.ok) return;
    lab = await startLab(installed.openclaw, {
      stores: { main: { profiles: { "openai-codex:alice": fakeLogin("alice") } } },
    });
  });

  afterAll(async () => {
    await bot?.stop();
    await lab?.stop();
  });

  test("a login from the chat is used by the next model call, after a reload", async ({ skip }) => {
    if (!installed.ok) skip(installed.reason);
    bot = await startLabBot(lab.home, "auto");
    expect(await callModel(lab.home, lab.backend)).toMatchObject({ tokenAccount: "account-alice" });
    const before = await uptime();

    await save("work", "grace@example.com", /✅ work is saved/);

    expect(await callModel(lab.home, lab.backend)).toMatchObject({ tokenAccount: "acct-grace" });
    // No restart: the gateway has been up all the time.
    expect(await uptime()).toBeGreaterThan(before);
    const [receipt] = await bot.parts.engine.receipts.list();
    const proven = version === "2026.5.28" ? "listed-by-gateway" : "reloaded";
    expect(receipt).toMatchObject({ outcome: "done", activation: { used: "reload", proven } });
    await assertListed("openai-codex:work");
  });

  test("the picker agrees with OpenClaw's own list", async ({ skip }) => {
    if (!installed.ok) skip(installed.reason);
    const status = await openClawStatus();
    bot.telegram.person(OWNER).sends("/codex_auth");
    const picker = await bot.telegram.shows(OWNER, /Codex logins/, PATIENCE_MS);
    const shown = picker.buttons.flat().filter((label) => !/New login|Manage/.test(label));
    expect(shown.map((label) => `openai-codex:${label.split(/[ ·,]/)[0]}`).toSorted()).toEqual(status.toSorted());
  });

  test(
    "a login is used after a restart, and the chat that asked is told by a bot that was restarted meanwhile",
    { timeout: 2 * RESTART_MS + 300_000 },
    async ({ skip }) => {
      if (!installed.ok) skip(installed.reason);
      await bot.stop();
      bot = await startLabBot(lab.home, "restart");
      const before = await uptime();
      await save("team", "ada@example.com", /stopping|starting|start window/, RESTART_MS);
      await bot.restart();
      await bot.telegram.shows(OWNER, /✅ team is saved/, RESTART_MS);

      expect(await uptime()).toBeLessThan(before + RESTART_MS);
      const [receipt] = await bot.parts.engine.receipts.list();
      expect(receipt).toMatchObject({ outcome: "done", activation: { used: "restart" } });
      expect(receipt?.activation.healthyAfterMs).toBeGreaterThan(0);
      expect(await callModel(lab.home, lab.backend)).toMatchObject({ tokenAccount: "acct-ada" });
      await assertListed("openai-codex:team");
    },
  );

  test("nothing that the bot said, logged or kept holds a token or a callback", async ({ skip }) => {
    if (!installed.ok) skip(installed.reason);
    expect(shownSecrets([bot.telegram.botOutput(), ...bot.output].join("\n"))).toEqual([]);
  });

  async function save(profile: string, email: string, until: RegExp, timeoutMs = PATIENCE_MS): Promise<void> {
    const person = bot.telegram.person(OWNER);
    const address = await signIn(bot, profile, email);
    person.sends(address);
    const question = await bot.telegram.shows(OWNER, /Signed in as/, PATIENCE_MS);
    expect(bot.telegram.visible(OWNER).some(({ text }) => text.includes("code="))).toBe(false);
    await person.presses(question.messageId, "Save and use first").answer;
    await bot.telegram.shows(OWNER, until, timeoutMs);
  }

  async function assertListed(profileId: string): Promise<void> {
    expect(await openClawStatus()).toContain(profileId);
    if (version !== "2026.5.28") return;
    const status = (await gatewayCall(lab.home, "models.authStatus", { refresh: true })) as {
      providers: { provider: string; profiles: { profileId: string }[] }[];
    };
    const codex = status.providers.find(({ provider }) => provider === "openai-codex");
    expect(codex?.profiles.map((profile) => profile.profileId)).toContain(profileId);
  }

  async function uptime(): Promise<number> {
    return (await lab.gateway.readiness())?.uptimeMs ?? Number.NaN;
  }

  async function openClawStatus(): Promise<readonly string[]> {
    const status = (await lab.gateway.cli("models", "status", "--json")) as {
      auth: { oauth: { profiles: { profileId: string; provider: string }[] } };
    };
    return status.auth.oauth.profiles
      .filter(({ provider }) => provider === "openai-codex")
      .map(({ profileId }) => profileId);
  }
});
