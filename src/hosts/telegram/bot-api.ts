// grammY's calls over kept connections: capped answers, and errors in which no address, and so no token, can stand.

import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import type { ApiClientOptions } from "grammy";
import { TELEGRAM } from "../../config/defaults.ts";
import { readCapped } from "../../http/answer.ts";

/** What grammY sends with its calls. */
type ApiFetch = NonNullable<ApiClientOptions["fetch"]>;

/** What of a call is used: grammY's own time-out and the end of the bot come by the signal. */
interface ApiCall {
  readonly body: string;
  readonly signal: AbortSignal;
}

/** The part of a fetch's answer that grammY reads. */
interface ApiAnswer {
  readonly json: () => Promise<unknown>;
}

/**
 * A `fetch` for grammY's client, for a Bot API at `apiRoot`. Its own, node-fetch, reads answers of any size, puts the address of a call into
 * its errors, and takes longer (docs/performance.md); the connections are of the same kind. undici, which all else here uses, would take
 * a bot that only waits 15 MB of memory. When `lifetime` aborts, every connection of it goes.
 */
export function botApiFetch(apiRoot: string, lifetime: AbortSignal): ApiFetch {
  const agent = new (isSecure(apiRoot) ? HttpsAgent : HttpAgent)({ keepAlive: true });
  // One that is still connecting on a dead network would hold the program for as long as the system tries.
  lifetime.addEventListener("abort", () => agent.destroy(), { once: true });
  const call = async (url: string, { body, signal }: ApiCall): Promise<ApiAnswer> => {
    if (signal.aborted) throw givenUp();
    // Node's own error would carry it, and the token with it.
    if (!URL.canParse(url)) throw new Error("The Bot API's address is none.");
    const text = await readCapped(await post(url, { body, signal }, agent), TELEGRAM.maxAnswerBytes);
    return { json: () => Promise.resolve(parsed(text)) };
  };
  return servesGrammy(call);
}

function post(url: string, { body, signal }: ApiCall, agent: HttpAgent): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
    const request = (isSecure(url) ? httpsRequest : httpRequest)(url, { agent, method: "POST", headers }, resolve);
    // By hand: grammY's signals are an older polyfill's.
    const abort = (): void => void request.destroy(givenUp());
    signal.addEventListener("abort", abort, { once: true });
    request.on("close", () => signal.removeEventListener("abort", abort));
    request.on("error", reject);
    request.end(body);
  });
}

function isSecure(url: string): boolean {
  return url.startsWith("https:");
}

function givenUp(): Error {
  return new Error("The call was given up.");
}

/** The answer as JSON; V8's own message would quote it. */
function parsed(text: string | undefined): unknown {
  if (text === undefined) throw new Error("The Bot API's answer is too large.");
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new Error("The Bot API's answer is no JSON.");
  }
}

/** grammY types node-fetch's whole interface, and uses what {@link ApiCall} and {@link ApiAnswer} say. */
function servesGrammy(call: (url: string, init: ApiCall) => Promise<ApiAnswer>): ApiFetch {
  const fetch: unknown = call;
  if (!isFetch(fetch)) throw new TypeError("not a function");
  return fetch;
}

function isFetch(value: unknown): value is ApiFetch {
  return typeof value === "function";
}
