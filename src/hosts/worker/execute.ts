// Executes every open job as the one executor; where another one is at work, waits until it is done or gone.

import { setTimeout as delay } from "node:timers/promises";
import type { ExecutorRecord } from "../../apply/reign.ts";
import { withReign } from "../../apply/reign.ts";
import { Executor } from "../../apply/executor.ts";
import type { ExecutorServices } from "../../apply/services.ts";
import { APPLY, OWN_LOCK } from "../../config/defaults.ts";
import { isCodexAuthError } from "../../errors.ts";
import { VERSION } from "../../version.ts";
import { mayStill } from "../chat-services.ts";
import type { Parts } from "../parts.ts";
import { leftToPlugin } from "../plugin-first.ts";
import { renewalOf } from "../renewal.ts";

/** How {@link executeOpenJobs} may be ended. */
export interface ExecuteOptions {
  /** No job is begun after it aborts between two tries; what is under way is ended. Default: tries until no job is open. */
  readonly signal?: AbortSignal;
}

/**
 * Ends every open job; gives how many it ended itself. A job that was enqueued while another executor was just leaving is
 * found here: whoever starts an executor after its job is on disk can rely on somebody ending it. Outside the gateway nothing is
 * done where OpenClaw's plugin is at work, or where only it could write.
 */
export async function executeOpenJobs(
  parts: Parts,
  kind: ExecutorRecord["kind"],
  { signal }: ExecuteOptions = {},
): Promise<number> {
  const { own: paths, now, log, engine, store, gateway } = parts;
  const services: ExecutorServices = {
    parked: engine.parked,
    queue: engine.queue,
    receipts: engine.receipts,
    outbox: engine.outbox,
    store,
    gateway,
    renewal: renewalOf(parts),
    mayStill: (address) => mayStill(parts, address),
    now,
    log,
  };
  let ended = 0;
  let failures = 0;
  while ((await engine.queue.open()).length > 0) {
    if (signal?.aborted === true) return ended;
    if (kind !== "plugin" && (await leftToPlugin(parts)) !== undefined) return ended;
    try {
      const reignOptions = { paths, kind, version: VERSION, now, waitMs: OWN_LOCK.waitMs };
      ended += await withReign(reignOptions, async (reign) =>
        // Whoever was to stop while waiting for the lock begins nothing any more.
        signal?.aborted === true ? 0 : await new Executor(services, reign).drain(),
      );
    } catch (error) {
      if (!isCodexAuthError(error, "ERR_LOCK_TIMEOUT", "ERR_LOCK_LOST", "ERR_EXECUTOR_FENCED")) {
        // A job that cannot be ended now (a full disk, say) is left for the next start rather than tried for ever.
        failures += 1;
        if (failures >= APPLY.executorAttempts) throw error;
        log.error("executor", error);
      }
      await delay(APPLY.executorRetryMs, undefined, signal && { signal }).catch(() => undefined);
    }
  }
  return ended;
}
