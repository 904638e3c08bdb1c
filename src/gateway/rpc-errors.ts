// What a failed conversation with the gateway becomes: one coded error each, without the gateway's own words.

import { CodexAuthError } from "../errors.ts";

/** The connection ended. */
export function closed(code: number, greeted: boolean): CodexAuthError {
  // 1013 (try again later) is how 2026.5.28 closes a connection that came too early.
  if (code === 1013 && !greeted) return starting();
  // 1008 (policy violation) is how the gateway turns away a caller whose token or scopes it does not accept.
  return code === 1008 && !greeted ? notAccepted() : unreachable();
}

/** What a refusal of the gateway says in words meant for programs. */
export interface Refusal {
  readonly code?: string | undefined;
  readonly details?: { readonly code?: string | undefined; readonly reason?: string | undefined } | undefined;
}

/** The gateway said no to a call. */
export function refused(method: string, { code, details }: Refusal): CodexAuthError {
  // 2026.5.28 lets callers in before all of its methods are there.
  if (code === "UNAVAILABLE" && (method === "connect" || details?.reason === "startup-sidecars")) return starting();
  if (method === "connect") return details?.code === "PROTOCOL_MISMATCH" ? unexpected(method) : notAccepted();
  return new CodexAuthError("ERR_GATEWAY_RPC", {
    message: `The gateway refused ${method}.`,
    next: "Look at the gateway's log of this moment; `openclaw secrets reload` by hand shows the same refusal.",
    retryable: code === "UNAVAILABLE",
  });
}

/** The answer has another shape than it should. */
export function unexpected(method: string): CodexAuthError {
  return new CodexAuthError("ERR_GATEWAY_RPC", {
    message: `The gateway answered ${method} in a way that this program does not know.`,
    next: "Check that the OpenClaw version is one that this program supports.",
  });
}

function notAccepted(): CodexAuthError {
  return new CodexAuthError("ERR_GATEWAY_AUTH", {
    message: "The gateway did not accept its own token from openclaw.json.",
    next: "Check gateway.auth in openclaw.json; if it was changed, restart the gateway so that both agree.",
  });
}

/** Nothing answers. */
export function unreachable(): CodexAuthError {
  return new CodexAuthError("ERR_GATEWAY_UNREACHABLE", {
    message: "The gateway does not answer.",
    next: "Wait until it has started, then try again.",
    retryable: true,
  });
}

/** The time was up. */
export function silent(): CodexAuthError {
  return new CodexAuthError("ERR_GATEWAY_UNREACHABLE", {
    message: "The gateway did not answer in time.",
    next: "Wait a moment and try again; if it repeats, look at the gateway's log.",
    retryable: true,
  });
}

/** The caller changed its mind. */
export function cancelled(): CodexAuthError {
  return new CodexAuthError("ERR_CANCELLED", {
    message: "This was cancelled.",
    next: "Start it again when you want to.",
  });
}

// A gateway is "ready" before it lets anybody in: 2026.5.28 says UNAVAILABLE for a moment after a restart.
function starting(): CodexAuthError {
  return new CodexAuthError("ERR_GATEWAY_STARTING", {
    message: "The gateway is still starting.",
    next: "Wait a moment and try again.",
    retryable: true,
  });
}
