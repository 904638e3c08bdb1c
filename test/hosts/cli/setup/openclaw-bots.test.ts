import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readEnvironment } from "../../../../src/config/env.ts";
import { openClawPaths } from "../../../../src/config/paths.ts";
import { openClawBots, sameBot } from "../../../../src/hosts/cli/setup/openclaw-bots.ts";
import { Secret } from "../../../../src/secrets/secret.ts";
import { temporaryFolder } from "../../../support/temp-folder.ts";

const token = (id: number): string => [String(id), "x".repeat(30)].join(":");

async function bots(settings: string | undefined, more: { variables?: Record<string, string>; dotEnv?: string } = {}) {
  const home = await temporaryFolder();
  const stateDir = join(home, ".openclaw");
  mkdirSync(stateDir);
  if (settings !== undefined) writeFileSync(join(stateDir, "openclaw.json"), settings);
  if (more.dotEnv !== undefined) writeFileSync(join(stateDir, ".env"), more.dotEnv);
  writeFileSync(join(home, "token"), `${token(3)}\n`);
  const environment = readEnvironment({ HOME: home, ...more.variables });
  return openClawBots({ openClaw: openClawPaths(environment), environment });
}

describe("OpenClaw's own Telegram bots", () => {
  it("are found in its settings, its accounts, a file, and a variable", async () => {
    const found = await bots(
      `{ // JSON5
        channels: { telegram: { botToken: "${token(1)}", accounts: {
          work: { botToken: "${token(2)}" }, home: { tokenFile: "~/token" }, odd: 7,
        } } } }`,
      { dotEnv: `TELEGRAM_BOT_TOKEN=${token(4)}` },
    );
    expect(found.map(({ where }) => where)).toEqual([
      "channels.telegram.botToken",
      "channels.telegram.accounts.work.botToken",
      "channels.telegram.accounts.home.tokenFile",
      "TELEGRAM_BOT_TOKEN",
    ]);
    for (const id of [1, 2, 3, 4]) expect(sameBot(Secret.of(token(id)), found)).toBeDefined();
    expect(sameBot(Secret.of(token(5)), found)).toBeUndefined();
  });

  it("are the same bot with another token of it: a new one ends the old", async () => {
    const found = await bots(JSON.stringify({ channels: { telegram: { botToken: token(1) } } }));
    expect(sameBot(Secret.of(["1", "y".repeat(30)].join(":")), found)?.where).toBe("channels.telegram.botToken");
  });

  it("cannot be compared where only OpenClaw can open their token, and are none without a readable file", async () => {
    const found = await bots(JSON.stringify({ channels: { telegram: { botToken: "${BOT}", tokenFile: "/nowhere" } } }));
    expect(found.map(({ token: one }) => one)).toEqual([undefined, undefined]);
    expect(await bots("{ broken")).toEqual([]);
    expect(await bots(undefined)).toEqual([]);
    expect(await bots(undefined, { variables: { TELEGRAM_BOT_TOKEN: token(6) } })).toHaveLength(1);
  });
});
