// Asks the gateway's two probes how it is; neither needs a token.

import { z } from "zod";
import { GATEWAY } from "../config/defaults.ts";
import type { GatewayHealth } from "./instance.ts";

const readySchema = z.object({
  ready: z.boolean(),
  failing: z.array(z.string().max(200)).max(100).optional().catch(undefined),
  uptimeMs: z.number().nonnegative().optional().catch(undefined),
});

/** The health of what listens on `port`; something that does not answer is neither live nor ready. */
export async function readHealth(port: number, timeoutMs: number = GATEWAY.healthTimeoutMs): Promise<GatewayHealth> {
  const [live, ready] = await Promise.all([probe(port, "/healthz", timeoutMs), probe(port, "/readyz", timeoutMs)]);
  return judgeHealth(live, ready);
}

/** An answer of a probe. */
interface ProbeAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** What the two answers mean; `/readyz` says `ready:false` with 503 and then names what fails. */
function judgeHealth(live: ProbeAnswer | undefined, ready: ProbeAnswer | undefined): GatewayHealth {
  const parsed = readySchema.safeParse(ready?.body);
  const isLive = live?.status === 200;
  if (!parsed.success) return { live: isLive, ready: false, failing: [] };
  const { uptimeMs, failing = [] } = parsed.data;
  return {
    live: isLive,
    ready: ready?.status === 200 && parsed.data.ready,
    failing,
    ...(uptimeMs === undefined ? {} : { uptimeMs }),
  };
}

async function probe(port: number, path: string, timeoutMs: number): Promise<ProbeAnswer | undefined> {
  try {
    // Loaded at the first request: whoever only looks at files starts without it.
    const { request } = await import("undici");
    const signal = AbortSignal.timeout(timeoutMs);
    const { statusCode, body } = await request(`http://127.0.0.1:${port}${path}`, { signal });
    let text = "";
    for await (const chunk of body.setEncoding("utf8")) {
      text += String(chunk);
      if (text.length > GATEWAY.maxHealthBytes) return undefined;
    }
    return { status: statusCode, body: JSON.parse(text) as unknown };
  } catch {
    return undefined;
  }
}
