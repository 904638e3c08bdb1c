// What can be made to go wrong at the sandbox broker, one call each.

import { setTimeout as wait } from "node:timers/promises";
import type { ServerResponse } from "node:http";
import type { BrokerAction } from "./broker-routes.ts";

/** One thing that goes wrong. */
export type BrokerFault =
  /** No answer at all, and nothing was done. */
  | { readonly kind: "hang" }
  /** The connection breaks before the call is read: nothing was done. */
  | { readonly kind: "reset" }
  /** The call is done, and then the connection breaks instead of the answer. */
  | { readonly kind: "lost-answer" }
  /** What an exception in the broker becomes (facts/lease-broker.md §1). */
  | { readonly kind: "text500" }
  /** A proxy's "too many requests", which is not the broker's own. `retryAfter`: seconds or a date; absent: no such header. */
  | { readonly kind: "busy"; readonly retryAfter?: string }
  /** A 200 that is not JSON. */
  | { readonly kind: "garbage" }
  /** A 200 with the beginning of the right answer. The call is done. */
  | { readonly kind: "truncated" }
  /** The call is done after `ms`, and all others wait for it: the broker is single-threaded (§1). */
  | { readonly kind: "slow"; readonly ms: number }
  /** Any other answer; nothing is done. */
  | {
      readonly kind: "answer";
      readonly status: number;
      readonly body: string;
      readonly headers?: Readonly<Record<string, string>>;
    };

interface Waiting {
  readonly fault: BrokerFault;
  readonly on: BrokerAction | undefined;
}

/** The faults that are waiting, first in first out. */
export class BrokerFaultQueue {
  readonly #waiting: Waiting[] = [];

  /** Makes the next call that has none yet go wrong; with `on` only one of that kind. Default for `times`: 1. */
  next(fault: BrokerFault, options: { readonly on?: BrokerAction; readonly times?: number } = {}): void {
    for (let time = 0; time < (options.times ?? 1); time += 1) this.#waiting.push({ fault, on: options.on });
  }

  /** Forgets those that nobody has met. */
  clear(): void {
    this.#waiting.length = 0;
  }

  /** How many nobody has met yet. */
  get size(): number {
    return this.#waiting.length;
  }

  /** Takes the fault for the call that is here now. */
  take(action: BrokerAction | undefined): BrokerFault | undefined {
    const index = this.#waiting.findIndex(({ on }) => on === undefined || on === action);
    return index < 0 ? undefined : this.#waiting.splice(index, 1)[0]?.fault;
  }
}

/** Calls one after the other, as the broker's one thread does them (§1). */
export class OneThread {
  #last: Promise<unknown> = Promise.resolve();

  /** Waits for those before, then for `ms`. */
  turn(ms: number): Promise<void> {
    const before = this.#last;
    const mine = before.then(() => (ms > 0 ? wait(ms, undefined, { ref: false }) : undefined));
    this.#last = mine;
    return mine;
  }
}

/** Answers with `fault`, where it is an answer of its own: its status. */
export function answerWithFault(
  fault: Extract<BrokerFault, { kind: "text500" | "busy" | "garbage" | "answer" }>,
  response: ServerResponse,
): number {
  switch (fault.kind) {
    case "text500":
      return finish(response, 500, "Internal Server Error", { "content-type": "text/plain; charset=utf-8" });
    case "busy":
      return finish(response, 429, '{"detail":"Too Many Requests"}', {
        "content-type": "application/json",
        ...(fault.retryAfter === undefined ? {} : { "retry-after": fault.retryAfter }),
      });
    case "garbage":
      return finish(response, 200, "<!doctype html><title>Welcome</title>{", { "content-type": "application/json" });
    case "answer":
      return finish(response, fault.status, fault.body, { "content-type": "application/json", ...fault.headers });
  }
}

function finish(
  response: ServerResponse,
  status: number,
  body: string,
  headers: Readonly<Record<string, string>>,
): number {
  response.writeHead(status, headers).end(body);
  return status;
}
