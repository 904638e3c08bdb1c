// The section of the bot: its token, and whether a bot can live on it.

import { Secret } from "../../../secrets/secret.ts";
import { readBotToken } from "../../../config/config.ts";
import { toCodexAuthError } from "../../../errors.ts";
import type { Finding } from "../finding.ts";
import type { SetupFrame } from "./frame.ts";
import { judgeBotToken } from "./judge.ts";
import { openClawBots, sameBot, type OpenClawBot } from "./openclaw-bots.ts";
import { askSecret, type SecretChange } from "./secret-question.ts";
import { askTelegram, type BotVerdict } from "./telegram-check.ts";

/** What was decided about the bot. */
export interface BotChoice {
  readonly change: SecretChange;
  /** The token that the bot will run with; undefined: none. */
  readonly token: Secret | undefined;
  /** The bot's name, where Telegram answered and nothing stands in the way of listening. */
  readonly username: string | undefined;
}

/** Asks until there is a token that is right, or the person leaves it. */
export async function askBot(frame: SetupFrame): Promise<BotChoice> {
  const { ui, parts } = frame;
  const { environment, config } = parts;
  ui.heading("1 of 4 · The bot");
  const now = await tokenNow(frame);
  if (now === undefined)
    ui.note("It needs a bot of its own: write /newbot to @BotFather in Telegram; the answer holds its token.");
  const asLeft: BotChoice = { change: { kind: "keep" }, token: now, username: undefined };
  for (;;) {
    const change = await askSecret(ui, {
      what: "The bot's token",
      from: "@BotFather",
      set: now === undefined ? undefined : whereSet(frame),
      without: "No bot for now",
      judge: judgeBotToken,
      home: environment.home,
      uid: environment.uid,
    });
    const token = change.kind === "keep" ? now : change.secret;
    if (token === undefined) return asLeft;
    const used = sameBot(token, await openClawBots(parts));
    if (used !== undefined) {
      ui.tell([usedByOpenClaw(used)]);
      if ((await ask(ui, AFTER_CLASH)) === "leave") return asLeft;
      continue;
    }
    const answer = await checked(frame, token);
    if (answer.next === "another") continue;
    if (answer.next === "leave") return asLeft;
    return { change, token, username: answer.username };
  }

  async function checked({ ui: shown }: SetupFrame, token: Secret): Promise<Checked> {
    for (;;) {
      const verdict = await shown.working<BotVerdict>({
        label: "Asking Telegram who this bot is",
        run: (signal) => askTelegram({ token, apiRoot: config.telegram.apiRoot }, signal),
      });
      if (verdict === undefined) return { next: "leave" };
      shown.tell([verdict.finding]);
      if (verdict.kind === "ok") return { next: "take", username: verdict.username };
      const next = await ask(shown, AFTER_CHECK[verdict.kind]);
      if (next !== "again") return { next };
    }
  }
}

interface Checked {
  readonly next: "take" | "another" | "leave";
  readonly username?: string | undefined;
}

type Next = Checked["next"] | "again";
type Way = { readonly value: Next; readonly label: string; readonly hint?: string };

const ANOTHER: Way = { value: "another", label: "Enter another token" };
const LEAVE: Way = { value: "leave", label: "Leave the bot as it is set now", hint: "go on with the rest" };
const AFTER_CLASH: readonly Way[] = [ANOTHER, LEAVE];
const AFTER_CHECK: Readonly<Record<Exclude<BotVerdict["kind"], "ok">, readonly Way[]>> = {
  refused: [ANOTHER, LEAVE],
  webhook: [
    ANOTHER,
    { value: "take", label: "Take it all the same", hint: "until the webhook is gone it is silent" },
    LEAVE,
  ],
  unreachable: [{ value: "again", label: "Try again" }, { value: "take", label: "Take it unchecked" }, ANOTHER, LEAVE],
};

function ask(ui: SetupFrame["ui"], ways: readonly Way[]): Promise<Next> {
  return ui.choose("What now?", ways);
}

function usedByOpenClaw({ where }: OpenClawBot): Finding {
  return {
    what: "bot",
    state: "fail",
    text: `OpenClaw itself uses this bot (${where}): two programs that listen with one token take each other's messages`,
    next: "Make a second bot at @BotFather with /newbot. Or use the plugin: it answers inside OpenClaw's own bot, and needs none.",
  };
}

/** The token of now; what is wrong with its file is told, and then there is none. */
async function tokenNow({ ui, parts }: SetupFrame): Promise<Secret | undefined> {
  try {
    return await readBotToken(parts.config, parts.environment.uid);
  } catch (error) {
    const { message, next } = toCodexAuthError(error);
    ui.tell([{ what: "bot", state: "fail", text: message, next }]);
    return undefined;
  }
}

function whereSet({ parts }: SetupFrame): string {
  const { botToken } = parts.config.telegram;
  if (parts.environment.settings.botToken !== undefined) return "by CODEX_AUTH_BOT_TOKEN";
  return botToken instanceof Secret || botToken === undefined ? "in the settings file" : `in ${botToken.file}`;
}
