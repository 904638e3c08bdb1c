// The one sink for the operator's log: one JSON line per event, redacted.

import { LOG_FILE } from "../config/defaults.ts";
import { isCodexAuthError, systemCode } from "../errors.ts";
import { redact } from "./redact.ts";

/** Facts of one event; never a secret, and it is redacted all the same. */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

/** Where the operator's log goes. */
export interface Log {
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, error: unknown, fields?: LogFields): void;
}

/** A log that hands finished lines (without line end) to `write`. */
export function createLog(write: (line: string) => void, now: () => number): Log {
  const emit = (level: string, event: string, fields: LogFields): void => {
    write(redact(JSON.stringify({ at: new Date(now()).toISOString(), level, event, ...fields })));
  };
  return {
    info: (event, fields = {}) => emit("info", event, fields),
    warn: (event, fields = {}) => emit("warn", event, fields),
    error: (event, error, fields = {}) => emit("error", event, { ...fields, ...errorFields(error) }),
  };
}

/** A log that leaves out an error that it was told within the last `LOG_FILE.repeatMs`: the same one every minute would fill the disk. */
export function withoutRepeats(log: Log, now: () => number): Log {
  const told = new Map<string, number>();
  return {
    info: (event, fields) => log.info(event, fields),
    warn: (event, fields) => log.warn(event, fields),
    error: (event, error, fields) => {
      const key = `${event} ${isCodexAuthError(error) ? error.code : (systemCode(error) ?? "")}`;
      const at = told.get(key);
      if (at !== undefined && Math.abs(now() - at) < LOG_FILE.repeatMs) return;
      told.set(key, now());
      log.error(event, error, fields);
    },
  };
}

/** A log that keeps nothing. */
export const silentLog: Log = { info: () => undefined, warn: () => undefined, error: () => undefined };

function errorFields(error: unknown): LogFields {
  if (isCodexAuthError(error)) {
    const cause = error.cause;
    return {
      code: error.code,
      message: error.message,
      cause:
        cause instanceof Error
          ? `${cause.name}${systemCode(cause) === undefined ? "" : ` ${systemCode(cause)}`}`
          : undefined,
      stack: error.code === "ERR_INTERNAL" && cause instanceof Error ? stackFrames(cause) : undefined,
    };
  }
  return error instanceof Error
    ? { code: systemCode(error), message: error.name, stack: stackFrames(error) }
    : { message: typeof error };
}

/** Where it happened, without the message: messages of other libraries may quote what they were given. */
function stackFrames(error: Error): string {
  return (error.stack ?? "")
    .split("\n")
    .filter((line) => line.trimStart().startsWith("at "))
    .slice(0, 8)
    .join(" | ");
}
