// `secrets.reload`: the gateway reads its stores from disk again, without a restart.

import { z } from "zod";
import { CodexAuthError } from "../errors.ts";
import type { GatewayConnection } from "./rpc.ts";

const reloadSchema = z.object({ ok: z.literal(true), warningCount: z.number().int().nonnegative().catch(0) });

/** Makes the gateway read its stores again. @throws CodexAuthError `ERR_GATEWAY_RPC` where it does not say that it did. */
export async function reloadSecrets(connection: GatewayConnection): Promise<{ readonly warningCount: number }> {
  const parsed = reloadSchema.safeParse(await connection.call("secrets.reload", {}));
  if (parsed.success) return { warningCount: parsed.data.warningCount };
  throw new CodexAuthError("ERR_GATEWAY_RPC", {
    message: "The gateway did not confirm that it has read the logins again.",
    next: "Look at the gateway's log, then try again or restart the gateway.",
    retryable: true,
  });
}
