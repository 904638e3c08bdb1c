// One exchange with the sandbox issuer: read, answered or made to go wrong, and logged without a secret.

import type { IncomingMessage, ServerResponse } from "node:http";
import { CodexAuthError } from "../errors.ts";
import { answerSpoilt, answerWithFault, twistOf, type FaultQueue } from "./issuer-faults.ts";
import type { Presentation } from "./issuer-presentations.ts";
import type { GrantTwist, TokenAnswer } from "./issuer-state.ts";

/** One request as the sandbox saw it, without any secret. */
export interface IssuerLogEntry {
  readonly method: string;
  readonly path: string;
  readonly grantType?: string;
  /** Of the code or refresh token that was presented. */
  readonly presented?: string;
  readonly fault?: string;
  /** Absent where no answer was given. */
  readonly status?: number;
}

/** One request and where its faults come from. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly entry: IssuerLogEntry;
  readonly faults: FaultQueue;
  readonly log: IssuerLogEntry[];
}

/** A request that was read. */
export interface ReadRequest {
  readonly note: Partial<IssuerLogEntry>;
  /** Where it presents a refresh token. */
  readonly presentation?: Presentation;
  /** Does what is asked for. */
  readonly answer: (twist: GrantTwist) => TokenAnswer;
}

const MAX_REQUEST_CHARS = 64 * 1024;

/** Answers with what `read` makes of the body, unless something is to go wrong. */
export async function answerOrFail(exchange: Exchange, read: (body: string) => ReadRequest): Promise<void> {
  const { request, response, entry, log } = exchange;
  const fault = exchange.faults.take();
  const seen = fault === undefined ? entry : { ...entry, fault: fault.kind };
  if (fault?.kind === "drop-before-read") {
    log.push(seen);
    request.socket.destroy();
    return;
  }
  const { note, presentation, answer } = read(await readBody(request));
  const line = { ...seen, ...note };
  const act = (): TokenAnswer => {
    if (presentation !== undefined) presentation.wasProcessed = true;
    return answer(twistOf(fault));
  };
  const sent = (status: number): void => {
    if (presentation !== undefined) presentation.status = status;
  };
  if (fault === undefined) return finish({ ...exchange, presentation, line }, act());
  switch (fault.kind) {
    case "hang":
      log.push(line);
      return;
    case "drop-before-process":
    case "drop-after-process":
      if (fault.kind === "drop-after-process") act();
      log.push(line);
      request.socket.destroy();
      return;
    case "status-after-process":
    case "without":
    case "garbage":
    case "huge-after-process": {
      const status = answerSpoilt(fault, act(), response);
      if (response.writableEnded) sent(status);
      log.push({ ...line, status });
      return;
    }
    case "slow":
    case "other-account": {
      const answered = act();
      if (fault.kind === "slow") await fault.until;
      return finish({ ...exchange, presentation, line }, answered);
    }
    case "status":
    case "html403":
    case "nested-error":
    case "error":
    case "redirect":
    case "huge": {
      const status = answerWithFault(fault, response);
      if (response.writableEnded) sent(status);
      log.push({ ...line, status });
    }
  }
}

/** Sends an answer as it is. */
function finish(
  { response, log, presentation, line }: Exchange & { presentation: Presentation | undefined; line: IssuerLogEntry },
  { status, body }: TokenAnswer,
): void {
  const headers = {
    "content-type": "application/json",
    "cache-control": "no-store",
    // §1.5: the id that a report to the real one would quote.
    "x-request-id": `req-sandbox-${log.length + 1}`,
  };
  if (presentation !== undefined && !response.destroyed) presentation.status = status;
  // Logged before it is answered: whoever has the answer finds its line.
  log.push({ ...line, status });
  response.writeHead(status, headers).end(JSON.stringify(body));
}

/** The body of a request. @throws CodexAuthError `ERR_USAGE` where it is larger than any of ours. */
export async function readBody(request: IncomingMessage): Promise<string> {
  let text = "";
  request.setEncoding("utf8");
  for await (const chunk of request) {
    text += String(chunk);
    if (text.length > MAX_REQUEST_CHARS) {
      throw new CodexAuthError("ERR_USAGE", {
        message: "A request to the sandbox was too large.",
        next: "Start a new sign-in against the sandbox.",
      });
    }
  }
  return text;
}
