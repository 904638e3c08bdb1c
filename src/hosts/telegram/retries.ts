// Second tries of calls to Telegram: bounded, ended by a stop, and honouring what Telegram asks to wait.

import { setTimeout as delay } from "node:timers/promises";
import { autoRetry } from "@grammyjs/auto-retry";
import { HttpError, type Transformer } from "grammy";
import { TELEGRAM } from "../../config/defaults.ts";
import { apiSignal } from "./api-signal.ts";

/** Methods of the polling loop: it has its own patience, and words for the operator. */
const OF_POLLING: ReadonlySet<string> = new Set(["getUpdates", "getMe", "getWebhookInfo"]);

/**
 * Waits as long as 429 asks. auto-retry's own repetition of network failures is off: it has no bound, and its waits grow to an
 * hour, so the answer to a press would come when nobody wants it any more.
 */
export function waitWhenAsked(): Transformer {
  return autoRetry({
    maxRetryAttempts: TELEGRAM.retryAttempts,
    maxDelaySeconds: TELEGRAM.maxRetryAfterSeconds,
    rethrowHttpErrors: true,
    rethrowInternalServerErrors: true,
  });
}

/**
 * Tries again after a lost connection or a 5xx. A message may so be sent twice where only its confirmation was lost: its
 * buttons make the same job, and a missing answer would be worse.
 */
export function tryAgain(firstMs: number = TELEGRAM.retryFirstMs): Transformer {
  return async (prev, method, payload, signal) => {
    for (let attempt = 0; ; attempt += 1) {
      const isLast = attempt >= TELEGRAM.retryAttempts || OF_POLLING.has(method);
      try {
        const answer = await prev(method, payload, signal);
        if (answer.ok || answer.error_code < 500 || isLast) return answer;
      } catch (error) {
        if (!(error instanceof HttpError) || isLast || signal?.aborted === true) throw error;
      }
      await delay(firstMs * 2 ** attempt);
    }
  };
}

/** Ends every call that has no end of its own when `signal` aborts. */
export function endWith(signal: AbortSignal): Transformer {
  return (prev, method, payload, own) => prev(method, payload, own ?? apiSignal(signal));
}
