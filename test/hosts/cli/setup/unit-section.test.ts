// The systemd unit that the set-up offers to write, or prints.

import { mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
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

async function labWithManager(
  variables: Readonly<Record<string, string>> = {},
): Promise<SetupLab & { readonly unit: string }> {
  const runtime = join((await setupLab()).home, "run");
  mkdirSync(join(runtime, "systemd"), { recursive: true });
  const lab = await setupLab({ XDG_RUNTIME_DIR: runtime, ...variables });
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

  it("is not offered where the token is only in a variable, which a service does not have", async () => {
    const token = ["700000001", "x".repeat(30)].join(":");
    const lab = await labWithManager({ CODEX_AUTH_BOT_TOKEN: token });
    lab.had({ telegram: { allowFrom: [OWNER] } });
    lab.telegram.faults.drop("getMe", { times: 9 });
    const answers: Answer[] = [[/bot's token/, ""], [/What now/, "Leave"], ...bot.slice(1)];
    const { result, screen } = await lab.run(answers);
    expect(screen).toMatch(/No service is offered.*CODEX_AUTH_BOT_TOKEN/);
    expect(screen + result.text).not.toContain(token);
    expect(result.text).not.toContain("systemctl");
    expect(result.text).toContain("Start the bot: `codex-auth-skill bot`");
    expect(() => statSync(lab.unit)).toThrow(/ENOENT/);
  });

  it("is offered with the names of variables that it will not have, and a list in one of them is none to it", async () => {
    const lab = await labWithManager({ CODEX_AUTH_ALLOW_FROM: "4343" });
    lab.had({ telegram: { botToken: lab.telegram.token } });
    const { result, screen } = await lab.run([
      [/bot's token/, ""],
      [/Nobody may/, "Nobody"],
      ...bot.slice(2),
      [/as a service/, "y"],
    ]);
    expect(screen).toMatch(/has none of these variables.*CODEX_AUTH_ALLOW_FROM/);
    expect(screen).not.toContain("4343");
    expect(result.text).toMatch(/systemctl[\s\S]*Nobody may use it yet/);
  });

  it("that cannot be written is a finding: the summary and the next steps are told all the same", async () => {
    const lab = await labWithManager();
    mkdirSync(join(lab.home, ".config", "systemd"), { recursive: true });
    symlinkSync("/nowhere/at/all", dirname(lab.unit));
    const { result, screen } = await lab.run([...bot, [/as a service/, "y"]]);
    expect(screen).toMatch(/! unit: it was not written: .*\n +→ /);
    expect(result.text).toMatch(/Unchanged: [\s\S]*Start the bot: `codex-auth-skill bot`/);
    expect(result.text).not.toContain("systemctl");
  });

  it("is printed by --unit without a terminal, with the places that variables name and no token", async () => {
    const lab = await setupLab({ OPENCLAW_CONFIG_PATH: "/etc/open claw.json", CODEX_AUTH_BOT_TOKEN: "1:secret" });
    let told = "";
    lab.call.host.stderr.on("data", (chunk: Buffer) => (told += chunk.toString()));
    const { text = "", data } = await setup({ ...lab.call, options: { unit: true } });
    await expect.poll(() => told).toMatch(/none of these variables.*CODEX_AUTH_BOT_TOKEN/);
    expect(told).not.toMatch(/secret|OPENCLAW_CONFIG_PATH/);
    expect(text).toMatch(/^# Made by `codex-auth-skill setup`\.\n/);
    expect(text).toContain('Environment="OPENCLAW_CONFIG_PATH=/etc/open claw.json"\n');
    expect(text).not.toContain("secret");
    expect(data).toMatchObject({ name: BOT_UNIT, path: join(lab.home, ".config/systemd/user", BOT_UNIT) });
  });
});
