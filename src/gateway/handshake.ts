// The first words on the gateway's WebSocket: who we are, signed with a key that lives as long as the connection.

import { createHash, generateKeyPairSync, sign } from "node:crypto";
import { z } from "zod";
import type { Secret } from "../secrets/secret.ts";

/** What proves to the gateway that we may call it. */
export type GatewayCredential =
  | { readonly kind: "token"; readonly secret: Secret }
  | { readonly kind: "password"; readonly secret: Secret }
  | { readonly kind: "none" };

/** The protocols we speak: 2026.4.5 has 3, 2026.5.28 has 4. */
const PROTOCOLS = { min: 3, max: 4 } as const;

/** The gateway's greeting after a good `connect`. */
export const helloSchema = z.object({
  protocol: z.number(),
  server: z.object({ version: z.string().max(64).optional() }).optional(),
  features: z.object({ methods: z.array(z.string()) }).optional(),
});

/** The gateway's greeting after a good `connect`. */
export type GatewayHello = z.infer<typeof helloSchema>;

// With this id, mode, a shared token and a throw-away key the scopes are granted and no pairing record is left behind.
const CLIENT = { id: "gateway-client", mode: "backend", version: "1.0.0" } as const;
const ROLE = "operator";
const SCOPES = ["operator.admin"] as const;

/** The parameters of `connect` that answer the gateway's `nonce`. */
export function connectParams(credential: GatewayCredential, nonce: string, nowMs: number): Record<string, unknown> {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  // The raw 32 bytes are the end of the SPKI form.
  const rawKey = publicKey.export({ type: "spki", format: "der" }).subarray(-32);
  const deviceId = createHash("sha256").update(rawKey).digest("hex");
  const token = credential.kind === "token" ? credential.secret.expose() : "";
  const signedText = ["v2", deviceId, CLIENT.id, CLIENT.mode, ROLE, SCOPES.join(","), nowMs, token, nonce].join("|");
  return {
    minProtocol: PROTOCOLS.min,
    maxProtocol: PROTOCOLS.max,
    client: { ...CLIENT, platform: process.platform },
    role: ROLE,
    scopes: SCOPES,
    caps: [],
    ...(credential.kind === "none" ? {} : { auth: { [credential.kind]: credential.secret.expose() } }),
    device: {
      id: deviceId,
      publicKey: rawKey.toString("base64url"),
      signature: sign(null, Buffer.from(signedText), privateKey).toString("base64url"),
      signedAt: nowMs,
      nonce,
    },
  };
}
