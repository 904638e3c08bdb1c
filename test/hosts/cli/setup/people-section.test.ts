// The set-up's question for the allow-list: by hand, and by a message to the bot.

import { describe, expect, it } from "vitest";
import { setupLab, withToken, writesTheNumber } from "./setup-lab.ts";

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
          [/may use the bot: 43/, ""],
        ]),
        [/^Write /, ""],
      ],
      writesTheNumber(lab, 777),
    );
    expect(screen).toMatch(/Person 777 \(id 777\) wrote something else than 50000/);
    expect(lab.settings()).toMatchObject({ telegram: { allowFrom: ["43"] } });
    expect(lab.telegram.updates.pending()).toHaveLength(2);
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
