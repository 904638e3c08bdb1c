// The sandbox gateway's WebSocket protocol: challenge, connect with a signed device key, then requests (facts/openclaw-json-generation.md §3, §8).

import { createHash, createPublicKey, randomBytes, randomUUID, timingSafeEqual, verify } from "node:crypto";
import { z } from "zod";
import type { WebSocketConnection, WebSocketEvents } from "./websocket-server.ts";

const requestSchema = z.object({ type: z.literal("req"), id: z.string(), method: z.string(), params: z.unknown() });
const connectSchema = z.object({
  minProtocol: z.number(),
  maxProtocol: z.number(),
  client: z.looseObject({ id: z.string(), mode: z.string() }),
  role: z.string().default("operator"),
  scopes: z.array(z.string()).default([]),
  device: z
    .object({
      id: z.string(),
      publicKey: z.string(),
      signature: z.string(),
      signedAt: z.number(),
      nonce: z.string(),
    })
    .optional(),
  auth: z.object({ token: z.string().optional() }).optional(),
});
type Connect = z.infer<typeof connectSchema>;

const SIGNATURE_SKEW_MS = 10 * 60_000;
/** DER prefix of a raw ed25519 public key (RFC 8410). */
const ED25519_PREFIX = Buffer.from("302a300506032b6570032100", "hex");

/** What the gateway can be asked. */
export interface GatewayRpcHandlers {
  readonly protocol: 3 | 4;
  readonly token: string;
  /** Answers of the methods, with the scope each needs. */
  readonly methods: Readonly<Record<string, { readonly scope?: string; call(): Promise<unknown> }>>;
}

/** An error that is answered to the client as it is. */
export class RpcFailure extends Error {
  override readonly name = "RpcFailure";
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** Serves one connection. */
export function serveRpc(connection: WebSocketConnection, handlers: GatewayRpcHandlers): WebSocketEvents {
  const nonce = randomUUID();
  let scopes: readonly string[] | undefined;
  const send = (value: unknown): void => connection.send(JSON.stringify(value));
  const refuse = (id: string, code: string, message: string, details?: unknown): void =>
    send({ type: "res", id, ok: false, error: { code, message, ...(details === undefined ? {} : { details }) } });

  const connect = (id: string, params: unknown): void => {
    const parsed = connectSchema.safeParse(params);
    if (!parsed.success) {
      refuse(id, "INVALID_REQUEST", "invalid connect params");
      connection.close(1008, "invalid connect params");
      return;
    }
    const { minProtocol, maxProtocol, device } = parsed.data;
    if (maxProtocol < handlers.protocol || minProtocol > handlers.protocol) {
      const details = { code: "PROTOCOL_MISMATCH", expectedProtocol: handlers.protocol };
      refuse(id, "INVALID_REQUEST", "protocol mismatch", details);
      connection.close(1002, "protocol mismatch");
      return;
    }
    if (!isSame(parsed.data.auth?.token ?? "", handlers.token)) {
      refuse(id, "INVALID_REQUEST", "unauthorized: gateway token mismatch", { code: "AUTH_TOKEN_MISMATCH" });
      connection.close(1008, "unauthorized: gateway token mismatch");
      return;
    }
    if (device !== undefined && !isSignedBy(device, parsed.data, nonce)) {
      refuse(id, "INVALID_REQUEST", "device signature invalid", { code: "DEVICE_AUTH_SIGNATURE_INVALID" });
      connection.close(1008, "device signature invalid");
      return;
    }
    // Without a device key every scope is stripped (§3).
    scopes = device === undefined ? [] : parsed.data.scopes;
    send({
      type: "res",
      id,
      ok: true,
      payload: {
        type: "hello-ok",
        protocol: handlers.protocol,
        server: { version: "sandbox", connId: randomBytes(8).toString("hex") },
        features: { methods: Object.keys(handlers.methods), events: ["connect.challenge"] },
        snapshot: {},
        auth: { role: parsed.data.role, scopes },
        policy: { maxPayload: 1_048_576, maxBufferedBytes: 1_048_576, tickIntervalMs: 30_000 },
      },
    });
  };

  const call = async (id: string, name: string): Promise<void> => {
    const method = handlers.methods[name];
    if (method === undefined) return refuse(id, "INVALID_REQUEST", `unknown method: ${name}`);
    if (method.scope !== undefined && scopes?.includes(method.scope) !== true) {
      return refuse(id, "INVALID_REQUEST", `missing scope: ${method.scope}`);
    }
    try {
      send({ type: "res", id, ok: true, payload: await method.call() });
    } catch (error) {
      const failure = error instanceof RpcFailure ? error : new RpcFailure("UNAVAILABLE", "internal error");
      refuse(id, failure.code, failure.message);
    }
  };

  send({ type: "event", event: "connect.challenge", payload: { nonce, ts: Date.now() } });
  return {
    onMessage: (text) => {
      const request = requestSchema.safeParse(parse(text));
      if (!request.success) return connection.close(1008, "invalid request frame");
      const { id, method, params } = request.data;
      if (method === "connect" && scopes === undefined) connect(id, params);
      else if (scopes === undefined) connection.close(1008, "first request must be connect");
      else void call(id, method);
    },
  };
}

/** The signed text is `v2|device|client|mode|role|scopes|signedAt|token|nonce`, the device id the hash of its key (§3). */
function isSignedBy(device: NonNullable<Connect["device"]>, connect: Connect, nonce: string): boolean {
  const raw = Buffer.from(device.publicKey, "base64url");
  if (raw.length !== 32 || createHash("sha256").update(raw).digest("hex") !== device.id) return false;
  if (device.nonce !== nonce || Math.abs(Date.now() - device.signedAt) > SIGNATURE_SKEW_MS) return false;
  const { client, role, scopes, auth } = connect;
  const parts = ["v2", device.id, client.id, client.mode, role, scopes.join(","), device.signedAt, auth?.token, nonce];
  const key = createPublicKey({ key: Buffer.concat([ED25519_PREFIX, raw]), format: "der", type: "spki" });
  return verify(null, Buffer.from(parts.join("|")), key, Buffer.from(device.signature, "base64url"));
}

function isSame(given: string, expected: string): boolean {
  return timingSafeEqual(digest(given), digest(expected));
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
