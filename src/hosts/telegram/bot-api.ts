// grammY's calls by undici: capped answers, kept connections, and errors in which no address, and so no token, can stand.

import type { ApiClientOptions } from "grammy";
import { Agent, request } from "undici";
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
 * A `fetch` for grammY's client. Its own, node-fetch, reads answers of any size and puts the address of a call into its errors; it
 * also takes longer for a call than this (docs/performance.md). When `lifetime` aborts, every connection of it goes.
 */
export function botApiFetch(lifetime: AbortSignal): ApiFetch {
  // The signal of each socket: one that is still connecting on a dead network would hold the program for ten seconds more.
  const dispatcher = new Agent({ keepAliveTimeout: TELEGRAM.keepAliveMs, connect: { signal: lifetime } });
  const call = async (url: string, { body, signal }: ApiCall): Promise<ApiAnswer> => {
    if (signal.aborted) throw givenUp();
    const headers = { "content-type": "application/json" };
    const answer = await untilAborted(signal, request(url, { dispatcher, method: "POST", headers, body, signal }));
    const text = await readCapped(answer.body, TELEGRAM.maxAnswerBytes);
    return { json: () => Promise.resolve(parsed(text)) };
  };
  return servesGrammy(call);
}

/** undici hears a signal only once a connection stands, which on a dead network is ten seconds later. */
async function untilAborted<T>(signal: AbortSignal, answer: Promise<T>): Promise<T> {
  let end: (() => void) | undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    end = () => reject(givenUp());
    signal.addEventListener("abort", end, { once: true });
  });
  try {
    return await Promise.race([answer, aborted]);
  } finally {
    if (end !== undefined) signal.removeEventListener("abort", end);
    // Whichever came second is nobody's any more.
    answer.catch(() => undefined);
    aborted.catch(() => undefined);
  }
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
