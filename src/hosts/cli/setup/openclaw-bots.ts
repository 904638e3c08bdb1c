// The Telegram bots that OpenClaw itself uses, as far as its files tell: two programs that poll one token break each other.

import { join } from "node:path";
import { parseEnv } from "node:util";
import { z } from "zod";
import { expandUserPath } from "../../../config/paths.ts";
import { Secret } from "../../../secrets/secret.ts";
import { readTextFile } from "../../../storage/json-file.ts";
import { readJson5File } from "../../../storage/json5-file.ts";
import type { Parts } from "../../services.ts";
import { botIdOf } from "./judge.ts";

/** A bot of OpenClaw. */
export interface OpenClawBot {
  /** Where its token is named, such as `channels.telegram.botToken`. */
  readonly where: string;
  /** Undefined where only OpenClaw can open it (a reference, a file that is not ours to read). */
  readonly token: Secret | undefined;
}

const entrySchema = z.object({ botToken: z.unknown().optional(), tokenFile: z.unknown().optional() });
const settingsSchema = z.object({
  channels: z.object({ telegram: entrySchema.extend({ accounts: z.record(z.string(), z.unknown()).catch({}) }) }),
});
const VARIABLE = "TELEGRAM_BOT_TOKEN";

/** Every bot that is named; empty where OpenClaw has none, or where its settings cannot be read. */
export async function openClawBots({
  openClaw,
  environment,
}: Pick<Parts, "openClaw" | "environment">): Promise<readonly OpenClawBot[]> {
  const home = environment.openclaw.home ?? environment.home;
  const settings = await readJson5File(openClaw.configPath).catch(() => undefined);
  const telegram = settingsSchema.safeParse(withAccounts(settings)).data?.channels.telegram;
  const bots: OpenClawBot[] = [];
  const add = async (where: string, value: unknown): Promise<void> => {
    const entry = entrySchema.safeParse(value).data ?? {};
    if (isNamed(entry.botToken)) bots.push({ where: `${where}.botToken`, token: plain(entry.botToken) });
    if (isNamed(entry.tokenFile)) {
      const path = typeof entry.tokenFile === "string" ? expandUserPath(entry.tokenFile, home) : "";
      const text = await readTextFile(path, 4_096).catch(() => undefined);
      bots.push({ where: `${where}.tokenFile`, token: plain(text?.trim()) });
    }
  };
  await add("channels.telegram", telegram);
  for (const [name, account] of Object.entries(telegram?.accounts ?? {}))
    await add(`channels.telegram.accounts.${name}`, account);
  const dotEnv = parseEnv((await readTextFile(join(openClaw.stateDir, ".env")).catch(() => undefined)) ?? "");
  const inVariable = environment.openclaw.telegramToken ?? dotEnv[VARIABLE];
  if (isNamed(inVariable)) bots.push({ where: VARIABLE, token: plain(inVariable) });
  return bots;
}

/** The bot of OpenClaw that `token` opens too: a bot has one token at a time, so its id decides. Pure. */
export function sameBot(token: Secret, bots: readonly OpenClawBot[]): OpenClawBot | undefined {
  return bots.find((bot) => bot.token !== undefined && botIdOf(bot.token) === botIdOf(token));
}

/** The schema's default for `accounts` does not reach into an absent key. */
function withAccounts(settings: unknown): unknown {
  const record = z.looseObject({ channels: z.looseObject({ telegram: z.looseObject({}) }) }).safeParse(settings).data;
  if (record === undefined) return settings;
  return { channels: { telegram: { accounts: {}, ...record.channels.telegram } } };
}

function isNamed(value: unknown): boolean {
  return value !== undefined && value !== null && value !== "";
}

/** `${NAME}` and references are filled in by OpenClaw, which does not tell us. */
function plain(value: unknown): Secret | undefined {
  return typeof value === "string" && /^\d+:\S+$/.test(value) ? Secret.of(value) : undefined;
}
