// What an error of Telegram means for us; grammY's own errors stop here, for their inner ones hold the token in an address.

import { GrammyError, HttpError } from "grammy";
import { CodexAuthError, systemCode } from "../../errors.ts";
import type { LogFields } from "../../secrets/log.ts";

/** The message shows already what it should show: that is success. */
export function isNotModified(error: unknown): boolean {
  return isRefusal(error, 400, /message is not modified/i);
}

/** The message is gone or can no longer be changed: what it should show needs a new one. */
export function isUneditable(error: unknown): boolean {
  return isRefusal(error, 400, /message to edit not found|message can't be edited|MESSAGE_ID_INVALID/i);
}

/** The message to remove is not there any more. */
export function isGone(error: unknown): boolean {
  return isRefusal(error, 400, /message to delete not found/i);
}

/** The press is too old to be answered, or was answered. */
export function isQueryTooOld(error: unknown): boolean {
  return isRefusal(error, 400, /query is too old|QUERY_ID_INVALID/i);
}

/** Another poller took the token's updates over. */
export function isConflict(error: unknown): boolean {
  return isRefusal(error, 409, /./);
}

/** The seconds that Telegram asks to wait, if it does. */
export function retryAfterSeconds(error: unknown): number | undefined {
  return error instanceof GrammyError ? error.parameters.retry_after : undefined;
}

/** `error` as one of ours: token, conflict or no connection; anything else stays what it is. */
export function toTelegramError(error: unknown): unknown {
  const cause = nameOnly(error);
  if (isRefusal(error, 401, /./) || isRefusal(error, 404, /./)) {
    return new CodexAuthError("ERR_TELEGRAM_TOKEN", {
      message: "Telegram does not know this bot token.",
      next: "Copy the token again from @BotFather and start the bot again.",
      cause,
    });
  }
  if (isConflict(error)) return conflictError(cause);
  if (error instanceof HttpError || error instanceof GrammyError) {
    return new CodexAuthError("ERR_TELEGRAM_UNREACHABLE", {
      message: "Telegram cannot be reached.",
      next: "Check this machine's network; the bot keeps trying.",
      retryable: true,
      cause,
    });
  }
  return error;
}

/** The error of a token that something else uses. */
export function conflictError(cause?: unknown): CodexAuthError {
  return new CodexAuthError("ERR_TELEGRAM_CONFLICT", {
    message: "OpenClaw's own bot or another copy uses this token.",
    next: "Make one for this bot at @BotFather, or stop the other copy.",
    cause,
  });
}

/** What the operator's log may know of a failed call: the method and the code, never a text of the call or its address. */
export function errorFields(error: unknown): LogFields {
  if (error instanceof GrammyError) return { method: error.method, telegramCode: error.error_code };
  if (error instanceof HttpError) return { network: systemCode(error.error) ?? "failed" };
  return {};
}

function isRefusal(error: unknown, code: number, description: RegExp): boolean {
  return error instanceof GrammyError && error.error_code === code && description.test(error.description);
}

/** node-fetch puts the whole address, and so the token, into its message: of the inner error only name and code go on. */
function nameOnly(error: unknown): Error | undefined {
  if (!(error instanceof Error)) return undefined;
  const code = error instanceof HttpError ? systemCode(error.error) : undefined;
  return Object.assign(new Error(error.name), { name: error.name, ...(code === undefined ? {} : { code }) });
}
