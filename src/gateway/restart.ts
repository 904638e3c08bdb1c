// Carries out one restart and believes it only when it has seen it: another process or a younger uptime, and ready.

import { setTimeout as pause } from "node:timers/promises";
import { GATEWAY } from "../config/defaults.ts";
import { CodexAuthError } from "../errors.ts";
import type { GatewayHealth, GatewayInstance, GatewayLocation, RestartOptions, RestartResult } from "./instance.ts";

/** What a restart needs; the method itself is `perform`. */
export interface RestartTools {
  locate(): Promise<GatewayLocation>;
  health(instance: GatewayInstance): Promise<GatewayHealth>;
  /** Gives the order to restart; a throw means that it was not taken. */
  perform(instance: GatewayInstance): Promise<void>;
  /** Milliseconds of a clock that no clock change moves. */
  now(): number;
  readonly limits?: Partial<RestartLimits>;
}

/** The time-outs of a restart, in milliseconds. */
export interface RestartLimits {
  readonly startWindowMs: number;
  readonly restartWithinMs: number;
  readonly pollMs: number;
}

/**
 * Restarts `instance`, or waits for the process that has come in its place since.
 *
 * @throws CodexAuthError `ERR_GATEWAY_STOPPED`, `ERR_GATEWAY_DISAGREES` before anything was done; `ERR_RESTART_REFUSED` where the order was not taken;
 *   `ERR_RESTART_NOT_SEEN`, `ERR_GATEWAY_UNHEALTHY` where it did not come back in time; `ERR_CANCELLED`.
 */
export async function restartGateway(
  tools: RestartTools,
  instance: GatewayInstance,
  options: RestartOptions = {},
): Promise<RestartResult> {
  const limits: RestartLimits = { ...GATEWAY, ...tools.limits };
  try {
    await waitForStartWindow(tools, instance, limits, options);
    const isReplaced = await wasReplaced(tools, instance, limits, options);
    options.signal?.throwIfAborted();
    const orderedAt = tools.now();
    options.onProgress?.("stopping");
    if (!isReplaced) await order(tools, instance);
    const after = await watch(tools, instance, orderedAt, limits, options);
    options.onProgress?.("healthy");
    return { instance: after, durationMs: Math.round(tools.now() - orderedAt) };
  } catch (error) {
    if (options.signal?.aborted === true) throw cancelled();
    throw error;
  }
}

// "Ready" comes before the start has finished; a restart in between leaves the gateway without its lock.
async function waitForStartWindow(
  tools: RestartTools,
  instance: GatewayInstance,
  limits: RestartLimits,
  options: RestartOptions,
): Promise<void> {
  const { uptimeMs = 0 } = await tools.health(instance);
  const waitMs = Math.ceil(limits.startWindowMs - uptimeMs);
  if (waitMs <= 0) return;
  options.onProgress?.("waiting-for-start-window", { waitMs });
  await pause(waitMs, undefined, options.signal === undefined ? {} : { signal: options.signal });
}

/**
 * Whether another process has taken the place of the one that is to be restarted: it died while we waited, and its service
 * brought it back. That is the restart that was wanted; one more would only interrupt people again.
 */
async function wasReplaced(
  tools: RestartTools,
  instance: GatewayInstance,
  limits: RestartLimits,
  options: RestartOptions,
): Promise<boolean> {
  const location = await locateAgain(tools, limits, options);
  if (location.kind === "refused") throw location.error;
  if (location.kind === "stopped") {
    throw new CodexAuthError("ERR_GATEWAY_STOPPED", {
      message: "The gateway ended before it could be restarted.",
      next: "Start it; it then reads the logins as they are now.",
    });
  }
  return !isSameProcess(location.instance, instance);
}

/** One that somebody else restarts at this moment has a lock but no port for a while: it is looked at until it can be believed. */
async function locateAgain(
  tools: RestartTools,
  limits: RestartLimits,
  options: RestartOptions,
): Promise<GatewayLocation> {
  const giveUpAt = tools.now() + limits.startWindowMs;
  for (;;) {
    const location = await tools.locate();
    if (location.kind !== "refused" || !location.error.retryable || tools.now() > giveUpAt) return location;
    await pause(limits.pollMs, undefined, options.signal === undefined ? {} : { signal: options.signal });
  }
}

async function order(tools: RestartTools, instance: GatewayInstance): Promise<void> {
  try {
    await tools.perform(instance);
  } catch (cause) {
    if (cause instanceof CodexAuthError) throw cause;
    throw new CodexAuthError("ERR_RESTART_REFUSED", {
      message: "The order to restart the gateway was not carried out.",
      next: "Check with `openclaw gateway status` that it runs, then restart it yourself.",
      cause,
    });
  }
}

async function watch(
  tools: RestartTools,
  before: GatewayInstance,
  orderedAt: number,
  limits: RestartLimits,
  options: RestartOptions,
): Promise<GatewayInstance> {
  let hasLeft = false;
  for (;;) {
    options.signal?.throwIfAborted();
    const location = await tools.locate();
    const instance = location.kind === "running" ? location.instance : undefined;
    // Before the question: an answer that came late must not make a run that has not ended yet look like a fresh one.
    const sinceMs = tools.now() - orderedAt;
    const health = instance === undefined ? undefined : await tools.health(instance);
    const restarted = instance !== undefined && health !== undefined && hasRestarted(before, instance, health, sinceMs);
    if (restarted && health.live && health.ready) return instance;
    if (!hasLeft && (restarted || instance === undefined || !health?.live)) {
      hasLeft = true;
      options.onProgress?.("starting");
    }
    if (sinceMs > limits.restartWithinMs) throw hasLeft ? unhealthy() : notSeen();
    await pause(limits.pollMs);
  }
}

/** Whether `now` is a later run than `before`: another process, or an uptime that began after the order. */
export function hasRestarted(
  before: GatewayInstance,
  now: GatewayInstance,
  health: GatewayHealth,
  sinceOrderMs: number,
): boolean {
  if (!isSameProcess(before, now)) return true;
  // Before the order it was up for at least the start window, so a shorter uptime cannot be the old run's.
  return health.uptimeMs !== undefined && health.uptimeMs <= sinceOrderMs + GATEWAY.uptimeSlackMs;
}

function isSameProcess(one: GatewayInstance, other: GatewayInstance): boolean {
  return one.pid === other.pid && one.startTime === other.startTime;
}

function unhealthy(): CodexAuthError {
  return new CodexAuthError("ERR_GATEWAY_UNHEALTHY", {
    message: "The gateway was restarted but has not become ready.",
    next: "Look at `openclaw gateway status` and its log; start it if it does not run.",
  });
}

function notSeen(): CodexAuthError {
  return new CodexAuthError("ERR_RESTART_NOT_SEEN", {
    message: "The gateway was told to restart but still runs as before.",
    next: "Look at its log of this moment; restart it yourself when it has nothing to do.",
  });
}

function cancelled(): CodexAuthError {
  return new CodexAuthError("ERR_CANCELLED", {
    message: "Waiting for the restart was cancelled.",
    next: "Check with `openclaw gateway status` whether the gateway runs.",
  });
}
