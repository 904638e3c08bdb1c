// Who is asked for usage: chatgpt.com, pinned; another server only on this machine and only where it is set explicitly.

import { CodexAuthError } from "../errors.ts";

const CHATGPT = "https://chatgpt.com";
const LOOPBACK = ["127.0.0.1", "localhost", "[::1]"];

/** A server that may be asked for usage: its scheme, host and port, without a slash at the end. */
export interface UsageServer {
  readonly origin: string;
}

/**
 * The server that `text` (our setting `usageServer`) names; OpenAI's where it is undefined.
 *
 * @throws CodexAuthError `ERR_CONFIG_INVALID` for anything but OpenAI's or plain http on loopback.
 */
export function parseUsageServer(text: string | undefined): UsageServer {
  if (text === undefined) return { origin: CHATGPT };
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isPlain =
    url !== undefined && url.pathname === "/" && url.search + url.hash + url.username + url.password === "";
  if (isPlain && url.origin === CHATGPT) return { origin: CHATGPT };
  if (isPlain && url.protocol === "http:" && LOOPBACK.includes(url.hostname)) return { origin: url.origin };
  throw new CodexAuthError("ERR_CONFIG_INVALID", {
    message:
      "The setting usageServer is neither chatgpt.com nor an http address on this machine: it would get the access tokens.",
    next: "Remove it to use chatgpt.com; only the sandbox needs another one.",
  });
}
