// Where the gateway is, once it can be believed.

import { setTimeout as delay } from "node:timers/promises";
import { APPLY } from "../../config/defaults.ts";
import type { GatewayLocation } from "../../gateway/gateway.ts";
import type { JobRun } from "../job-run.ts";
import type { ExecutorServices } from "../services.ts";

/** Where the gateway is; one that is just starting cannot be believed yet, so it is given some time. Never asked under a lock. */
export async function locateSettled(run: Pick<JobRun, "report">, services: ExecutorServices): Promise<GatewayLocation> {
  const giveUpAt = services.now() + APPLY.gatewaySettlesMs;
  for (;;) {
    const location = await services.gateway.locate();
    if (location.kind !== "refused" || !location.error.retryable || services.now() > giveUpAt) return location;
    await run.report("waiting-for-start-window");
    await delay(APPLY.executorRetryMs);
  }
}
