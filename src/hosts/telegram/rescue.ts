// Starts another worker where the one for somebody's job was killed, for as long as the bot runs.

import { setTimeout as delay } from "node:timers/promises";
import type { ApplyEngine } from "../../apply/engine.ts";
import { APPLY } from "../../config/defaults.ts";
import type { Log } from "../../secrets/log.ts";

/** Looks every `APPLY.executorSilentMs` until `signal` aborts. */
export async function keepExecuting(engine: Pick<ApplyEngine, "rescue">, log: Log, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await delay(APPLY.executorSilentMs, undefined, { signal, ref: false }).catch(() => undefined);
    if (signal.aborted) return;
    try {
      if (await engine.rescue()) log.warn("telegram.rescue");
    } catch (error) {
      log.error("telegram.rescue", error);
    }
  }
}
