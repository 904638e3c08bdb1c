// What can be made to go wrong at the sandbox's token, revocation and device endpoints, one request each.

import type { ServerResponse } from "node:http";
import { LOGIN } from "../config/defaults.ts";
import { errorIn, nestedError, type GrantTwist, type SandboxAccount, type TokenAnswer } from "./issuer-state.ts";

/** One thing that goes wrong. */
export type IssuerFault =
  | {
      readonly kind: "status";
      readonly status: number;
      readonly body: string;
      readonly contentType: string;
      readonly retryAfter?: string;
    }
  /** The connection breaks before the request is read: nothing was processed. */
  | { readonly kind: "drop-before-read" }
  /** The request is read, nothing is processed, and the connection breaks: who sent it cannot tell it from the next. */
  | { readonly kind: "drop-before-process" }
  /** The request is processed and the answer is lost: the code is used, the tokens have rotated (§1.4, §1.8). */
  | { readonly kind: "drop-after-process" }
  /** No answer at all. */
  | { readonly kind: "hang" }
  /** Cloudflare's block page (fact 0.6). */
  | { readonly kind: "html403" }
  /** An error in the nested shape (§1.5). */
  | { readonly kind: "nested-error"; readonly code: string }
  /** An error in one of the three shapes (§1.5): `{error}`, `{error:{code}}` or `{code}`. Status: 400 by default. */
  | {
      readonly kind: "error";
      readonly shape: "flat" | "nested" | "code";
      readonly code: string;
      readonly status?: number;
    }
  | SpoiltAnswer
  /** A 400 with a body above our cap, without an end: it must not be read to it. */
  | { readonly kind: "huge" }
  /** A redirect within this server; its log tells whether it was followed. */
  | { readonly kind: "redirect" };

/** The request is processed, and something is wrong with the answer. */
export type SpoiltAnswer =
  /** A proxy's error comes instead (§1.8: a 502 does not say that nothing happened). */
  | { readonly kind: "status-after-process"; readonly status: number }
  /** 200 without one of the tokens; without a refresh token the one that was presented stays good, unless `rotates`. */
  | { readonly kind: "without"; readonly field: TokenField; readonly rotates?: boolean }
  /** The tokens are somebody else's. */
  | { readonly kind: "other-account"; readonly account: SandboxAccount }
  /** 200 with something that is no JSON. */
  | { readonly kind: "garbage" }
  /** 200 with a body above our cap, without an end. */
  | { readonly kind: "huge-after-process" }
  /** The answer comes when `until` resolves. */
  | { readonly kind: "slow"; readonly until: Promise<unknown> };

/** A token in an answer of the token endpoint. */
type TokenField = "access_token" | "refresh_token" | "id_token";

/** What `fault` changes in how a grant is answered. */
export function twistOf(fault: IssuerFault | undefined): GrantTwist {
  if (fault?.kind === "other-account") return { account: fault.account };
  return fault?.kind === "without" && fault.field === "refresh_token" ? { rotates: fault.rotates ?? false } : {};
}

/** The faults that are waiting, first in first out. */
export class FaultQueue {
  readonly #waiting: IssuerFault[] = [];

  /** Makes the next free request go wrong. */
  next(fault: IssuerFault): void {
    this.#waiting.push(fault);
  }

  /** Takes the fault for the request that is here now. */
  take(): IssuerFault | undefined {
    return this.#waiting.shift();
  }
}

/** A fault that is an answer, and comes before anything is processed. */
type RefusingFault = Exclude<
  IssuerFault,
  SpoiltAnswer | { kind: "drop-before-read" | "drop-before-process" | "drop-after-process" | "hang" }
>;

/** Answers with `fault`; the drops and the hang are the server's own business and are not answers. */
export function answerWithFault(fault: RefusingFault, response: ServerResponse): number {
  switch (fault.kind) {
    case "status":
      // §1.6: 429 happens, with Retry-After.
      if (fault.retryAfter !== undefined) response.setHeader("retry-after", fault.retryAfter);
      return finish(response, fault.status, fault.contentType, fault.body);
    case "html403":
      return finish(response, 403, "text/html; charset=UTF-8", "<!DOCTYPE html><title>Just a moment...</title>");
    case "nested-error":
      return finish(response, 400, "application/json", JSON.stringify(nestedError(400, fault.code).body));
    case "error": {
      const { status, body } = errorIn(fault.shape, fault.status ?? 400, fault.code);
      return finish(response, status, "application/json", JSON.stringify(body));
    }
    case "redirect":
      response.setHeader("location", "/elsewhere");
      return finish(response, 307, "text/plain", "");
    case "huge":
      response.writeHead(400, { "content-type": "application/json" });
      response.write(`{"error":"invalid_grant","error_description":"${"x".repeat(LOGIN.maxBodyBytes + 1)}`);
      return 400;
  }
}

/** Sends what `fault` leaves of `answer`. */
export function answerSpoilt(
  fault: Exclude<SpoiltAnswer, { kind: "slow" | "other-account" }>,
  answer: TokenAnswer,
  response: ServerResponse,
): number {
  switch (fault.kind) {
    case "status-after-process":
      return finish(response, fault.status, "text/plain", "the proxy lost its server");
    case "without": {
      const { [fault.field]: _left, ...rest } = answer.body;
      return finish(response, answer.status, "application/json", JSON.stringify(rest));
    }
    case "garbage":
      return finish(response, 200, "application/json", "{garbage");
    case "huge-after-process":
      response.writeHead(200, { "content-type": "application/json" });
      response.write(`{"padding":"${"x".repeat(LOGIN.maxBodyBytes + 1)}`);
      return 200;
  }
}

function finish(response: ServerResponse, status: number, contentType: string, body: string): number {
  response.writeHead(status, { "content-type": contentType, "cache-control": "no-store" }).end(body);
  return status;
}
