// Whether a request that failed may have left this machine: what may have been used up is not sent a second time.

import { systemCode } from "../errors.ts";

/** In these cases, while connecting, nothing of a request has left. */
const UNSENT = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ETIMEDOUT",
  "UND_ERR_CONNECT_TIMEOUT",
]);

/** True unless `cause`, as undici throws it, says that no connection came about. */
export function mayHaveLeft(cause: unknown): boolean {
  return !UNSENT.has(systemCode(cause) ?? "") || !isConnecting(cause);
}

/** The same codes come from an open connection too (a route that vanishes), and then something was sent. */
function isConnecting(cause: unknown): boolean {
  if (cause instanceof AggregateError || systemCode(cause) === "UND_ERR_CONNECT_TIMEOUT") return true;
  if (typeof cause !== "object" || cause === null || !("syscall" in cause)) return false;
  return cause.syscall === "connect" || cause.syscall === "getaddrinfo";
}
