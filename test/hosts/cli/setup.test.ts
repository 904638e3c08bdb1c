// The set-up as a person goes through it, with Telegram and a broker that answer.

import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { setup } from "../../../src/hosts/cli/setup.ts";
import type { SandboxBroker } from "../../../src/sandbox/broker.ts";
import {
  CTRL_C,
  OWNER,
  setupBroker,
  setupLab,
  writesTheNumber,
  type Answer,
  type SetupLab,
} from "./setup/setup-lab.ts";

/** Somebody without any settings who sets up everything. */
function newcomer({ telegram }: SetupLab, broker: SandboxBroker): readonly Answer[] {
  return [
    [/bot's token/, "Enter it"],
    [/from @BotFather/, telegram.token],
    [/Nobody may/, "Add whoever"],
    [/Person 4242 wrote it, id 4242/, "y"],
    [/may use the bot: 4242/, ""],
    [/gateway hear/, "reload"],
    [/leased/, "Yes"],
    [/address/, broker.origin],
    [/API token/, "Enter it"],
    [/INTERNAL_API_TOKEN/, broker.token.expose()],
    [/machine's id/, "den"],
    [/^Write /, "y"],
  ];
}

describe("the set-up of everything", () => {
  it("checks each part live, writes 0600 files at the end, and shows no token", async () => {
    const lab = await setupLab();
    const broker = await setupBroker();
    const { result, screen } = await lab.run(newcomer(lab, broker), writesTheNumber(lab, 777));

    expect(screen).toContain("@fake_codex_auth_bot");
    expect(screen).toContain("JSON store in one file (2026.4.5)");
    expect(screen).toMatch(/agents: main/);
    expect(screen).toMatch(/takes the token; no lease was asked for/);
    expect(lab.settings()).toEqual({
      telegram: { botTokenFile: "bot-token", allowFrom: ["4242"] },
      activation: "reload",
      lease: { baseUrl: broker.origin, internalApiTokenFile: "broker-token", machineId: "den" },
    });
    const { root } = lab.paths;
    expect(readFileSync(join(root, "bot-token"), "utf8").trim()).toBe(lab.telegram.token);
    expect(readFileSync(join(root, "broker-token"), "utf8").trim()).toBe(broker.token.expose());
    for (const name of ["config.json", "bot-token", "broker-token"])
      expect(statSync(join(root, name)).mode & 0o777).toBe(0o600);
    for (const secret of [lab.telegram.token, broker.token.expose()]) {
      expect(screen + result.text).not.toContain(secret);
      expect(JSON.stringify(lab.settings())).not.toContain(secret);
    }
    // What was seen of OpenClaw's logins, and of the lease, is as before.
    expect(broker.log.map(({ action, status }) => [action, status])).toEqual([["get", 404]]);
    expect(broker.leases()).toEqual([]);
  });

  it("changes nothing where it is stopped, at whichever question", async () => {
    const lab = await setupLab();
    const broker = await setupBroker();
    const all = newcomer(lab, broker);
    const before = lab.everything();
    for (const [index, [question]] of all.entries()) {
      const answers: Answer[] = [...all.slice(0, index), [question, CTRL_C]];
      await expect(lab.run(answers, writesTheNumber(lab))).rejects.toMatchObject({ code: "ERR_CANCELLED" });
      expect(lab.everything()).toBe(before);
    }
    const last: Answer[] = [...all.slice(0, -1), [/^Write /, "n"]];
    await expect(lab.run(last, writesTheNumber(lab))).rejects.toMatchObject({ code: "ERR_CANCELLED" });
    expect(lab.everything()).toBe(before);
  });

  it("keeps everything where Enter is pressed at each question, to the byte", async () => {
    const lab = await setupLab();
    const broker = await setupBroker();
    lab.had({
      telegram: { botToken: lab.telegram.token, allowFrom: [OWNER] },
      timeZone: "Europe/Berlin",
      lease: { baseUrl: broker.origin, apiKey: broker.token.expose(), autoRotate: true },
      activation: "restart",
    });
    const before = lab.everything();
    const { result, screen } = await lab.run([
      [/bot's token \(set in the settings file\)/, ""],
      [/may use the bot: 4242/, ""],
      [/gateway hear/, ""],
      [/leases from/, ""],
    ]);
    expect(screen).toContain("nothing is written");
    expect(result.text).toContain("Unchanged");
    expect(lab.everything()).toBe(before);
  });

  it("refuses a file that does not parse, or has a key that it does not know, and asks nothing", async () => {
    const lab = await setupLab();
    lab.had({ telegram: {}, future: 1 });
    const before = lab.everything();
    await expect(lab.run([])).rejects.toMatchObject({ code: "ERR_CONFIG_INVALID" });
    expect(lab.everything()).toBe(before);
    writeFileSync(lab.paths.config, '{"telegram": {', { mode: 0o600 });
    await expect(lab.run([])).rejects.toMatchObject({ code: "ERR_FILE_NOT_JSON" });
    expect(readFileSync(lab.paths.config, "utf8")).toBe('{"telegram": {');
  });

  it("names a variable that cannot be taken before it asks anything", async () => {
    const lab = await setupLab({ AUTH_MANAGER_REFRESH_INTERVAL_MS: "soon" });
    await expect(lab.run([])).rejects.toMatchObject({
      code: "ERR_CONFIG_INVALID",
      message: expect.stringContaining("AUTH_MANAGER_REFRESH_INTERVAL_MS"),
    });
  });

  it("without a terminal says what belongs where, as a wrong call", async () => {
    const lab = await setupLab();
    await expect(setup(lab.call)).rejects.toMatchObject({
      code: "ERR_USAGE",
      next: expect.stringMatching(/bot-token \(mode 0600\).*botTokenFile.*config\.json/),
    });
  });
});
