// Judges what the broker answered: a value, or the error that it stands for. Nothing of an answer comes into an error (§1).

import type { z } from "zod";
import { CodexAuthError, type ErrorCode } from "../errors.ts";
import { LEASE_STATES, type LeaseState } from "./broker.ts";
import { refusalSchema } from "./contract.ts";

/** An answer as it came. */
export interface BrokerAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** Undefined where it was larger than the cap: then it is dropped whole. */
  readonly body: string | undefined;
}

/**
 * An answer with 200 that could not be read (`ERR_BROKER_RESPONSE`): the broker has done what it was asked for all the same, so that a
 * call with an effect is not repeated because of it.
 */
export class UnreadAnswer extends CodexAuthError {
  constructor(message: string) {
    super("ERR_BROKER_RESPONSE", { message, next: CHECK_URL });
  }
}

interface Words {
  readonly message: string;
  readonly next: string;
}

const TRY_AGAIN = "Wait a little and try again.";
const CHECK_URL = "Check the broker's address (`lease.baseUrl`); it must be the Auth Manager itself.";
const LOOK_AGAIN = "Have it looked at and mended: `/lease refresh`.";

/** Refusals that are one word (§3). */
const REASONS: Readonly<Record<string, readonly [ErrorCode, Words]>> = {
  lease_not_found_or_not_owned: [
    "ERR_LEASE_NOT_OWNED",
    { message: "The broker knows no such lease of this machine and agent.", next: LOOK_AGAIN },
  ],
  // reconcile-auth says the same in a shape of its own (§3).
  "Lease not found or not owned": [
    "ERR_LEASE_NOT_OWNED",
    { message: "The broker knows no such lease of this machine and agent.", next: LOOK_AGAIN },
  ],
  "Lease not found": [
    "ERR_LEASE_NOT_FOUND",
    { message: "The broker does not know this lease.", next: "Reacquire a lease with `/lease`." },
  ],
  credential_not_usable: [
    "ERR_LEASE_CREDENTIAL_UNUSABLE",
    {
      message: "The leased credential cannot be used now.",
      next: "Reacquire a lease, or wait until the credential is usable.",
    },
  ],
  no_eligible_credentials_available: [
    "ERR_LEASE_NO_CREDENTIAL",
    {
      message: "The broker has no credential left that it could lease.",
      next: "Wait, or have one added in the Auth Manager.",
    },
  ],
  credential_material_not_found: [
    "ERR_LEASE_NO_MATERIAL",
    {
      message: "The broker has no tokens for the credential that it leases.",
      next: "Rotate to another credential; acquiring again gives the same one.",
    },
  ],
  client_rotation_disabled: [
    "ERR_LEASE_ROTATION_DISABLED",
    {
      message: "The broker does not let clients rotate.",
      next: "Ask whoever runs the Auth Manager to rotate the lease.",
    },
  ],
};

/** Statuses under which a reason word is believed; elsewhere it is somebody else's text. */
const REASON_STATUSES = new Set([404, 409]);
const STATE_REASON = /^lease_not_(?:renewable|materializable|releasable|rotatable):(.*)$/s;

/**
 * What a 200 answer says by `schema`.
 *
 * @param isAsked False where the answer is about something else than was asked, which a mixed-up proxy can do.
 * @throws CodexAuthError as documented at `LeaseBroker`.
 */
export function processAnswer<T>(answer: BrokerAnswer, schema: z.ZodType<T>, isAsked: (value: T) => boolean): T {
  if (answer.status !== 200) throw refusalOf(answer);
  const parsed = schema.safeParse(jsonOf(answer.body));
  if (!parsed.success) {
    throw new UnreadAnswer(
      answer.body === undefined ? "The broker's answer is too large." : "The broker's answer is not what it should be.",
    );
  }
  if (!isAsked(parsed.data)) throw new UnreadAnswer("The broker answered about another lease than it was asked for.");
  return parsed.data;
}

/** The error of an answer that is not 200. */
export function refusalOf(answer: BrokerAnswer): CodexAuthError {
  const { status } = answer;
  // It quotes the request (§1), so it is not even parsed.
  if (status === 422) return notTaken(status);
  const reason = reasonOf(answer);
  if (status === 401 || status === 403 || (status === 503 && reason?.includes("INTERNAL_API_TOKEN") === true)) {
    return refused(status, status === 503);
  }
  if (status === 429 || status === 408 || status >= 500) return busy(status);
  if (status >= 300 && status < 400) {
    return notTheContract("The broker sent us elsewhere, which is not followed: the token would go there too.");
  }
  if (status < 400) return notTheContract("The broker answered with a status that it should not have.");
  if (reason !== undefined && REASON_STATUSES.has(status)) {
    const known = Object.hasOwn(REASONS, reason) ? REASONS[reason] : undefined;
    if (known !== undefined) return new CodexAuthError(...known);
    const state = STATE_REASON.exec(reason)?.[1];
    if (state !== undefined && status === 409) return inState(state);
  }
  // A 404 without one of the broker's words comes from whatever else answers at that address.
  return status === 404 ? notTheContract("The broker's address has no such endpoint.") : notTaken(status);
}

/** A material without an access token is none. */
export function noMaterial(): CodexAuthError {
  return new CodexAuthError("ERR_LEASE_NO_MATERIAL", {
    message: "The broker gave no access token for the leased credential.",
    next: "Have the credential signed in again in the Auth Manager, or rotate.",
  });
}

function reasonOf(answer: BrokerAnswer): string | undefined {
  const parsed = refusalSchema.safeParse(jsonOf(answer.body));
  return parsed.success ? parsed.data : undefined;
}

function inState(text: string): CodexAuthError {
  const state: LeaseState | undefined = LEASE_STATES.find((known) => known === text);
  const said =
    state === undefined || state === "unknown" ? "in a state that does not allow this" : state.replace("_", " ");
  return new CodexAuthError("ERR_LEASE_STATE", { message: `The lease is ${said}.`, next: LOOK_AGAIN });
}

function refused(status: number, isServerUnset: boolean): CodexAuthError {
  return new CodexAuthError("ERR_BROKER_AUTH", {
    message: isServerUnset
      ? `The broker has no internal API token set, so it lets nobody in (HTTP ${status}).`
      : `The broker refused the API token (HTTP ${status}).`,
    next: isServerUnset
      ? "Set INTERNAL_API_TOKEN where the Auth Manager runs."
      : "Check `internalApiToken`: it must be the Auth Manager's INTERNAL_API_TOKEN.",
  });
}

function busy(status: number): CodexAuthError {
  return new CodexAuthError("ERR_BROKER_BUSY", {
    message:
      status === 429
        ? "The broker asks for fewer requests (HTTP 429)."
        : `The broker has a problem of its own (HTTP ${status}).`,
    next: TRY_AGAIN,
    retryable: true,
  });
}

function notTaken(status: number): CodexAuthError {
  return new CodexAuthError("ERR_BROKER_REQUEST", {
    message: `The broker did not take the request (HTTP ${status}).`,
    next: "Check that the Auth Manager is of a version that this program knows.",
  });
}

function notTheContract(message: string): CodexAuthError {
  return new CodexAuthError("ERR_BROKER_RESPONSE", { message, next: CHECK_URL });
}

function jsonOf(body: string | undefined): unknown {
  if (body === undefined) return undefined;
  try {
    return JSON.parse(body) as unknown;
  } catch {
    // V8's message quotes the text: it is not kept.
    return undefined;
  }
}
