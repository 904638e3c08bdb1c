// The account of OpenClaw's own Telegram bot, out of its settings: needed to take a pasted address out of the chat, for nothing else.

import { z } from "zod";
import { Secret } from "../../secrets/secret.ts";
import { readTextFile } from "../../storage/json-file.ts";
import { functionIn } from "./sdk.ts";

/** A bot of this OpenClaw. */
export interface TelegramAccount {
  readonly token: Secret;
  /** Root of the Bot API without a slash at its end: https, or http on this machine. */
  readonly apiRoot: string;
}

/** What is known of the surroundings. */
export interface AccountFrame {
  readonly settings: () => unknown;
  /** `TELEGRAM_BOT_TOKEN`, which counts for the default account. */
  readonly variable: string | undefined;
}

const text = z.string().min(1).optional().catch(undefined);
const accountSchema = z.object({ botToken: text, tokenFile: text, apiRoot: text });
const settingsSchema = z.object({
  channels: z.object({
    telegram: accountSchema.extend({ accounts: z.record(z.string(), accountSchema).optional().catch(undefined) }),
  }),
});

const PUBLIC_ROOT = "https://api.telegram.org";

/** The account `accountId`; undefined where its token is not to be had or must not be sent to where it says. */
export async function telegramAccount(accountId: string, frame: AccountFrame): Promise<TelegramAccount | undefined> {
  const told = await bySdk(accountId, frame.settings());
  const parsed = settingsSchema.safeParse(frame.settings());
  const telegram = parsed.success ? parsed.data.channels.telegram : undefined;
  const own = telegram?.accounts?.[accountId];
  const file = own?.tokenFile ?? telegram?.tokenFile;
  const token =
    told.token ??
    own?.botToken ??
    (file === undefined ? undefined : (await readTextFile(file, 4_096).catch(() => undefined))?.trim()) ??
    telegram?.botToken ??
    (accountId === "default" ? frame.variable : undefined);
  const apiRoot = (told.apiRoot ?? own?.apiRoot ?? telegram?.apiRoot ?? PUBLIC_ROOT).replace(/\/+$/, "");
  // `${NAME}` is filled in by OpenClaw, which did not tell us.
  if (token === undefined || token === "" || token.includes("${") || !mayReceiveToken(apiRoot)) return undefined;
  return { token: Secret.of(token), apiRoot };
}

/** From 2026.5.28 on OpenClaw's own code tells the account; earlier it is only in the settings. */
async function bySdk(
  accountId: string,
  cfg: unknown,
): Promise<{ readonly token?: string | undefined; readonly apiRoot?: string | undefined }> {
  try {
    const module: object = await import("openclaw/plugin-sdk/telegram-account");
    const resolve = functionIn(Object.fromEntries(Object.entries(module)), "resolveTelegramAccount");
    const found = await resolve?.({ cfg, accountId });
    const parsed = z.object({ token: text, config: z.object({ apiRoot: text }).optional() }).safeParse(found);
    return parsed.success ? { token: parsed.data.token, apiRoot: parsed.data.config?.apiRoot } : {};
  } catch {
    return {};
  }
}

function mayReceiveToken(apiRoot: string): boolean {
  if (!URL.canParse(apiRoot)) return false;
  const { protocol, hostname } = new URL(apiRoot);
  return protocol === "https:" || (protocol === "http:" && ["127.0.0.1", "localhost", "[::1]"].includes(hostname));
}
