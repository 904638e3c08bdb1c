// Why a job cannot go on with the login it was given, in words.

import { CodexAuthError } from "../../errors.ts";

/** The error of a job whose secret half is gone. */
export function noSecret(): CodexAuthError {
  return new CodexAuthError("ERR_JOB_SECRET_MISSING", {
    message: "The tokens of this job are not on the disk any more.",
    next: "Begin again, with a new sign-in or lease; the store was not changed by this job.",
  });
}

/** The error of a login whose refresh token was used up meanwhile. */
export function spent(): CodexAuthError {
  return new CodexAuthError("ERR_TOKEN_SPENT", {
    message: "This login was renewed since it was put aside, so what is kept of it here is used up.",
    next: "Nothing was changed. Throw it away with `/codex_auth parked`, and sign in again if you need it.",
  });
}
