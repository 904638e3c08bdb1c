// Node's abort signal where grammY types an older polyfill's; it only listens to it.

import type { Api } from "grammy";

/** The type that grammY gives signals. */
export type ApiSignal = NonNullable<Parameters<Api["getMe"]>[0]>;

/** `signal` for a call of grammY. */
export function apiSignal(signal: AbortSignal): ApiSignal {
  if (!serves(signal)) throw new TypeError("not an abort signal");
  return signal;
}

function serves(signal: unknown): signal is ApiSignal {
  return signal instanceof AbortSignal;
}
