// The set-up's question for the allow-list: by hand, and by a message to the bot.

import { describe, expect, it, onTestFinished } from "vitest";
import { startTelegramBot } from "../../../../src/hosts/telegram/compose.ts";
import { isBotRunning } from "../../../../src/hosts/telegram/running-sign.ts";
import { createLog } from "../../../../src/secrets/log.ts";
import { OWNER, setupLab, withToken, writesTheNumber } from "./setup-lab.ts";

describe("the allow-list", () => {
  it("takes ids by hand, and says why a group, a name and the bot itself are none", async () => {
    const lab = await setupLab();
    const { screen } = await lab.run([
      ...withToken(lab.telegram.token, [
        [/Nobody may/, "Enter ids"],
        [/ids of persons/, "-1001234"],
        [/ids of persons/, "@grace"],
        [/ids of persons/, String(lab.telegram.botId)],
        [/ids of persons/, "42, 43"],
        [/may use the bot: 42, 43/, ""],
      ]),
      [/^Write /, ""],
    ]);
    expect(screen).toMatch(/refused: -1001234 is a group/);
    expect(screen).toMatch(/refused: A name with @/);
    expect(screen).toMatch(/the bot itself/);
    expect(lab.settings()).toMatchObject({ telegram: { allowFrom: ["42", "43"] } });
  });

  it("adds nobody whom the person did not confirm, and nobody twice; what was written still waits for the bot", async () => {
    const lab = await setupLab();
    const { screen } = await lab.run(
      [
        ...withToken(lab.telegram.token, [
          [/Nobody may/, "Enter ids"],
          [/ids of persons/, "43"],
          [/may use the bot: 43/, "Add whoever"],
          [/4242/, "n"],
          [/may use the bot: 43/, "Add whoever"],
          // Enter alone lets nobody in.
          [/4242/, ""],
          [/may use the bot: 43/, ""],
        ]),
        [/^Write /, ""],
      ],
      writesTheNumber(lab, 777),
    );
    expect(screen).toMatch(/Person 777 \(id 777\) wrote something else than just 500000/);
    expect(lab.settings()).toMatchObject({ telegram: { allowFrom: ["43"] } });
    expect(lab.telegram.updates.pending()).toHaveLength(4);
  });

  it("does not listen where a bot of ours runs with this token, says so, and leaves the bot alone", async () => {
    const lab = await setupLab();
    const { environment } = lab.call.host;
    lab.had({ telegram: { botToken: lab.telegram.token, allowFrom: [OWNER] } });
    const logged: string[] = [];
    const log = createLog((entry) => logged.push(entry), Date.now);
    const bot = await startTelegramBot({
      environment,
      log,
      print: () => undefined,
      launch: () => Promise.resolve(),
    });
    onTestFinished(() => bot.stop());
    const runs = (): Promise<boolean> => isBotRunning(lab.paths, bot.botId, Date.now);
    await expect.poll(runs).toBe(true);
    const { screen } = await lab.run([
      [/bot's token/, ""],
      [/may use the bot/, "Add whoever"],
      [/may use the bot/, ""],
      [/gateway hear/, ""],
      [/leased/, ""],
    ]);
    expect(screen).toMatch(/a bot of ours runs here[\s\S]*prints the ids of strangers/);
    expect(screen).not.toContain("500000");
    // Not one conflict: a second one would end it.
    expect(logged.join()).not.toContain("telegram.poll");
    lab.telegram.person(OWNER).sends("/codex_auth help");
    await lab.telegram.shows(OWNER, /codex_auth status/);
    await bot.stop();
    await bot.finished;
    expect(await runs()).toBe(false);
  });

  it("goes on without it where Escape ends the waiting", async () => {
    const lab = await setupLab();
    await lab.run(
      [
        ...withToken(lab.telegram.token, [
          [/Nobody may/, "Add whoever"],
          [/Nobody may/, "Nobody"],
        ]),
        [/^Write /, ""],
      ],
      async (label) => {
        if (!label.startsWith("Waiting")) return undefined;
        await lab.telegram.waitFor(() => lab.telegram.callsOf("getUpdates").length > 1);
        return "skip";
      },
    );
    expect(lab.settings()).toEqual({ telegram: { botTokenFile: "bot-token" } });
  });
});
