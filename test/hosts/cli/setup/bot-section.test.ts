// The set-up's question for the bot's token, with Telegram's answers to it.

import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { setupLab, withToken } from "./setup-lab.ts";

describe("the bot's token", () => {
  it("is refused where OpenClaw's own bot has it, before Telegram hears of it", async () => {
    const lab = await setupLab({ TELEGRAM_BOT_TOKEN: "" });
    const { token } = lab.telegram;
    writeFileSync(
      join(lab.home, ".openclaw", "openclaw.json"),
      JSON.stringify({ channels: { telegram: { botToken: token } } }),
    );
    const { screen } = await lab.run([
      ...withToken(token).slice(0, 2),
      [/What now/, "Leave"],
      ...withToken(token).slice(2),
    ]);
    expect(screen).toMatch(/OpenClaw itself uses this bot \(channels\.telegram\.botToken\)/);
    expect(screen).not.toContain("Take it");
    expect(lab.telegram.calls).toEqual([]);
    expect(() => lab.settings()).toThrow(/ENOENT/);
  });

  it("is asked for again where Telegram does not know it", async () => {
    const lab = await setupLab();
    const { token } = lab.telegram;
    const wrong = ["700000001", "w".repeat(30)].join(":");
    const { screen } = await lab.run([
      [/bot's token/, "Enter it"],
      [/from @BotFather/, "hello"],
      [/from @BotFather/, wrong],
      [/What now/, "Enter another"],
      ...withToken(token),
      [/^Write /, ""],
    ]);
    expect(screen).toMatch(/refused: That is no bot token/);
    expect(screen).toMatch(/Telegram does not know this token/);
    expect(screen).not.toMatch(/Take it/);
    expect(readFileSync(join(lab.paths.root, "bot-token"), "utf8").trim()).toBe(token);
  });

  it("may be taken unchecked where Telegram cannot be reached, and is tried again on request", async () => {
    const lab = await setupLab();
    const { token, faults } = lab.telegram;
    faults.drop("getMe", { times: 2 });
    const { screen } = await lab.run([
      ...withToken(token).slice(0, 2),
      [/What now/, "Try again"],
      [/What now/, "Take it unchecked"],
      ...withToken(token).slice(2),
      [/^Write /, ""],
    ]);
    expect(screen).toMatch(/cannot be reached/);
    // Nobody can be heard by it either.
    expect(screen).not.toContain("Add whoever");
    expect(lab.settings()).toMatchObject({ telegram: { botTokenFile: "bot-token" } });
  });

  it("is named as silent while a webhook is set, which is left alone and not shown whole", async () => {
    const lab = await setupLab();
    const { token } = lab.telegram;
    lab.telegram.setWebhook("https://hooks.example.com/very-secret-path");
    const { screen } = await lab.run([
      ...withToken(token).slice(0, 2),
      [/What now/, "Take it all the same"],
      ...withToken(token).slice(2),
      [/^Write /, ""],
    ]);
    expect(screen).toMatch(/webhook \(hooks\.example\.com\)/);
    expect(screen).not.toContain("very-secret-path");
    expect(screen).not.toContain("Add whoever");
    expect(lab.telegram.callsOf("deleteWebhook")).toEqual([]);
    expect(lab.telegram.webhookUrl).toContain("hooks.example.com");
  });

  it("may stay in a file of the person's, which others must not be able to write", async () => {
    const lab = await setupLab();
    const path = join(lab.home, "my-token");
    writeFileSync(path, `${lab.telegram.token}\n`, { mode: 0o600 });
    const open = join(lab.home, "open");
    writeFileSync(open, lab.telegram.token);
    chmodSync(open, 0o666);
    const { screen } = await lab.run([
      [/bot's token/, "Name a file"],
      [/path/, open],
      [/path/, "~/missing"],
      [/path/, "~/my-token"],
      ...withToken("").slice(2),
      [/^Write /, ""],
    ]);
    expect(screen).toMatch(/can be written by other users/);
    expect(screen).toMatch(/no such file/);
    expect(lab.settings()).toEqual({ telegram: { botTokenFile: path } });
  });

  it("takes the place of one in the settings file, where every other key stays", async () => {
    const lab = await setupLab();
    lab.had({ telegram: { botToken: "1:old", allowFrom: [7] }, agentId: "work", lease: { autoRenew: false } });
    await lab.run([
      [/bot's token/, "Enter another"],
      [/from @BotFather/, lab.telegram.token],
      [/may use the bot: 7/, ""],
      [/gateway hear/, ""],
      [/leased/, ""],
      [/^Write /, ""],
    ]);
    expect(lab.settings()).toEqual({
      telegram: { allowFrom: [7], botTokenFile: "bot-token" },
      agentId: "work",
      lease: { autoRenew: false },
    });
  });
});
