// What the plugin does as long as the gateway runs: says that it is here, ends the queue's jobs, delivers answers, keeps the lease.

import { setTimeout as delay } from "node:timers/promises";
import { join } from "node:path";
import { announcePlugin } from "../../apply/presence.ts";
import { enqueueReminders } from "../../apply/reminders.ts";
import { PLUGIN, TELEGRAM } from "../../config/defaults.ts";
import { withoutRepeats } from "../../secrets/log.ts";
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
  // Other hosts leave their jobs to whoever says to be here: without the executor there is no such sign.
  const drained = new AbortController();
  const present = AbortSignal.any([signal, drained.signal]);
  const presence = announcePlugin(own, { version: VERSION, ...openClawVersion, generation }, { now, signal: present });
  await guarded(host, "plugin.resume", () => host.resume());
  const publish = publisher(host);
  const loops = [
    presence,
    drainUntil(host, publish, signal).finally(() => drained.abort()),
    publishUntil(host, publish, signal),
    host.delivery.run(signal),
    guarded(host, "plugin.lease", () => host.keepLease(signal)),
    remindUntil(host, signal),
  ];
  await Promise.all(loops.map((loop) => loop.catch((error: unknown) => log.error("plugin.work", error))));
}

type Publish = () => Promise<void>;

/** Publishes one after another, so that what was read last is what stays. */
function publisher(host: PluginHost): Publish {
  const { now, own } = host.parts;
  const log = withoutRepeats(host.log, now);
  let publishing: Promise<void> = Promise.resolve();
  const publish = async (): Promise<void> => {
    await ensurePrivateFolder(own.root);
    await host.publish();
  };
  return () => (publishing = publishing.then(() => guarded({ log }, "plugin.publish", publish)));
}

/** OpenClaw signs in and renews by itself too, and from 2026.6 on nobody outside sees it but by this. */
async function publishUntil(host: PluginHost, publish: Publish, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await publish();
    await delay(host.publishEveryMs, undefined, { signal, ref: false }).catch(() => undefined);
  }
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
async function drainUntil(host: PluginHost, publish: Publish, signal: AbortSignal): Promise<void> {
  const { engine, own } = host.parts;
  const jobs = join(own.queue, "jobs");
  const log = withoutRepeats(host.log, host.parts.now);
  const retryMs = host.retryMs;
  await delay(host.settlesMs, undefined, { signal, ref: false }).catch(() => undefined);
  let failed: { readonly as: string; readonly dueAt: number } | undefined;
  const drain = async (): Promise<void> => {
    const seen = await openJobs(engine.queue);
    if (seen === NONE || (seen === failed?.as && isAhead(failed.dueAt, host.parts.now(), retryMs))) return;
    try {
      await executeOpenJobs(host.parts, "plugin", { signal });
      failed = undefined;
    } catch (error) {
      host.log.error("plugin.executor", error);
      failed = { as: await openJobs(engine.queue), dueAt: host.parts.now() + retryMs };
    }
    await publish();
  };
  while (!signal.aborted) {
    try {
      await ensurePrivateFolder(jobs);
      await watchFolder(jobs, drain, signal);
    } catch (error) {
      log.error("plugin.queue", error);
      await delay(retryMs, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }
}

const NONE = "[]";

/** The open jobs as they are, to tell whether anything changed. */
async function openJobs(queue: PluginHost["parts"]["engine"]["queue"]): Promise<string> {
  return JSON.stringify((await queue.open().catch(() => [])).map(({ id, state }) => [id, state]));
}

/** Whether a pause of `pauseMs` is still on; an end further away comes from a clock that was set back since. */
function isAhead(dueAt: number, now: number, pauseMs: number): boolean {
  return dueAt > now && dueAt - now <= pauseMs;
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
