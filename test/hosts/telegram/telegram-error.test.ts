// Errors of Telegram as ours: one sentence, a code, and nothing that names the bot's token.

import { inspect } from "node:util";
import { GrammyError, HttpError } from "grammy";
import { describe, expect, it } from "vitest";
import { CodexAuthError } from "../../../src/errors.ts";
import { errorFields, toTelegramError } from "../../../src/hosts/telegram/telegram-error.ts";
import { createLog } from "../../../src/secrets/log.ts";

const token = ["123456", "made-for-this-test"].join(":");
const address = `https://api.telegram.org/bot${token}/sendMessage`;

/** What node-fetch throws: its message quotes the whole address. */
function lostConnection(): HttpError {
  const inner = Object.assign(new Error(`request to ${address} failed, reason: connect ECONNREFUSED`), {
    code: "ECONNREFUSED",
  });
  return new HttpError("Network request for 'sendMessage' failed!", inner);
}

function refusal(code: number, description = "x"): GrammyError {
  return new GrammyError("Call to 'sendMessage' failed!", { ok: false, error_code: code, description }, "sendMessage", {
    text: "what was said",
  });
}

describe("toTelegramError", () => {
  it.each([
    [401, "ERR_TELEGRAM_TOKEN", false],
    [404, "ERR_TELEGRAM_TOKEN", false],
    [409, "ERR_TELEGRAM_CONFLICT", false],
    [500, "ERR_TELEGRAM_UNREACHABLE", true],
    [429, "ERR_TELEGRAM_UNREACHABLE", true],
  ])("makes %i into %s", (code, expected, retryable) => {
    expect(toTelegramError(refusal(code))).toMatchObject({ code: expected, retryable });
  });

  it("keeps the token out of every way an error may be printed", () => {
    const error = toTelegramError(lostConnection());
    expect(error).toMatchObject({ code: "ERR_TELEGRAM_UNREACHABLE" });
    const { cause } = error instanceof CodexAuthError ? error : { cause: undefined };
    expect(cause).toMatchObject({ name: "HttpError", code: "ECONNREFUSED" });
    expect(inspect([error, cause], { depth: 9, showHidden: true })).not.toContain(token);
  });

  it("leaves alone what is not Telegram's", () => {
    const own = new TypeError("x");
    expect(toTelegramError(own)).toBe(own);
  });
});

describe("the log", () => {
  it("gets method and code of a failed call, and neither its text nor its address", () => {
    const lines: string[] = [];
    const log = createLog((line) => lines.push(line), Date.now);
    for (const error of [refusal(400, "quotes what was said"), lostConnection()])
      log.error("telegram.update", error, errorFields(error));
    expect(lines[0]).toContain('"method":"sendMessage","telegramCode":400');
    expect(lines[1]).toContain('"network":"ECONNREFUSED"');
    expect(lines.join()).not.toContain("what was said");
    expect(lines.join()).not.toContain(token);
  });
});
