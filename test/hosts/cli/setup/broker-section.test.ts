// The set-up's question for the lease broker, with a sandbox broker's answers.

import { describe, expect, it } from "vitest";
import { CTRL_C, setupLab, setupBroker, type Answer } from "./setup-lab.ts";

describe("the broker", () => {
  const skipped: readonly Answer[] = [
    [/bot's token/, "No bot"],
    [/Nobody may/, "Nobody"],
    [/gateway hear/, ""],
  ];

  it("is not asked where it is skipped, which Enter does", async () => {
    const lab = await setupLab();
    const { screen } = await lab.run([...skipped, [/leased/, ""]]);
    expect(screen).toContain("nothing is written");
    expect(lab.telegram.calls).toEqual([]);
  });

  it("is not taken with a token that it refuses, and may be taken unchecked while it is down", async () => {
    const lab = await setupLab();
    const broker = await setupBroker();
    const { screen } = await lab.run(
      [
        ...skipped,
        [/leased/, "Yes"],
        [/address/, "http://manager.example.com"],
        [/address/, broker.origin],
        [/API token/, "Enter it"],
        [/INTERNAL_API_TOKEN/, "wrong"],
        [/What now/, "Enter address"],
        [/address/, ""],
        [/API token/, "Enter it"],
        [/INTERNAL_API_TOKEN/, broker.token.expose()],
        [/What now/, "Take it unchecked"],
        [/machine's id/, ""],
        [/^Write /, ""],
      ],
      async (label) => {
        if (label.includes("broker") && broker.log.length > 0) await broker.stop();
        return undefined;
      },
    );
    expect(screen).toMatch(/refused: .*not https/);
    expect(screen).toMatch(/refused the API token \(HTTP 403\)/);
    expect(screen).toMatch(/cannot be reached from this machine/);
    // The machine's id was kept: the host's name goes on counting.
    expect(lab.settings()).toEqual({ lease: { baseUrl: broker.origin, internalApiTokenFile: "broker-token" } });
  });

  it("takes no http, not even on this machine, where the settings forbid it", async () => {
    const lab = await setupLab();
    lab.had({ lease: { allowInsecureLocalhost: false } });
    const answers: Answer[] = [...skipped, [/leased/, "Yes"], [/address/, "http://127.0.0.1:9"], [/address/, CTRL_C]];
    const screen = await lab.run(answers).catch((error: unknown) => error);
    expect(screen).toMatchObject({ code: "ERR_CANCELLED" });
    expect(lab.settings()).toEqual({ lease: { allowInsecureLocalhost: false } });
  });
});
