// What can be made to go wrong at the sandbox's usage server, one request each.

import type { ServerResponse } from "node:http";
import { USAGE_CHECK } from "../config/defaults.ts";

/** One thing that goes wrong. */
export type UsageFault =
  | { readonly kind: "status"; readonly status: number; readonly body?: string; readonly retryAfter?: string }
  /** The block page of whatever stands in front of the provider (fact 0.6). */
  | { readonly kind: "html403" }
  /** Another account's figures, as a proxy's mistake would bring them. */
  | { readonly kind: "other-account" }
  /** No answer at all. */
  | { readonly kind: "hang" }
  /** The head and half of the body, then nothing. */
  | { readonly kind: "stall" }
  /** The connection breaks. */
  | { readonly kind: "drop" }
  /** A body above our cap. */
  | { readonly kind: "huge" }
  /** Text that is no JSON, with a 200. */
  | { readonly kind: "garbage" }
  /** A redirect within this server; its log tells whether it was followed. */
  | { readonly kind: "redirect" };

/** Answers with `fault`; gives the status, or undefined where no whole answer was given. */
export function answerUsageFault(
  fault: Exclude<UsageFault, { kind: "other-account" }>,
  response: ServerResponse,
): number | undefined {
  switch (fault.kind) {
    case "status":
      if (fault.retryAfter !== undefined) response.setHeader("retry-after", fault.retryAfter);
      return finish(response, fault.status, "application/json", fault.body ?? `{"detail":"sandbox fault"}`);
    case "html403":
      return finish(response, 403, "text/html; charset=UTF-8", "<!DOCTYPE html><title>Just a moment...</title>");
    case "garbage":
      return finish(response, 200, "application/json", `{"plan_type": "plus", `);
    case "redirect":
      response.setHeader("location", "/elsewhere");
      return finish(response, 302, "text/plain", "");
    case "huge":
      return finish(
        response,
        200,
        "application/json",
        `{"plan_type":"plus","promo":"${"x".repeat(USAGE_CHECK.maxBodyBytes)}"}`,
      );
    case "stall":
      response.writeHead(200, { "content-type": "application/json" }).write(`{"plan_type":`);
      return undefined;
    case "drop":
      response.destroy();
      return undefined;
    case "hang":
      return undefined;
  }
}

function finish(response: ServerResponse, status: number, contentType: string, body: string): number {
  response.writeHead(status, { "content-type": contentType }).end(body);
  return status;
}
