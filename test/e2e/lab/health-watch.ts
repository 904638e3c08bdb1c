// Asks a gateway's probe again and again while something happens: what nobody may notice leaves no failed answer.

import { setTimeout as pause } from "node:timers/promises";
import { request } from "undici";

const EVERY_MS = 100;
/** A busy machine may hold an answer back; a gateway that is gone refuses at once. */
const ANSWER_MS = 30_000;

/** What was seen until the watch ended. */
export interface Watched {
  readonly probes: number;
  /** What went wrong, one text a failed probe. */
  readonly failures: readonly string[];
}

/** Begins to watch the gateway on `port`; the function that it gives ends that and tells. */
export function watchHealth(port: number): () => Promise<Watched> {
  const ended = new AbortController();
  const failures: string[] = [];
  let probes = 0;
  const watching = (async () => {
    while (!ended.signal.aborted) {
      probes += 1;
      const failure = await probe(port);
      if (failure !== undefined) failures.push(failure);
      await pause(EVERY_MS, undefined, { signal: ended.signal }).catch(() => undefined);
    }
  })();
  return async () => {
    ended.abort();
    await watching;
    return { probes, failures };
  };
}

async function probe(port: number): Promise<string | undefined> {
  // A connection of its own each time: one that was kept may be closed by the gateway just as it is used.
  const limits = { headersTimeout: ANSWER_MS, bodyTimeout: ANSWER_MS, reset: true };
  try {
    const { statusCode, body } = await request(`http://127.0.0.1:${port}/healthz`, limits);
    await body.dump();
    return statusCode === 200 ? undefined : `status ${statusCode}`;
  } catch (error) {
    return error instanceof Error ? error.message : "unknown";
  }
}
