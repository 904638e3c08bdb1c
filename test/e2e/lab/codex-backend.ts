// A fake of the Codex backend (2026.4.5 posts to `<baseUrl>/codex/responses`, 2026.5.28 to `<baseUrl>/responses`): answers every call and remembers whose login made it, never the token.

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { once } from "node:events";
import { fingerprint } from "../../../src/secrets/fingerprint.ts";

/** One model call as the backend saw it. */
export interface BackendCall {
  /** The `chatgpt-account-id` header. */
  readonly accountHeader: string | undefined;
  /** The account that the bearer token names. */
  readonly tokenAccount: string | undefined;
  /** The `jti` of the bearer token, which tells two tokens of one account apart. */
  readonly tokenId: string | undefined;
  /** Tells whether it was this very token, without being it. */
  readonly tokenFingerprint: string;
}

/** Why a login is refused. */
export type Refusal = "money" | "limit";

/** A running fake. */
export interface CodexBackend {
  /** What goes into `models.providers["openai-codex"].baseUrl`. */
  readonly baseUrl: string;
  readonly calls: readonly BackendCall[];
  /** What each of them asked, as it came: 2026.9.6 compresses it (zstd). */
  readonly bodies: readonly Buffer[];
  /**
   * The login of the next call is refused from then on. To 2026.5 want of `money` puts it aside for hours, where the pause after a `limit`
   * (30 s) may be over before anybody looks; 2026.9.6 notes only the limit.
   */
  refuseNextLogin(how: Refusal): void;
  stop(): Promise<void>;
}

/** Starts the fake on a free loopback port. */
export async function startCodexBackend(): Promise<CodexBackend> {
  const calls: BackendCall[] = [];
  const bodies: Buffer[] = [];
  const refused = new Map<string, Refusal>();
  let next: Refusal | undefined;
  const server = createServer((request, response) => {
    if (request.method === "POST" && request.url?.endsWith("/responses") === true) {
      const parts: Buffer[] = [];
      request.on("data", (part: Buffer) => parts.push(part));
      request.on("end", () => {
        bodies.push(Buffer.concat(parts));
        const call = describe(request);
        calls.push(call);
        if (next !== undefined) refused.set(call.tokenFingerprint, next);
        next = undefined;
        const how = refused.get(call.tokenFingerprint);
        if (how === undefined) answer(response, calls.length);
        else refuse(response, how);
      });
      return;
    }
    response.writeHead(404).end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the fake backend has no port");
  return {
    baseUrl: `http://127.0.0.1:${address.port}/backend-api`,
    calls,
    bodies,
    refuseNextLogin: (how) => {
      next = how;
    },
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

function describe(request: IncomingMessage): BackendCall {
  const account = request.headers["chatgpt-account-id"];
  const claims = bearerClaims(request.headers.authorization ?? "");
  const auth = claims["https://api.openai.com/auth"] as { chatgpt_account_id?: string } | undefined;
  const tokenId = claims["jti"];
  return {
    accountHeader: typeof account === "string" ? account : undefined,
    tokenAccount: auth?.chatgpt_account_id,
    tokenId: typeof tokenId === "string" ? tokenId : undefined,
    tokenFingerprint: fingerprint((request.headers.authorization ?? "").replace(/^Bearer /, "")),
  };
}

function bearerClaims(authorization: string): Record<string, unknown> {
  try {
    const payload = authorization.split(".")[1] ?? "";
    return JSON.parse(Buffer.from(payload, "base64url").toString("utf8")) as Record<string, unknown>;
  } catch {
    return {};
  }
}

const REFUSALS = {
  money: { status: 402, type: "billing_error", message: "Payment required: insufficient credits" },
  limit: { status: 429, type: "usage_limit_reached", message: "The usage limit has been reached" },
} as const;

function refuse(response: ServerResponse, how: Refusal): void {
  const { status, type, message } = REFUSALS[how];
  const error = { type, message, ...(how === "limit" ? { resets_in_seconds: 3_600 } : {}) };
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify({ error }));
}

function answer(response: ServerResponse, number: number): void {
  const id = `resp_${number}`;
  const part = { type: "output_text", text: `answer ${number}`, annotations: [] };
  const item = { id: `msg_${number}`, type: "message", role: "assistant", status: "completed", content: [part] };
  const usage = {
    input_tokens: 10,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens: 2,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: 12,
  };
  const place = { output_index: 0, item_id: item.id, content_index: 0 };
  const events: readonly (Record<string, unknown> & { type: string })[] = [
    { type: "response.created", response: { id, status: "in_progress", output: [] } },
    { type: "response.output_item.added", output_index: 0, item: { ...item, status: "in_progress", content: [] } },
    { type: "response.content_part.added", ...place, part: { ...part, text: "" } },
    { type: "response.output_text.delta", ...place, delta: part.text },
    { type: "response.output_text.done", ...place, text: part.text },
    { type: "response.content_part.done", ...place, part },
    { type: "response.output_item.done", output_index: 0, item },
    { type: "response.completed", response: { id, status: "completed", output: [item], usage } },
  ];
  response.writeHead(200, { "content-type": "text/event-stream" });
  for (const [index, event] of events.entries()) {
    response.write(`event: ${event.type}\ndata: ${JSON.stringify({ ...event, sequence_number: index })}\n\n`);
  }
  response.end();
}
