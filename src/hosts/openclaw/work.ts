// What the plugin does as long as the gateway runs: says that it is here, ends the queue's jobs, delivers answers, keeps the lease.

import { setTimeout as delay } from "node:timers/promises";
import { join } from "node:path";
import { announcePlugin } from "../../apply/presence.ts";
import { enqueueReminders } from "../../apply/reminders.ts";
import { PLUGIN, TELEGRAM } from "../../config/defaults.ts";
import { ensurePrivateFolder } from "../../storage/atomic-write.ts";
import { watchFolder } from "../../storage/watch-folder.ts";
import { VERSION } from "../../version.ts";
import { ownersToAsk } from "../chat-services.ts";
import { executeOpenJobs } from "../worker/execute.ts";
import type { PluginHost } from "./compose.ts";

/** The work of one composed plugin; it begins at once and ends when `signal` aborts, after what is under way is done. */
export async function workUntil(host: PluginHost, signal: AbortSignal): Promise<void> {
  const { abilities, parts, log } = host;
  const { now, own } = parts;
  const generation = await parts.generation();
  const openClawVersion = abilities.version === undefined ? {} : { openClawVersion: abilities.version };
  const presence = announcePlugin(own, { version: VERSION, ...openClawVersion, generation }, { now, signal });
  await guarded(host, "plugin.resume", () => host.resume());
  const loops = [
    presence,
    drainUntil(host, signal),
    host.delivery.run(signal),
    guarded(host, "plugin.lease", () => host.keepLease(signal)),
    remindUntil(host, signal),
  ];
  await Promise.all(loops.map((loop) => loop.catch((error: unknown) => log.error("plugin.work", error))));
}

/** Reminds those who asked in here of logins that still wait for their decision. */
async function remindUntil(host: PluginHost, signal: AbortSignal): Promise<void> {
  const { outbox, parked } = host.parts.engine;
  const { now } = host.parts;
  while (!signal.aborted) {
    await guarded(host, "plugin.reminders", () =>
      enqueueReminders({ outbox, parked, now, host: "openclaw", approvers: () => ownersToAsk(host.parts) }),
    );
    await delay(TELEGRAM.remindEveryMs, undefined, { signal, ref: false }).catch(() => undefined);
  }
}

/** Executes whatever comes into the queue; what cannot be ended now is tried again, and the next change of the queue tries at once. */
async function drainUntil(host: PluginHost, signal: AbortSignal): Promise<void> {
  const { parts, log } = host;
  const { engine, own } = parts;
  const jobs = join(own.queue, "jobs");
  await ensurePrivateFolder(jobs);
  await guarded(host, "plugin.publish", () => host.publish());
  await delay(host.settlesMs, undefined, { signal, ref: false }).catch(() => undefined);
  let failedAs: string | undefined;
  let dueAt = 0;
  await watchFolder(
    jobs,
    async () => {
      const open = await engine.queue.open().catch(() => []);
      const seen = JSON.stringify(open.map(({ id, state }) => [id, state]));
      if (open.length === 0 || (seen === failedAs && parts.now() < dueAt)) return;
      try {
        await executeOpenJobs(parts, "plugin");
        failedAs = undefined;
      } catch (error) {
        log.error("plugin.executor", error);
        failedAs = JSON.stringify((await engine.queue.open().catch(() => [])).map(({ id, state }) => [id, state]));
        dueAt = parts.now() + PLUGIN.retryMs;
      }
      await guarded(host, "plugin.publish", () => host.publish());
    },
    signal,
  );
}

/** Composes again and again until it works: settings that do not load now may be mended without a restart of the gateway. */
export async function openUntil(
  open: () => Promise<PluginHost>,
  tell: (error: unknown) => void,
  signal: AbortSignal,
): Promise<PluginHost | undefined> {
  while (!signal.aborted) {
    try {
      return await open();
    } catch (error) {
      tell(error);
      await delay(PLUGIN.retryMs, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }
  return undefined;
}

async function guarded({ log }: Pick<PluginHost, "log">, event: string, work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    log.error(event, error);
  }
}
