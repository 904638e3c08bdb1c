// The systemd unit that the set-up offers to write, or prints.

import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { setup } from "../../../../src/hosts/cli/setup.ts";
import { BOT_UNIT } from "../../../../src/hosts/cli/setup/unit.ts";
import { CTRL_C, OWNER, setupLab, type Answer, type SetupLab } from "./setup-lab.ts";

const bot: readonly Answer[] = [
  [/bot's token/, ""],
  [/may use the bot/, ""],
  [/gateway hear/, ""],
  [/leased/, ""],
];

async function labWithManager(): Promise<SetupLab & { readonly unit: string }> {
  const runtime = join((await setupLab()).home, "run");
  mkdirSync(join(runtime, "systemd"), { recursive: true });
  const lab = await setupLab({ XDG_RUNTIME_DIR: runtime });
  lab.had({ telegram: { botToken: lab.telegram.token, allowFrom: [OWNER] } });
  return { ...lab, unit: join(lab.home, ".config", "systemd", "user", BOT_UNIT) };
}

describe("the unit of the bot", () => {
  it("is written after a yes, is then up to date, and only then told how to enable", async () => {
    const lab = await labWithManager();
    const no = await lab.run([...bot, [/as a service/, "n"]]);
    expect(() => statSync(lab.unit)).toThrow(/ENOENT/);
    expect(no.result.text).not.toContain("systemctl");
    const yes = await lab.run([...bot, [/as a service/, "y"]]);
    expect(yes.result.text).toMatch(/systemctl --user enable --now codex-auth-bot\.service[\s\S]*enable-linger/);
    expect(readFileSync(lab.unit, "utf8")).toContain(" bot\n");
    expect((await lab.run(bot)).screen).toContain("is in place");
    writeFileSync(lab.unit, readFileSync(lab.unit, "utf8").replace("RestartSec=5", "RestartSec=6"));
    await lab.run([...bot, [/up to date/, "y"]]);
    expect(readFileSync(lab.unit, "utf8")).toContain("RestartSec=5");
  });

  it("does not take the place of somebody else's without a yes to exactly that", async () => {
    const lab = await labWithManager();
    mkdirSync(dirname(lab.unit), { recursive: true });
    writeFileSync(lab.unit, "[Service]\nExecStart=/mine\n");
    const { screen } = await lab.run([...bot, [/Replace it/, "n"]]);
    expect(screen).toMatch(/was not made by this program/);
    await lab.run([...bot, [/Replace it/, CTRL_C]]);
    expect(readFileSync(lab.unit, "utf8")).toBe("[Service]\nExecStart=/mine\n");
  });

  it("is printed by --unit without a terminal, with the places that variables name and no token", async () => {
    const lab = await setupLab({ OPENCLAW_CONFIG_PATH: "/etc/open claw.json", CODEX_AUTH_BOT_TOKEN: "1:secret" });
    const { text = "", data } = await setup({ ...lab.call, options: { unit: true } });
    expect(text).toMatch(/^# Made by `codex-auth-skill setup`\.\n/);
    expect(text).toContain('Environment="OPENCLAW_CONFIG_PATH=/etc/open claw.json"\n');
    expect(text).not.toContain("secret");
    expect(data).toMatchObject({ name: BOT_UNIT, path: join(lab.home, ".config/systemd/user", BOT_UNIT) });
  });
});
