// The bot's limits and waits, as numbers that a test may shorten.

import { TELEGRAM } from "../../config/defaults.ts";

/** Every limit of the bot; units are in the names, defaults in `config/defaults.ts`. */
export type TelegramLimits = { readonly [Name in keyof typeof TELEGRAM]: number };

/** The defaults with `changes` laid over them. */
export function telegramLimits(changes: Partial<TelegramLimits> = {}): TelegramLimits {
  return { ...TELEGRAM, ...changes };
}
