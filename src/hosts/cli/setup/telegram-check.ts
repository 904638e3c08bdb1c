// Asks Telegram who a token's bot is, and judges what that means for a bot that polls.

import { Api } from "grammy";
import { cleanText } from "../../../clean-text.ts";
import { SETUP } from "../../../config/defaults.ts";
import { isCodexAuthError } from "../../../errors.ts";
import type { Secret } from "../../../secrets/secret.ts";
import { apiSignal } from "../../telegram/api-signal.ts";
import { botApiFetch } from "../../telegram/bot-api.ts";
import { toTelegramError } from "../../telegram/telegram-error.ts";
import type { Finding } from "../finding.ts";

/** A bot's token, and where it is sent to. */
export interface BotDoor {
  readonly token: Secret;
  readonly apiRoot: string;
}

/** What Telegram said of the bot. */
interface BotFacts {
  readonly username: string;
  readonly webhookUrl: string;
}

/** Whether a bot can poll with that token. */
export interface BotVerdict {
  readonly kind: "ok" | "webhook" | "refused" | "unreachable";
  readonly finding: Finding;
  readonly username?: string;
}

/** A way to the Bot API for one token, until `lifetime` aborts. */
export function apiFor({ token, apiRoot }: BotDoor, lifetime: AbortSignal): Api {
  // `sensitiveLogs` would put the address of a call, and so the token, into error messages.
  const limits = { sensitiveLogs: false, timeoutSeconds: SETUP.telegramTimeoutSeconds };
  return new Api(token.expose(), { apiRoot, fetch: botApiFetch(apiRoot, lifetime), ...limits });
}

/** Asks, once, and changes nothing: no update is fetched, a webhook is left alone. */
export async function askTelegram(
  door: BotDoor,
  signal: AbortSignal,
  withinMs: number = SETUP.telegramWithinMs,
): Promise<BotVerdict> {
  const lifetime = AbortSignal.any([signal, AbortSignal.timeout(withinMs)]);
  const api = apiFor(door, lifetime);
  const within = apiSignal(lifetime);
  try {
    const { username } = await api.getMe(within);
    const { url = "" } = await api.getWebhookInfo(within);
    return judgeBot({ username, webhookUrl: url });
  } catch (error) {
    return judgeFailure(toTelegramError(error));
  }
}

/** What the bot's own answers mean. Pure. */
function judgeBot({ username, webhookUrl }: BotFacts): BotVerdict {
  const name = cleanText(username, 64);
  if (webhookUrl === "") return { kind: "ok", username: name, finding: ok(`Telegram knows it: @${name}`) };
  return {
    kind: "webhook",
    username: name,
    finding: {
      what: "bot",
      state: "fail",
      text: `@${name} has a webhook (${hostOf(webhookUrl)}): every message goes there, and this bot would hear none`,
      next: "Another program uses it: make a bot of its own at @BotFather, or have that program delete its webhook.",
    },
  };
}

/** What a failed call means. Pure. */
function judgeFailure(error: unknown): BotVerdict {
  if (isCodexAuthError(error, "ERR_TELEGRAM_TOKEN")) {
    return {
      kind: "refused",
      finding: {
        what: "bot",
        state: "fail",
        text: "Telegram does not know this token",
        next: "Copy it again from @BotFather; /revoke there makes a new one and ends the old.",
      },
    };
  }
  return {
    kind: "unreachable",
    finding: {
      what: "bot",
      state: "warn",
      text: "Telegram cannot be reached from here, so nobody knows yet whether the token is right",
      next: "Check this machine's network and its way to Telegram.",
    },
  };
}

function ok(text: string): Finding {
  return { what: "bot", state: "ok", text };
}

/** The path of a webhook is often its secret. */
function hostOf(url: string): string {
  return URL.canParse(url) ? cleanText(new URL(url).host, 100) : "its address is not shown";
}
