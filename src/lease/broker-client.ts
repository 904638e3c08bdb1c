// The client of the lease broker: each call of the port as a request, tried again where that is safe, one at a time.

import { setTimeout as delay } from "node:timers/promises";
import PQueue from "p-queue";
import type { z } from "zod";
import { BROKER } from "../config/defaults.ts";
import { CodexAuthError, isCodexAuthError } from "../errors.ts";
import { retryAfterMs } from "../http/answer.ts";
import type { Secret } from "../secrets/secret.ts";
import { noMaterial, processAnswer, refusalOf, type BrokerAnswer } from "./broker-answer.ts";
import { authJsonBody, ownerBody, telemetryBody } from "./broker-body.ts";
import {
  BrokerTransport,
  BrokerUnreachable,
  parseBrokerUrl,
  type BrokerRequest,
  type BrokerTimeouts,
} from "./broker-request.ts";
import { isRepeatable, nextTryInMs, type BrokerCall, type FailedTry } from "./broker-retry.ts";
import type { CallOptions, Lease, LeaseBroker, LeaseOwner } from "./broker.ts";
import {
  acquireAnswerSchema,
  importAnswerSchema,
  leaseAnswerSchema,
  leaseStatusSchema,
  materializeAnswerSchema,
  reconcileAnswerSchema,
  telemetryAnswerSchema,
} from "./contract.ts";

/** What a client of the broker is made of. */
export interface LeaseBrokerOptions {
  /** The broker's address: https, or http on this machine; a path and a slash at its end are fine. */
  readonly baseUrl: string;
  /** The broker's internal API token; a function is asked at each request, since a token can be exchanged while we run. */
  readonly token: Secret | (() => Secret);
  /** Whether http on loopback is taken. Default `true`. */
  readonly allowInsecureLocalhost?: boolean;
  /** Milliseconds since 1970. Default `Date.now`. */
  readonly now?: () => number;
  /** From 0 up to 1, for the waits between tries. Default `Math.random`. */
  readonly random?: () => number;
  /** Waits, and rejects when the signal ends it. Default: a timer. */
  readonly sleep?: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Time-outs of one try, in milliseconds. Defaults: `BROKER`. */
  readonly timeouts?: Partial<BrokerTimeouts>;
}

/**
 * A client of the broker at `baseUrl`.
 *
 * @throws CodexAuthError `ERR_CONFIG_INVALID` for an address that is not taken, `ERR_BROKER_AUTH` for a token that cannot be sent.
 */
export function createLeaseBroker(options: LeaseBrokerOptions): LeaseBroker {
  return new BrokerClient(options);
}

interface Asked<T> {
  readonly call: BrokerCall;
  readonly path: readonly string[];
  readonly body?: unknown;
  readonly schema: z.ZodType<T>;
  /** Whether an answer is about what was asked. */
  readonly isAsked: (value: T) => boolean;
}

class BrokerClient implements LeaseBroker {
  readonly #transport: BrokerTransport;
  readonly #now: () => number;
  readonly #random: () => number;
  readonly #sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  // The broker serves one call at a time (§1): more of ours would only time out behind each other.
  readonly #queue = new PQueue({ concurrency: 1 });
  /** Calls under way, each with what ends it; not one signal for all, which would warn from the eleventh listener on. */
  readonly #open = new Set<AbortController>();
  #isClosed = false;

  constructor(options: LeaseBrokerOptions) {
    const base = parseBrokerUrl(options.baseUrl, options.allowInsecureLocalhost ?? true);
    const given = options.token;
    const token = typeof given === "function" ? given : (): Secret => given;
    // The broker answers a token beyond ASCII with 500 (§1).
    if (!/^[\x21-\x7e]{1,4096}$/.test(token().expose())) {
      throw new CodexAuthError("ERR_BROKER_AUTH", {
        message: "The broker's API token is empty or holds characters that cannot be sent.",
        next: "Check `internalApiToken`: it must be the Auth Manager's INTERNAL_API_TOKEN.",
      });
    }
    this.#transport = new BrokerTransport(base, token, { ...BROKER, ...options.timeouts });
    this.#now = options.now ?? Date.now;
    this.#random = options.random ?? Math.random;
    this.#sleep = options.sleep ?? (async (ms, signal) => delay(ms, undefined, { signal }));
  }

  acquire: LeaseBroker["acquire"] = async (owner, wish, options) =>
    this.#ask(
      {
        call: "acquire",
        path: ["api", "leases", "acquire"],
        body: { ...ownerBody(owner), requested_ttl_seconds: wish.requestedTtlSeconds, reason: wish.reason },
        schema: acquireAnswerSchema,
        // The agent may be another one: the broker's stickiness is by machine alone (§3.1).
        isAsked: ({ lease }) => lease.machineId === owner.machineId,
      },
      options,
    );

  get: LeaseBroker["get"] = async (leaseId, options) =>
    this.#ask(
      {
        call: "get",
        path: ["api", "leases", leaseId],
        schema: leaseStatusSchema,
        isAsked: (status) => status.leaseId === leaseId,
      },
      options,
    );

  renew: LeaseBroker["renew"] = async (leaseId, owner, options) =>
    this.#ask(
      {
        call: "renew",
        path: ["api", "leases", leaseId, "renew"],
        body: ownerBody(owner),
        schema: leaseAnswerSchema,
        isAsked: (lease) => isLease(lease, leaseId, owner),
      },
      options,
    );

  rotate: LeaseBroker["rotate"] = async (leaseId, owner, reason, options) =>
    this.#ask(
      {
        call: "rotate",
        path: ["api", "leases", "rotate"],
        body: { ...ownerBody(owner), lease_id: leaseId, reason },
        schema: leaseAnswerSchema,
        isAsked: (lease) => lease.leaseId !== leaseId && isLease(lease, lease.leaseId, owner),
      },
      options,
    );

  release: LeaseBroker["release"] = async (leaseId, owner, reason, options) =>
    this.#ask(
      {
        call: "release",
        path: ["api", "leases", leaseId, "release"],
        body: { ...ownerBody(owner), reason },
        schema: leaseAnswerSchema,
        isAsked: (lease) => isLease(lease, leaseId, owner),
      },
      options,
    );

  materialize: LeaseBroker["materialize"] = async (leaseId, owner, options) => {
    const { lease, material } = await this.#ask(
      {
        call: "materialize",
        path: ["api", "leases", leaseId, "materialize"],
        body: ownerBody(owner),
        schema: materializeAnswerSchema,
        isAsked: (answer) => isLease(answer.lease, leaseId, owner),
      },
      options,
    );
    if (material === undefined) throw noMaterial();
    return { lease, material };
  };

  telemetry: LeaseBroker["telemetry"] = async (leaseId, owner, report, options) =>
    this.#ask(
      {
        call: "telemetry",
        path: ["api", "leases", leaseId, "telemetry"],
        body: { ...ownerBody(owner), ...telemetryBody(report) },
        schema: telemetryAnswerSchema,
        isAsked: ({ lease }) => isLease(lease, leaseId, owner),
      },
      options,
    );

  reconcileAuth: LeaseBroker["reconcileAuth"] = async (leaseId, owner, authJson, options) =>
    this.#ask(
      {
        call: "reconcile",
        path: ["api", "leases", leaseId, "reconcile-auth"],
        body: { ...ownerBody(owner), auth_json: authJsonBody(authJson) },
        schema: reconcileAnswerSchema,
        isAsked: () => true,
      },
      options,
    );

  importUsage: LeaseBroker["importUsage"] = async ({ owner, leaseId, sourceName, exportJson }, options) =>
    this.#ask(
      {
        call: "import",
        path: ["api", "openclaw", "usage", "import"],
        body: {
          ...ownerBody(owner),
          ...(leaseId === undefined ? {} : { lease_id: leaseId }),
          source_name: sourceName,
          export_json: exportJson,
        },
        schema: importAnswerSchema,
        isAsked: () => true,
      },
      options,
    );

  close: LeaseBroker["close"] = async () => {
    this.#isClosed = true;
    for (const call of this.#open) call.abort();
    await this.#transport.close();
  };

  /** Tries until there is a value, or nothing more to try; other calls get their turn in between. */
  async #ask<T>(asked: Asked<T>, options: CallOptions = {}): Promise<T> {
    const stop = new AbortController();
    const end = (): void => stop.abort();
    if (this.#isClosed || options.signal?.aborted === true) end();
    options.signal?.addEventListener("abort", end, { once: true });
    this.#open.add(stop);
    const request: BrokerRequest = {
      method: asked.call === "get" ? "GET" : "POST",
      path: asked.path,
      isOnce: !isRepeatable(asked.call),
      ...(asked.body === undefined ? {} : { body: asked.body }),
    };
    try {
      for (let tried = 1; ; tried += 1) {
        const outcome = await this.#queue.add(async () => this.#try(request, stop.signal), { signal: stop.signal });
        if ("answer" in outcome && outcome.answer.status === 200) {
          return processAnswer(outcome.answer, asked.schema, asked.isAsked);
        }
        const { error, failed } = this.#failure(outcome);
        const ms = nextTryInMs(asked.call, tried, failed, this.#random());
        if (ms === undefined) throw error;
        await this.#sleep(ms, stop.signal);
      }
    } catch (error) {
      if (stop.signal.aborted && !isCodexAuthError(error)) throw cancelled();
      throw error;
    } finally {
      options.signal?.removeEventListener("abort", end);
      this.#open.delete(stop);
    }
  }

  async #try(
    request: BrokerRequest,
    signal: AbortSignal,
  ): Promise<{ readonly answer: BrokerAnswer } | { readonly error: BrokerUnreachable }> {
    try {
      return { answer: await this.#transport.send(request, signal) };
    } catch (error) {
      if (error instanceof BrokerUnreachable) return { error };
      throw error;
    }
  }

  #failure(outcome: { readonly answer: BrokerAnswer } | { readonly error: BrokerUnreachable }): {
    readonly error: CodexAuthError;
    readonly failed: FailedTry;
  } {
    if ("error" in outcome) {
      const { error } = outcome;
      return { error, failed: { retryable: true, wasSent: error.wasSent, retryAfterMs: undefined } };
    }
    const error = refusalOf(outcome.answer);
    const asked = retryAfterMs(outcome.answer.headers, this.#now());
    return { error, failed: { retryable: error.retryable, wasSent: true, retryAfterMs: asked } };
  }
}

function isLease(lease: Lease, leaseId: string, owner: LeaseOwner): boolean {
  return lease.leaseId === leaseId && lease.machineId === owner.machineId && lease.agentId === owner.agentId;
}

function cancelled(): CodexAuthError {
  return new CodexAuthError("ERR_CANCELLED", {
    message: "The call to the broker was given up before it was answered.",
    next: "Have it looked at and mended: `/lease refresh`.",
  });
}
