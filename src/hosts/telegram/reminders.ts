// Reminds of parked logins for as long as the bot runs: at its start, and at each look after that.

import { setTimeout as delay } from "node:timers/promises";
import { enqueueReminders, type ReminderParts } from "../../apply/reminders.ts";
import type { Log } from "../../secrets/log.ts";

/** Looks for due reminders every `everyMs` milliseconds until `signal` aborts. */
export async function keepReminding(
  parts: Omit<ReminderParts, "host"> & { readonly everyMs: number; readonly log: Log },
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      await enqueueReminders({ ...parts, host: "telegram" });
    } catch (error) {
      parts.log.error("telegram.reminders", error);
    }
    await delay(parts.everyMs, undefined, { signal, ref: false }).catch(() => undefined);
  }
}
