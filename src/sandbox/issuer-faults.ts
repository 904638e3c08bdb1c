// What can be made to go wrong at the sandbox's token and device endpoints, one request each.

import type { ServerResponse } from "node:http";
import { LOGIN } from "../config/defaults.ts";
import { nestedError } from "./issuer-state.ts";

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
  /** The request is processed and the answer is lost: the code is used, the tokens have rotated (§1.4, §1.8). */
  | { readonly kind: "drop-after-process" }
  /** No answer at all. */
  | { readonly kind: "hang" }
  /** Cloudflare's block page (fact 0.6). */
  | { readonly kind: "html403" }
  /** An error in the nested shape (§1.5). */
  | { readonly kind: "nested-error"; readonly code: string }
  /** A 400 with a body above our cap, without an end: it must not be read to it. */
  | { readonly kind: "huge" }
  /** A redirect within this server; its log tells whether it was followed. */
  | { readonly kind: "redirect" };

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

/** Answers with `fault`; the two drops and the hang are the server's own business and are not answers. */
export function answerWithFault(
  fault: Exclude<IssuerFault, { kind: "drop-before-read" | "drop-after-process" | "hang" }>,
  response: ServerResponse,
): number {
  switch (fault.kind) {
    case "status":
      // §1.6: 429 happens, with Retry-After.
      if (fault.retryAfter !== undefined) response.setHeader("retry-after", fault.retryAfter);
      return finish(response, fault.status, fault.contentType, fault.body);
    case "html403":
      return finish(response, 403, "text/html; charset=UTF-8", "<!DOCTYPE html><title>Just a moment...</title>");
    case "nested-error":
      return finish(response, 400, "application/json", JSON.stringify(nestedError(400, fault.code).body));
    case "redirect":
      response.setHeader("location", "/elsewhere");
      return finish(response, 307, "text/plain", "");
    case "huge":
      response.writeHead(400, { "content-type": "application/json" });
      response.write(`{"error":"invalid_grant","error_description":"${"x".repeat(LOGIN.maxBodyBytes + 1)}`);
      return 400;
  }
}

function finish(response: ServerResponse, status: number, contentType: string, body: string): number {
  response.writeHead(status, { "content-type": contentType, "cache-control": "no-store" }).end(body);
  return status;
}
