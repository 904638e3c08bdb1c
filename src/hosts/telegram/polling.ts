// The long-polling loop: updates in, offsets out, and patience with a network that comes and goes.

import { setTimeout as delay } from "node:timers/promises";
import { type Bot, BotError } from "grammy";
import type { Update, UserFromGetMe } from "grammy/types";
import { CodexAuthError, isCodexAuthError } from "../../errors.ts";
import type { Log } from "../../secrets/log.ts";
import { apiSignal } from "./api-signal.ts";
import type { TelegramLimits } from "./limits.ts";
import { conflictError, errorFields, isConflict, retryAfterSeconds, toTelegramError } from "./telegram-error.ts";
import { UpdateOffset } from "./update-offset.ts";

/** What a {@link Poller} is made of. */
export interface PollerOptions {
  readonly bot: Bot;
  readonly limits: TelegramLimits;
  readonly now: () => number;
  readonly log: Log;
  /** One sentence for the operator's terminal. */
  readonly print: (line: string) => void;
  /** Ends the loop; what is under way may finish. */
  readonly stop: AbortSignal;
}

/**
 * Polls for one bot. grammY's own loop is not used: it handles one update at a time, so that one person's slow sign-in would
 * hold up everybody, and it confirms an update that a crash then loses.
 */
export class Poller {
  readonly #options: PollerOptions;
  readonly #offset = new UpdateOffset();
  #confirmed: number | undefined;
  #backoffMs: number;
  #isAway = false;
  #lastConflictAt: number | undefined;

  constructor(options: PollerOptions) {
    this.#options = options;
    this.#backoffMs = options.limits.backoffMinMs;
  }

  /**
   * Who the bot is; waits for a network where there is none.
   *
   * @throws CodexAuthError `ERR_TELEGRAM_TOKEN`; `ERR_CANCELLED` where `stop` came first; `ERR_TELEGRAM_CONFLICT` where a webhook takes the bot's messages elsewhere:
   * it is left alone, for it may be how OpenClaw's own bot works.
   */
  async connect(): Promise<UserFromGetMe> {
    const { bot, stop } = this.#options;
    const me = await this.#patiently(() => bot.api.getMe(apiSignal(stop)));
    const { url = "" } = await this.#patiently(() => bot.api.getWebhookInfo(apiSignal(stop)));
    if (url !== "") throw conflictError();
    return me;
  }

  /**
   * Polls until `stop`, then waits for what is under way and confirms what was handled.
   *
   * @throws CodexAuthError `ERR_TELEGRAM_TOKEN`, `ERR_TELEGRAM_CONFLICT`.
   */
  async run(): Promise<void> {
    const { limits, stop } = this.#options;
    try {
      while (!stop.aborted) {
        for (const update of await this.#next()) if (this.#offset.begin(update.update_id)) void this.#handle(update);
        // Unconfirmed updates come back at once: without a pause this would ask in circles.
        await within(this.#offset.idle(), limits.repollMs, stop);
      }
    } finally {
      await within(this.#offset.idle(), limits.stopGraceMs);
      await this.#confirm();
    }
  }

  async #next(): Promise<readonly Update[]> {
    const { bot, limits, stop } = this.#options;
    try {
      return await this.#patiently(() => {
        const { offset } = this.#offset;
        this.#confirmed = offset;
        return bot.api.getUpdates(
          {
            timeout: limits.pollSeconds,
            allowed_updates: ["message", "edited_message", "callback_query"],
            ...(offset === undefined ? {} : { offset }),
          },
          apiSignal(stop),
        );
      });
    } catch (error) {
      if (stop.aborted) return [];
      throw error;
    }
  }

  async #handle(update: Update): Promise<void> {
    const { bot, limits, log } = this.#options;
    const { update_id: id } = update;
    const timer = setTimeout(() => {
      log.warn("telegram.slow-update", { afterMs: limits.handledAfterMs });
      this.#offset.end(id);
    }, limits.handledAfterMs);
    try {
      await bot.handleUpdate(update);
    } catch (error) {
      if (error instanceof BotError) await bot.errorHandler(error);
      else log.error("telegram.update", error);
    } finally {
      clearTimeout(timer);
      this.#offset.end(id);
    }
  }

  /** Telegram forgets an update only when it is asked for a later one; without this the last ones would come again. */
  async #confirm(): Promise<void> {
    const { offset } = this.#offset;
    if (offset === undefined || offset === this.#confirmed) return;
    const { bot, limits, log } = this.#options;
    const signal = apiSignal(AbortSignal.timeout(limits.stopGraceMs));
    await bot.api.getUpdates({ offset, limit: 1, timeout: 0 }, signal).catch((error: unknown) => {
      log.warn("telegram.confirm", errorFields(error));
    });
  }

  async #patiently<T>(call: () => Promise<T>): Promise<T> {
    const { stop, limits, print } = this.#options;
    for (;;) {
      if (stop.aborted) throw givenUp();
      try {
        const answer = await call();
        if (this.#isAway) print("Telegram can be reached again.");
        this.#isAway = false;
        this.#backoffMs = limits.backoffMinMs;
        return answer;
      } catch (error) {
        if (stop.aborted) throw givenUp();
        await this.#pauseAfter(error);
      }
    }
  }

  async #pauseAfter(error: unknown): Promise<void> {
    const { limits, log, print, stop, now } = this.#options;
    log.warn("telegram.poll", errorFields(error));
    if (isConflict(error)) {
      const before = this.#lastConflictAt;
      if (before !== undefined && now() - before < limits.conflictWindowMs) throw conflictError();
      this.#lastConflictAt = now();
      return pause(limits.conflictPauseMs, stop);
    }
    const known = toTelegramError(error);
    if (!isCodexAuthError(known, "ERR_TELEGRAM_UNREACHABLE")) throw known;
    if (!this.#isAway) print(`${known.message} ${known.next}`);
    this.#isAway = true;
    const askedMs = (retryAfterSeconds(error) ?? 0) * 1_000;
    await pause(Math.max(this.#backoffMs, askedMs), stop);
    this.#backoffMs = Math.min(this.#backoffMs * 2, limits.backoffMaxMs);
  }
}

function givenUp(): CodexAuthError {
  return new CodexAuthError("ERR_CANCELLED", {
    message: "The bot was stopped before it could reach Telegram.",
    next: "Start it again when this machine has a network.",
  });
}

/** Waits for `work`, but not longer than `ms`. */
async function within(work: Promise<void>, ms: number, stop?: AbortSignal): Promise<void> {
  const done = new AbortController();
  const end = (): void => done.abort();
  // Not `AbortSignal.any`: with each poll it would leave 120 bytes for good on the signal that lives as long as the bot.
  stop?.addEventListener("abort", end, { once: true });
  if (stop?.aborted === true) end();
  try {
    await Promise.race([work, pause(ms, done.signal)]);
  } finally {
    stop?.removeEventListener("abort", end);
    end();
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => undefined);
}
