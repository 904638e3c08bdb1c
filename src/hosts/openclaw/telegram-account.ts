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
// A token may be named by something that only OpenClaw can open, such as a reference to a secret.
const accountSchema = z.object({ botToken: z.unknown().optional(), tokenFile: z.unknown().optional(), apiRoot: text });
type AccountEntry = z.infer<typeof accountSchema>;
const settingsSchema = z.object({
  channels: z.object({
    telegram: accountSchema.extend({ accounts: z.record(z.string(), z.unknown()).optional() }),
  }),
});

const DEFAULT = "default";
const PUBLIC_ROOT = "https://api.telegram.org";

/** The account `accountId`; undefined where its token is not to be had or must not be sent to where it says. */
export async function telegramAccount(accountId: string, frame: AccountFrame): Promise<TelegramAccount | undefined> {
  const told = await bySdk(accountId, frame.settings());
  const parsed = settingsSchema.safeParse(frame.settings());
  const telegram = parsed.success ? parsed.data.channels.telegram : undefined;
  const own = entryOf(telegram?.accounts ?? {}, accountId);
  if (own === "unknown") return undefined;
  // Another bot's token would take another message with that number away: what an account names for itself is all that counts.
  const token =
    told.token ??
    (namesToken(own)
      ? await tokenIn(own)
      : namesToken(telegram)
        ? await tokenIn(telegram)
        : accountId === DEFAULT
          ? frame.variable
          : undefined);
  const apiRoot = (told.apiRoot ?? own?.apiRoot ?? telegram?.apiRoot ?? PUBLIC_ROOT).replace(/\/+$/, "");
  // `${NAME}` is filled in by OpenClaw, which did not tell us.
  if (token === undefined || token === "" || token.includes("${") || !mayReceiveToken(apiRoot)) return undefined;
  return { token: Secret.of(token), apiRoot };
}

/** The account's own entry; undefined where it has none because it is the only one, "unknown" where nobody can tell its bot. */
function entryOf(accounts: Readonly<Record<string, unknown>>, accountId: string): AccountEntry | "unknown" | undefined {
  const names = Object.keys(accounts);
  // OpenClaw compares them so.
  const name = names.find((one) => one.trim().toLowerCase() === accountId.trim().toLowerCase());
  if (name === undefined) return accountId === DEFAULT || names.length === 0 ? undefined : "unknown";
  const parsed = accountSchema.safeParse(accounts[name]);
  return parsed.success ? parsed.data : "unknown";
}

function namesToken(entry: AccountEntry | undefined): entry is AccountEntry {
  return isNamed(entry?.tokenFile) || isNamed(entry?.botToken);
}

function isNamed(value: unknown): boolean {
  return value !== undefined && value !== null && value !== "";
}

/** The token that an entry names, by its file first, as OpenClaw reads it; undefined where it cannot be read here. */
async function tokenIn({ tokenFile, botToken }: AccountEntry): Promise<string | undefined> {
  if (!isNamed(tokenFile)) return text.parse(botToken);
  const file = text.parse(tokenFile);
  return file === undefined ? undefined : (await readTextFile(file, 4_096).catch(() => undefined))?.trim();
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
