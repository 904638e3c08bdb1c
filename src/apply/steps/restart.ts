// The restart as a step: whether this process may, and one restart for all jobs that wait for it.

import type { CodexAuthError } from "../../errors.ts";
import { isCodexAuthError, toCodexAuthError } from "../../errors.ts";
import type { GatewayInstance, GatewayLocation, RestartPlan } from "../../gateway/gateway.ts";
import type { Job, JobProgress } from "../job.ts";
import type { JobRun } from "../job-run.ts";
import type { ExecutorServices } from "../services.ts";
import { locateSettled, newPatience, waitsOn, type Patience } from "./settled.ts";

/** How the located gateway could be restarted from this process (never from inside its own service); undefined where none runs. */
export async function restartPlanFor(
  location: GatewayLocation,
  services: ExecutorServices,
): Promise<RestartPlan | undefined> {
  if (location.kind !== "running") return undefined;
  return services.gateway.planRestart(location.instance);
}

/** Whether this job is to be made known by a restart: inside the gateway that would end whoever waits for it, and is not needed. */
export function wantsRestart({ activation }: Pick<Job, "activation">, { gateway }: ExecutorServices): boolean {
  return activation === "restart" && gateway.isInside !== true;
}

/** Inside the gateway: a job that was to end with a restart, decided outside, is written and told in here instead. */
export async function stayInside(run: JobRun, { gateway }: ExecutorServices): Promise<void> {
  const { mode, state } = run.job;
  if (gateway.isInside !== true || mode !== "restart" || (state !== "prepared" && state !== "written")) return;
  // What is written already is found so, and told.
  await run.advance("prepared", { mode: "reload" }, "inside the gateway nothing is restarted");
}

/** What a restart came to. */
export type RestartOutcome =
  | { readonly kind: "restarted"; readonly durationMs: number; readonly instance: GatewayInstance }
  | { readonly kind: "not-running" }
  | { readonly kind: "failed"; readonly error: CodexAuthError };

/**
 * {@link restartFor}, but where the gateway has started since `sinceMs` nothing is needed any more (`already`): an executor was killed
 * after its restart.
 */
export async function restartUnlessDone(
  runs: readonly JobRun[],
  sinceMs: number,
  services: ExecutorServices,
): Promise<RestartOutcome | { readonly kind: "already" }> {
  const patience = newPatience();
  if (await hasRestartedSince(runs, sinceMs, services, patience)) return { kind: "already" };
  return restartFor(runs, services, patience);
}

/** Restarts the gateway once and tells all `runs` how it goes; never throws for the gateway's sake. */
export async function restartFor(
  runs: readonly JobRun[],
  services: ExecutorServices,
  patience: Patience = newPatience(),
): Promise<RestartOutcome> {
  const { report } = telling(runs);
  let told: Promise<void> = Promise.resolve();
  // A restart that was ordered by an executor before us may be under way: 2026.4.5 cannot be told apart until its server listens.
  const location = await locateSettled({ report }, services, patience);
  if (location.kind === "stopped") return { kind: "not-running" };
  if (location.kind === "refused") return { kind: "failed", error: location.error };
  try {
    const plan = await restartPlanFor(location, services);
    if (plan?.kind !== "possible") throw toCodexAuthError(plan?.error);
    const done = await services.gateway.restart(location.instance, plan, {
      onProgress: (step, detail) => {
        told = told.then(() => report(step, detail?.waitMs));
        // A fenced executor fails at its next durable step; here it must not become an unhandled rejection.
        told.catch(() => undefined);
      },
    });
    await told;
    return { kind: "restarted", durationMs: done.durationMs, instance: done.instance };
  } catch (error) {
    await told.catch(() => undefined);
    // It ended by itself before it could be restarted: it reads the store when it starts.
    if (isCodexAuthError(error, "ERR_GATEWAY_STOPPED")) return { kind: "not-running" };
    return { kind: "failed", error: toCodexAuthError(error) };
  }
}

/**
 * True where the gateway has started well since `sinceMs`. One that is still starting is waited for, a while: a second restart would
 * interrupt the first. One that does not become ready is restarted once more, and where that fails too, the change is undone.
 */
export async function hasRestartedSince(
  runs: readonly JobRun[],
  sinceMs: number,
  services: ExecutorServices,
  patience: Patience = newPatience(),
): Promise<boolean> {
  const { report } = telling(runs);
  for (;;) {
    const location = await locateSettled({ report }, services, patience);
    if (location.kind !== "running") return false;
    const { ready, uptimeMs } = await services.gateway.health(location.instance);
    const isSince = uptimeMs !== undefined && services.now() - uptimeMs > sinceMs;
    const isOld = uptimeMs !== undefined && !isSince;
    if (ready) return isSince;
    if (isOld || !(await waitsOn({ report }, patience))) return false;
  }
}

/** Tells all of `runs` as one. */
function telling(runs: readonly JobRun[]): Pick<JobRun, "report"> {
  const report = async (step: JobProgress["step"], waitMs?: number): Promise<void> => {
    for (const run of runs) await run.report(step, waitMs);
  };
  return { report };
}
