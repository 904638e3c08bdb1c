// The sentences a person gets where a sign-in attempt cannot be finished.

import { CodexAuthError, type ErrorCode } from "../errors.ts";
import type { EndReason } from "./attempt.ts";

const START_AGAIN = "Start a new sign-in and use its link.";

const ENDED: Record<EndReason, readonly [ErrorCode, string]> = {
  used: ["ERR_LOGIN_BURNT", "That sign-in link was already used; each works once."],
  denied: ["ERR_LOGIN_BURNT", "That sign-in was refused on the sign-in page and has ended."],
  replaced: ["ERR_LOGIN_BURNT", "A newer sign-in for the same profile has replaced that one."],
  cancelled: ["ERR_LOGIN_BURNT", "That sign-in was cancelled."],
  leaked: ["ERR_LOGIN_BURNT", "That sign-in was stopped because its address was shown where others could read it."],
  expired: ["ERR_LOGIN_EXPIRED", "That sign-in has expired: its time was over before it was finished."],
};

/** For an attempt that has ended, by `reason`. */
export function endedError(reason: EndReason): CodexAuthError {
  const [code, message] = ENDED[reason];
  return new CodexAuthError(code, { message, next: START_AGAIN });
}

/** For an attempt of somebody else, or of another chat: nothing is said about it. */
export function foreignError(): CodexAuthError {
  return new CodexAuthError("ERR_LOGIN_FOREIGN", {
    message: "That sign-in was not started by you in this chat.",
    next: "Start your own sign-in here.",
  });
}

/** For an address that belongs to this person's sign-in of another profile than the one named. */
export function otherProfileError(): CodexAuthError {
  return new CodexAuthError("ERR_LOGIN_FOREIGN", {
    message: "That address belongs to your sign-in of another profile.",
    next: "Paste it with that profile's name, or on its own.",
  });
}

/** Where there is nothing to finish. */
export function notPendingError(): CodexAuthError {
  return new CodexAuthError("ERR_LOGIN_NOT_PENDING", {
    message: "No sign-in is waiting for that.",
    next: "Start a sign-in first, then paste the address it ends on.",
  });
}
