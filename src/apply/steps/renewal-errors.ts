// Why a login is not renewed, in words: each with what is true of its refresh token now.

import { CodexAuthError } from "../../errors.ts";
import type { Rotation } from "../rotations.ts";

const SIGN_IN = "Sign in again for this profile: that gives it a new login, and nothing else changes.";

/** A token that was presented before, and what that means for it. */
export function presentedBefore({ phase, reason }: Rotation): CodexAuthError {
  if (phase === "dead") {
    return new CodexAuthError("ERR_RENEWAL_DEAD", {
      message: `The sign-in server has ended this login${reason === undefined ? "" : ` (${reason})`}; it was not asked again.`,
      next: SIGN_IN,
    });
  }
  return new CodexAuthError("ERR_RENEWAL_UNKNOWN", {
    message:
      phase === "spent"
        ? "This login's refresh token was used before, so it is an old copy; it was not presented again."
        : "This login's refresh token was presented before and no answer came, so it may be used up; it was not presented again.",
    next: `${SIGN_IN} Until its access token expires it works as it is.`,
  });
}

/** A gateway that would go on with the old token. */
export function needsReload(): CodexAuthError {
  return new CodexAuthError("ERR_RENEWAL_UNSAFE", {
    message:
      "The running gateway would go on with the old refresh token, because your settings keep changes from it (`activation` is not `auto` or `reload`).",
    next: "Nothing was sent. Stop the gateway first, or let it renew the login itself at its next call.",
  });
}

/** An OpenClaw whose logins nobody else may renew. */
export function notHere(): CodexAuthError {
  return new CodexAuthError("ERR_RENEWAL_UNSAFE", {
    message: "This OpenClaw renews its logins itself, and nobody else may do it for it.",
    next: "Nothing was sent. It renews this one at its next call; or sign in again.",
  });
}

/** A credential that has nothing to renew it by. */
export function notRenewable(): CodexAuthError {
  return new CodexAuthError("ERR_RENEWAL_NONE", {
    message: "This profile holds nothing that could be renewed: there is no refresh token in it.",
    next: SIGN_IN,
  });
}

/** A refresh token that lies in a second place; `places` name them. */
export function hasSecondOwner(places: readonly string[]): CodexAuthError {
  return new CodexAuthError("ERR_TOKEN_SHARED", {
    message: `The same login lies in a second place (${places.join(", ")}): renewing it here would end it there, and its next use there would end it here too.`,
    next: "Nothing was sent. Give this profile a login of its own: sign in again for it.",
  });
}

/** Another agent's own store holds another login of the same account under the same name. */
export function hasOtherGeneration(agentId: string): CodexAuthError {
  return new CodexAuthError("ERR_TOKEN_SHARED", {
    message: `The agent ${agentId} has another login of this account under this name, perhaps a later one: to renew this one could end it.`,
    next: "Nothing was sent. Sign in again for this profile: then both agents have the same login, and one owner.",
  });
}

/** Somebody else's login came into the profile while the answer was on its way. */
export function overtaken(): CodexAuthError {
  return new CodexAuthError("ERR_RENEWAL_OVERTAKEN", {
    message: "Somebody else has changed this profile's login meanwhile; theirs was left as it is.",
    next: "The renewed login is kept: look at both with `/codex_auth parked`.",
  });
}

/** The login that came is somebody else's. */
export function otherAccount(): CodexAuthError {
  return new CodexAuthError("ERR_RENEWAL_OTHER_ACCOUNT", {
    message: "The sign-in server answered with a login of another account, so the profile was left as it is.",
    next: "The login that came is kept: look at it with `/codex_auth parked`. Then sign in again for this profile.",
  });
}

/** Too little is left of the time that the locks may be held. */
export function tooLate(): CodexAuthError {
  return new CodexAuthError("ERR_LOCK_LOST", {
    message: "Getting hold of OpenClaw's auth store took too long to renew a login under it.",
    next: "Nothing was sent; try again when OpenClaw is less busy.",
    retryable: true,
  });
}
