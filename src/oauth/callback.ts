// Judges a pasted callback address against the attempt it should belong to (facts/codex-oauth.md §1.3, §1.4).

import { createHash, timingSafeEqual } from "node:crypto";
import { LOGIN } from "../config/defaults.ts";
import { CodexAuthError } from "../errors.ts";
import { Secret } from "../secrets/secret.ts";
import { callbackAddresses } from "./callback-text.ts";
import { safeReason } from "./reason.ts";

/** The part of an attempt that a callback is held against. */
export interface ExpectedCallback {
  readonly redirectUri: string;
  readonly state: Secret;
}

const HOSTS = ["localhost", "127.0.0.1", "[::1]"];
const PASTE_WHOLE =
  "Paste the whole address from the browser's address bar: it starts with http://localhost and holds code= and state=.";
const USE_LATEST = "Open the latest sign-in link and paste the address it ends on, or start a new sign-in.";

/**
 * The authorization code in `text`. Nothing of `text` is repeated in an error.
 *
 * @throws CodexAuthError `ERR_CALLBACK_MALFORMED`, `ERR_CALLBACK_BARE_CODE`, `ERR_CALLBACK_STATE`: the attempt goes on;
 *   `ERR_CALLBACK_DENIED`: the sign-in itself was refused, the attempt has ended.
 */
export function parseCallback(text: string, expected: ExpectedCallback): { readonly code: Secret } {
  const query = readAddress(text, expected).searchParams;
  // State first, so that an unsolicited `error=` cannot end somebody's sign-in (server.rs does the same).
  checkState(query.getAll("state"), expected.state);
  const [error] = query.getAll("error");
  if (error !== undefined) throw denied(error, query.get("error_description") ?? "");
  const codes = query.getAll("code");
  const code = codes[0];
  if (codes.length !== 1 || code === undefined || !/^[\x21-\x7e]{1,4096}$/.test(code)) {
    throw malformed("That address does not hold exactly one code.", PASTE_WHOLE);
  }
  return { code: Secret.of(code) };
}

/** Whether both texts are equal, in a time that does not depend on where they differ. */
export function equalConstantTime(a: string, b: string): boolean {
  return timingSafeEqual(digest(a), digest(b));
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

function readAddress(text: string, { redirectUri, state }: ExpectedCallback): URL {
  if (text.length > LOGIN.maxCallbackChars) {
    throw malformed("That text is too long for a callback address.", PASTE_WHOLE);
  }
  const address = withScheme(meantAddress(text, state));
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(address)) throw notAnAddress(address);
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url === undefined) throw malformed("That is not a complete address.", PASTE_WHOLE);
  if (url.pathname === "/oauth/authorize") {
    throw malformed(
      "That is the sign-in link itself, not the address it leads to.",
      "Open it in a browser, sign in, and paste the address of the page you end on (that page may fail to load).",
    );
  }
  const redirect = new URL(redirectUri);
  const isOurs =
    url.protocol === redirect.protocol &&
    HOSTS.includes(url.hostname) &&
    url.port === redirect.port &&
    url.pathname === redirect.pathname &&
    url.username + url.password === "";
  if (!isOurs) throw malformed("That is not the address this sign-in ends on.", PASTE_WHOLE);
  return url;
}

/** The reading of `text` that has the attempt's own state; where none has it, the one to be refused in words. */
function meantAddress(text: string, state: Secret): string {
  const plain = text.replaceAll(/^[\s<>"'`]+|[\s<>"'`]+$/g, "");
  const readings = callbackAddresses(plain);
  const ours = readings.filter((reading) => valuesOf(reading, "state").some((value) => isState(value, state)));
  // The code itself may stand at the break, and a wrong one would use up the attempt.
  if (new Set(ours.map((reading) => valuesOf(reading, "code").join("&"))).size > 1) {
    throw malformed(
      "That address is broken over several lines, so that it cannot be told where its code ends.",
      "Paste it again in one line, with nothing behind it.",
    );
  }
  // Taken out of a sentence only where there is one: an address as a whole is judged as a whole.
  const isWhole = /^[a-z][a-z0-9+.-]*:\/\/\S+$/i.test(plain);
  return ours[0] ?? (isWhole ? plain : (readings[0] ?? plain));
}

function valuesOf(address: string, name: "code" | "state"): readonly string[] {
  const url = withScheme(address);
  return URL.canParse(url) ? new URL(url).searchParams.getAll(name) : [];
}

/** Some browsers copy the address without its scheme; host, port, path and state are checked all the same. */
function withScheme(plain: string): string {
  return /^(?:localhost|127\.0\.0\.1|\[::1\])[:/]/i.test(plain) ? `http://${plain}` : plain;
}

function isState(given: string, state: Secret): boolean {
  return equalConstantTime(given, state.expose());
}

/** A bare code cannot be tied to the attempt: whoever got a person to paste theirs would be signed in here (login CSRF). */
function notAnAddress(plain: string): CodexAuthError {
  if (plain === "" || /\s/.test(plain)) return malformed("There is no callback address in that message.", PASTE_WHOLE);
  return new CodexAuthError("ERR_CALLBACK_BARE_CODE", {
    message: "That is only a part of the callback address, so it cannot be checked that it belongs to this sign-in.",
    next: PASTE_WHOLE,
  });
}

function checkState(states: readonly string[], expected: Secret): void {
  const state = states[0];
  if (states.length > 1) throw malformed("That address holds more than one state.", PASTE_WHOLE);
  if (state === undefined || state === "") {
    throw new CodexAuthError("ERR_CALLBACK_STATE", {
      message: "That address has no state, so it cannot be checked that it belongs to this sign-in.",
      next: PASTE_WHOLE,
    });
  }
  if (isState(state, expected)) return;
  throw new CodexAuthError("ERR_CALLBACK_STATE", {
    message: "That address belongs to another sign-in (its state is not the one of this attempt).",
    next: USE_LATEST,
  });
}

function denied(error: string, description: string): CodexAuthError {
  // The only sign that a workspace lacks Codex is a word in the description (§1.3).
  if (description.includes("missing_codex_entitlement") || error.includes("missing_codex_entitlement")) {
    return new CodexAuthError("ERR_CALLBACK_DENIED", {
      message: "The sign-in worked, but that workspace has no access to Codex.",
      next: "Ask the workspace's admin to enable Codex, or start again and choose another workspace or account.",
    });
  }
  const reason = safeReason(error);
  return new CodexAuthError("ERR_CALLBACK_DENIED", {
    message:
      reason === "access_denied"
        ? "The sign-in was declined on the sign-in page."
        : `The sign-in page answered with an error${reason === undefined ? "" : ` (${reason})`}.`,
    next: "Start a new sign-in when you are ready.",
  });
}

function malformed(message: string, next: string): CodexAuthError {
  return new CodexAuthError("ERR_CALLBACK_MALFORMED", { message, next });
}
