// Where the gateway is, once it can be believed.

import { setTimeout as delay } from "node:timers/promises";
import { APPLY } from "../../config/defaults.ts";
import type { GatewayLocation } from "../../gateway/gateway.ts";
import type { JobRun } from "../job-run.ts";
import type { ExecutorServices } from "../services.ts";

/** How often may still be waited: what follows one another shares it. Counted, for a clock that is set back must not make it longer. */
export interface Patience {
  left: number;
}

/** As much as a gateway needs that is just starting. */
export function newPatience(): Patience {
  return { left: APPLY.gatewaySettlesMs / APPLY.executorRetryMs };
}

/** Waits for a gateway that is just starting, and says so; false where it has been waited for long enough. */
export async function waitsOn(run: Pick<JobRun, "report">, patience: Patience): Promise<boolean> {
  if (patience.left <= 0) return false;
  patience.left -= 1;
  await run.report("waiting-for-start-window");
  await delay(APPLY.executorRetryMs);
  return true;
}

/** Where the gateway is; one that is just starting cannot be believed yet, so it is given some time. Never asked under a lock. */
export async function locateSettled(
  run: Pick<JobRun, "report">,
  services: ExecutorServices,
  patience: Patience = newPatience(),
): Promise<GatewayLocation> {
  for (;;) {
    const location = await services.gateway.locate();
    if (location.kind !== "refused" || !location.error.retryable || !(await waitsOn(run, patience))) return location;
  }
}
