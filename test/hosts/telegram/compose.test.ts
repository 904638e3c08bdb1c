// The bot as `codex-auth-skill bot` starts it: settings from file and environment, the real domains, the real chat.

import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { onTestFinished, describe, expect, it } from "vitest";
import { readEnvironment } from "../../../src/config/env.ts";
import { startTelegramBot } from "../../../src/hosts/telegram/compose.ts";
import type { RunningBot } from "../../../src/hosts/telegram/run.ts";
import { createLog } from "../../../src/secrets/log.ts";
import { applyWorld, receivedTokens } from "../../support/apply-world.ts";
import { FakeTelegram } from "../../support/fake-telegram/fake-telegram.ts";
import { temporaryFolder } from "../../support/temp-folder.ts";
import { OWNER, STRANGER } from "./bot-lab.ts";

/** A machine with an OpenClaw, a fake Telegram, and a way to start the bot with variables and a settings file. */
async function machine() {
  const home = await temporaryFolder();
  const telegram = await FakeTelegram.start();
  onTestFinished(() => telegram.close());
  const world = applyWorld(home);
  await writeFile(
    join(home, ".openclaw", "openclaw.json"),
    JSON.stringify({ meta: { lastTouchedVersion: "2026.4.5" } }),
  );
  const printed: string[] = [];
  const logged: string[] = [];
  let launches = 0;
  const start = async (variables: Record<string, string> = {}): Promise<RunningBot> => {
    const bot = await startTelegramBot({
      environment: readEnvironment({ HOME: home, CODEX_AUTH_API_ROOT: telegram.url, ...variables }),
      log: createLog((line) => logged.push(line), Date.now),
      print: (line) => printed.push(line),
      launch: async () => void (launches += 1),
    });
    onTestFinished(() => bot.stop());
    return bot;
  };
  const settings = async (value: unknown): Promise<void> => {
    await mkdir(world.paths.root, { recursive: true, mode: 0o700 });
    await writeFile(world.paths.config, JSON.stringify(value), { mode: 0o600 });
  };
  return { home, telegram, world, printed, logged, start, settings, launches: () => launches };
}

describe("startTelegramBot", () => {
  it("answers with what the store of this machine holds, and starts a sign-in at the real issuer", async () => {
    const { telegram, start } = await machine();
    await start({ CODEX_AUTH_BOT_TOKEN: telegram.token, CODEX_AUTH_ALLOW_FROM: String(OWNER) });
    const owner = telegram.person(OWNER);
    owner.sends("/codex_auth");
    await telegram.shows(OWNER, /Codex logins/);
    // By the link: for a code the issuer would have to be asked, and this one is not ours.
    owner.sends("/codex_auth paste alice");
    const card = await telegram.shows(OWNER, /Open the sign-in page/);
    const url = telegram
      .everything(OWNER)
      .findLast(({ messageId }) => messageId === card.messageId)
      ?.buttons.find((button) => button.url !== undefined)?.url;
    expect(new URL(url ?? "").origin).toBe("https://auth.openai.com");
    expect(new URL(url ?? "").searchParams.get("code_challenge_method")).toBe("S256");
  });

  it("reads token and people from the settings file, and the token from a file of its own", async () => {
    const { home, telegram, start, settings } = await machine();
    const tokenFile = join(home, "bot-token");
    await writeFile(tokenFile, `${telegram.token}\n`);
    await chmod(tokenFile, 0o600);
    await settings({ telegram: { botTokenFile: tokenFile, allowFrom: [OWNER] } });
    const bot = await start();
    expect(bot.username).toBe(telegram.username);
    telegram.person(OWNER).sends("/codex_auth help");
    await telegram.shows(OWNER, /finish <profile>/);
  });

  it("lets nobody in while the list is empty, says so, and names the id of who tries", async () => {
    const { telegram, start, printed } = await machine();
    await start({ CODEX_AUTH_BOT_TOKEN: telegram.token });
    expect(printed).toEqual([expect.stringMatching(/^Nobody may use this bot yet\. Write to @fake_codex_auth_bot/)]);
    telegram.person(STRANGER).sends("/codex_auth");
    await expect.poll(() => printed[1]).toMatch(/Ignored Telegram id 6666.*codex-auth\/config\.json/);
    expect(telegram.botOutput()).toBe("");
  });

  it("without a token says where one comes from, and asks Telegram nothing", async () => {
    const { telegram, start } = await machine();
    await expect(start()).rejects.toMatchObject({
      code: "ERR_CONFIG_INVALID",
      next: expect.stringContaining("@BotFather"),
    });
    expect(telegram.calls).toEqual([]);
  });

  it("takes up the jobs that an earlier process left", async () => {
    const { telegram, world, start, launches } = await machine();
    await world.enqueue(receivedTokens("carol"), {}, {});
    await start({ CODEX_AUTH_BOT_TOKEN: telegram.token, CODEX_AUTH_ALLOW_FROM: String(OWNER) });
    expect(launches()).toBe(1);
  });
});
