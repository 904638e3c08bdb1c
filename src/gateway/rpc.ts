// One short conversation with the gateway over its WebSocket: connect, call, close.

import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import type { WebSocket } from "undici";
import { z } from "zod";
import { GATEWAY } from "../config/defaults.ts";
import { isCodexAuthError, type CodexAuthError } from "../errors.ts";
import { connectParams, helloSchema, type GatewayCredential, type GatewayHello } from "./handshake.ts";
import { cancelled, closed, refused, silent, unexpected, unreachable } from "./rpc-errors.ts";

/** Where to connect and with what. */
export interface RpcTarget {
  readonly port: number;
  readonly credential: GatewayCredential;
}

/** How a conversation is limited. */
export interface RpcOptions {
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number;
}

/** An open conversation. */
export interface GatewayConnection {
  readonly hello: GatewayHello;
  /** Calls `method`; the result is the gateway's `payload`, unchecked. */
  call(method: string, params: Record<string, unknown>): Promise<unknown>;
}

const text = z.string().optional().catch(undefined);
const frameSchema = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("res"),
    id: z.string(),
    ok: z.boolean(),
    payload: z.unknown().optional(),
    error: z
      .object({ code: text, details: z.object({ code: text, reason: text }).optional().catch(undefined) })
      .optional()
      .catch(undefined),
  }),
  z.object({ type: z.literal("event"), event: z.string(), payload: z.unknown().optional() }),
]);
const challengeSchema = z.object({ nonce: z.string().min(1).max(512) });

/**
 * Runs `body` with an open connection and closes it afterwards, whatever happens. A gateway that is still starting, or
 * does not have a method yet, is asked again until the time is up; `body` itself runs once.
 *
 * @throws CodexAuthError `ERR_GATEWAY_UNREACHABLE`, `ERR_GATEWAY_STARTING`, `ERR_GATEWAY_AUTH`, `ERR_GATEWAY_RPC` or `ERR_CANCELLED`.
 */
export async function withGatewayConnection<T>(
  target: RpcTarget,
  body: (connection: GatewayConnection) => Promise<T>,
  options: RpcOptions = {},
): Promise<T> {
  const deadline = performance.now() + (options.timeoutMs ?? GATEWAY.rpcTimeoutMs);
  return await whileStarting(deadline, () => connectOnce(target, body, deadline, options.signal));
}

// Such a refusal means that nothing was done, so asking again is safe. Past the deadline it is passed on as it is.
async function whileStarting<T>(deadline: number, attempt: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (!isCodexAuthError(error, "ERR_GATEWAY_STARTING") || performance.now() + GATEWAY.pollMs > deadline)
        throw error;
    }
    await pause(GATEWAY.pollMs);
  }
}

async function connectOnce<T>(
  target: RpcTarget,
  body: (connection: GatewayConnection) => Promise<T>,
  deadline: number,
  signal: AbortSignal | undefined,
): Promise<T> {
  // Loaded at the first conversation: whoever only looks at files starts without it.
  const undici = await import("undici");
  if (signal?.aborted === true) throw cancelled();
  const dispatcher = new undici.Agent({ connect: { timeout: GATEWAY.connectTimeoutMs } });
  // The literal loopback address: a name could be made to point elsewhere, and the token goes there.
  const socket = new undici.WebSocket(`ws://127.0.0.1:${target.port}`, { dispatcher });
  const conversation = converse(socket);
  const timer = setTimeout(() => conversation.fail(silent()), deadline - performance.now());
  const onAbort = (): void => conversation.fail(cancelled());
  signal?.addEventListener("abort", onAbort, { once: true });
  try {
    const introduction = connectParams(target.credential, await conversation.challenge, Date.now());
    const hello = helloSchema.safeParse(await conversation.call("connect", introduction));
    if (!hello.success) throw unexpected("connect");
    return await body({
      hello: hello.data,
      call: (method, params) => whileStarting(deadline, () => conversation.call(method, params)),
    });
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", onAbort);
    socket.close();
    // destroy, not close: close would wait for a gateway that has stopped answering.
    await dispatcher.destroy();
  }
}

interface Conversation {
  readonly challenge: Promise<string>;
  call(method: string, params: Record<string, unknown>): Promise<unknown>;
  fail(error: CodexAuthError): void;
}

function converse(socket: WebSocket): Conversation {
  const waiting = new Map<string, { method: string; resolve(value: unknown): void; reject(error: unknown): void }>();
  const challenge = deferred<string>();
  let failure: CodexAuthError | undefined;
  let greeted = false;
  const fail = (error: CodexAuthError): void => {
    failure ??= error;
    challenge.reject(failure);
    for (const call of waiting.values()) call.reject(failure);
    waiting.clear();
  };
  // Nobody may be waiting for the challenge any more when it fails.
  challenge.promise.catch(() => undefined);
  socket.addEventListener("error", () => fail(unreachable()));
  socket.addEventListener("close", ({ code }) => fail(closed(code, greeted)));
  socket.addEventListener("message", ({ data }) => {
    const frame = parseFrame(data);
    if (frame === undefined) return;
    if (frame.type === "event") {
      const parsed = frame.event === "connect.challenge" ? challengeSchema.safeParse(frame.payload) : undefined;
      if (parsed?.success === true) challenge.resolve(parsed.data.nonce);
      return;
    }
    const call = waiting.get(frame.id);
    if (call === undefined) return;
    waiting.delete(frame.id);
    if (call.method === "connect") greeted = frame.ok;
    if (frame.ok) call.resolve(frame.payload);
    else call.reject(refused(call.method, frame.error ?? {}));
  });
  return {
    challenge: challenge.promise,
    fail,
    call: (method, params) =>
      new Promise((resolve, reject) => {
        if (failure !== undefined) {
          reject(failure);
          return;
        }
        const id = randomUUID();
        waiting.set(id, { method, resolve, reject });
        socket.send(JSON.stringify({ type: "req", id, method, params }));
      }),
  };
}

function parseFrame(data: unknown): z.infer<typeof frameSchema> | undefined {
  if (typeof data !== "string" || data.length > GATEWAY.maxFrameChars) return undefined;
  try {
    return frameSchema.safeParse(JSON.parse(data)).data;
  } catch {
    return undefined;
  }
}

// Promise.withResolvers is not in Node.js 20.
function deferred<T>(): { promise: Promise<T>; resolve(value: T): void; reject(error: unknown): void } {
  let resolve!: (value: T) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}
