// Gathers the facts for a restart plan and gives the order by the planned method: the only place that knows all the methods.

import { isContainersMainProcess, readCgroup, readSurroundings, serviceOf } from "./cgroup.ts";
import { detectGeneration } from "./generation.ts";
import type { GatewayInstance, RestartMethod, RestartPlan } from "./instance.ts";
import { readGatewayConfig } from "./openclaw-config.ts";
import type { ProcessTable } from "./process-table.ts";
import { runRestartCommand } from "./restart-command.ts";
import { kickstartAgent, readLaunchdPid } from "./restart-launchd.ts";
import { judgeRestart } from "./restart-plan.ts";
import { sendRestartSignal } from "./restart-signal.ts";
import { isUnitOfGateway, readUserUnit, restartUserUnit } from "./restart-systemd.ts";

/** What a restarter is made from. */
export interface RestarterOptions {
  readonly paths: { readonly stateDir: string; readonly configPath: string; readonly mainAgentDir: string };
  readonly uid: number | undefined;
  readonly restartCommand?: readonly string[] | undefined;
}

/** Plans a restart and gives the order to it. */
export interface Restarter {
  plan(instance: GatewayInstance): Promise<RestartPlan>;
  /** Gives the order; whether the restart happens is seen elsewhere. */
  perform(instance: GatewayInstance, method: RestartMethod): Promise<void>;
}

/** The restarter of one gateway. */
export function createRestarter(options: RestarterOptions, processes: ProcessTable): Restarter {
  return {
    plan: (instance) => planRestart(options, processes, instance),
    perform: async (instance, method) => {
      switch (method) {
        case "systemd-user":
          return await restartUserUnit(serviceOf(await readCgroup(instance.pid))?.unit ?? "");
        case "launchd":
          return await kickstartAgent(options.uid ?? -1);
        case "command":
          return await runRestartCommand(options.restartCommand ?? []);
        case "signal":
          return sendRestartSignal(instance.pid);
      }
    },
  };
}

async function planRestart(
  { paths, uid, restartCommand }: RestarterOptions,
  processes: ProcessTable,
  { pid, version }: GatewayInstance,
): Promise<RestartPlan> {
  const [config, detected, variables, cgroup, process, surroundings, isMainProcess, launchdPid] = await Promise.all([
    readGatewayConfig(paths.configPath),
    detectGeneration({ ...paths, runningVersion: version }),
    processes.variables(pid),
    readCgroup(pid),
    processes.read(pid),
    readSurroundings(pid, processes),
    isContainersMainProcess(pid, processes),
    uid === undefined ? undefined : readLaunchdPid(uid),
  ]);
  const service = serviceOf(cgroup);
  const isOurManager = service?.managerUid !== undefined && service.managerUid === uid;
  const unit = isOurManager ? await readUserUnit(service.unit) : undefined;
  return judgeRestart({
    generation: detected.generation,
    restartAllowed: config.restartAllowed,
    variables,
    isContainersMainProcess: isMainProcess,
    command: restartCommand,
    service,
    isServiceConfirmed: service !== undefined && process !== undefined && isUnitOfGateway(unit, service, process),
    isLaunchdAgent: launchdPid !== undefined && [pid, process?.parentPid].includes(launchdPid),
    surroundings,
  });
}
