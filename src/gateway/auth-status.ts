// `models.authStatus`: which profiles the gateway has in memory, the proof that it has read a changed store.

import { z } from "zod";
import { CodexAuthError } from "../errors.ts";
import type { GatewayProfile } from "./instance.ts";
import type { GatewayConnection } from "./rpc.ts";

const METHOD = "models.authStatus";

const statusSchema = z.object({
  providers: z.array(
    z.object({
      profiles: z
        .array(
          z.object({
            profileId: z.string(),
            status: z.string().max(64).optional().catch(undefined),
            expiry: z.object({ at: z.number() }).optional().catch(undefined),
          }),
        )
        .catch([]),
    }),
  ),
});

/** The profiles that the gateway has; undefined where its version has no such method (2026.4.5). */
export async function readAuthStatus(
  connection: GatewayConnection,
  agentId: string | undefined,
): Promise<readonly GatewayProfile[] | undefined> {
  // The greeting lists the methods: an unknown one is told by that, not by the text of a refusal.
  if (connection.hello.features?.methods.includes(METHOD) !== true) return undefined;
  const params = { refresh: true, ...(agentId === undefined ? {} : { agentId }) };
  return judgeAuthStatus(await connection.call(METHOD, params));
}

/** The profiles in an answer of `models.authStatus`. */
function judgeAuthStatus(answer: unknown): readonly GatewayProfile[] {
  const parsed = statusSchema.safeParse(answer);
  if (!parsed.success) {
    throw new CodexAuthError("ERR_GATEWAY_RPC", {
      message: "The gateway's list of logins has a shape that this program does not know.",
      next: "Check that the OpenClaw version is one that this program supports.",
    });
  }
  return parsed.data.providers.flatMap(({ profiles }) =>
    profiles.map(({ profileId, status, expiry }) => ({
      profileId,
      ...(status === undefined ? {} : { status }),
      ...(expiry === undefined ? {} : { expiresAtMs: expiry.at }),
    })),
  );
}
