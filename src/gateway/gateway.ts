// The port to the running gateway: find it, ask how it is, make it read the store again, restart it.

import { createDoor } from "./door.ts";
import { readHealth } from "./health.ts";
import type {
  GatewayHealth,
  GatewayInstance,
  GatewayLocation,
  GatewayProfile,
  RestartOptions,
  RestartPlan,
  RestartResult,
} from "./instance.ts";
import { disagrees } from "./lock-file.ts";
import type { GatewayEnvironment } from "./openclaw-config.ts";
import { processTable, type ProcessTable } from "./process-table.ts";
import { createRestarter } from "./restarter.ts";
import { restartGateway, type RestartLimits } from "./restart.ts";

export type { GatewayHealth, GatewayInstance, GatewayLocation, RestartPlan } from "./instance.ts";

/** The running gateway. */
export interface Gateway {
  /** Set where we live in its process: a change through its own code is in force at once, and nothing is ever restarted. */
  readonly isInside?: true;
  /** Where it is; never throws, what cannot be believed is `refused`. */
  locate(): Promise<GatewayLocation>;
  /** How it is; one that does not answer is neither live nor ready. */
  health(instance: GatewayInstance): Promise<GatewayHealth>;
  /** Makes it read its stores again. */
  reload(
    instance: GatewayInstance,
    signal?: AbortSignal,
  ): Promise<{ readonly durationMs: number; readonly warningCount: number }>;
  /** The profiles it has in memory; undefined where its version cannot say (2026.4.5). */
  profiles(instance: GatewayInstance, agentId?: string): Promise<readonly GatewayProfile[] | undefined>;
  /** Whether and how it could be restarted; changes nothing. */
  planRestart(instance: GatewayInstance): Promise<RestartPlan>;
  /** Restarts it; resolves only when another process or a younger uptime was seen and it is ready. */
  restart(instance: GatewayInstance, plan: RestartPlan, options: RestartOptions): Promise<RestartResult>;
}

/** A gateway that can also be asked which OpenClaw it is. */
export interface IdentifyingGateway extends Gateway {
  /** The instance with the version and protocol that it names itself. */
  identify(instance: GatewayInstance): Promise<GatewayInstance>;
}

/** What {@link createGateway} is made from. */
export interface GatewayOptions {
  readonly paths: { readonly stateDir: string; readonly configPath: string; readonly mainAgentDir: string };
  /** Our own folder for temporary files and user id. */
  readonly tmp: string;
  readonly uid: number | undefined;
  readonly environment: GatewayEnvironment;
  /** The configured restart command, one program and its arguments. */
  readonly restartCommand?: readonly string[] | undefined;
  readonly processes?: ProcessTable;
  readonly now?: () => number;
  readonly limits?: Partial<RestartLimits>;
}

/** The gateway of the OpenClaw whose state and configuration lie at `paths`. */
export function createGateway(options: GatewayOptions): IdentifyingGateway {
  const processes = options.processes ?? processTable();
  const now = options.now ?? (() => performance.now());
  const door = createDoor({ ...options, processes, now });
  const restarter = createRestarter(options, processes);
  // A plan needs the version only where the disk does not tell; a gateway that does not let us in can still be planned for.
  const plan = async (instance: GatewayInstance): Promise<RestartPlan> =>
    await restarter.plan(await door.identify(instance).catch(() => instance));
  return {
    ...door,
    planRestart: plan,
    restart: async (instance, planned, restartOptions) => {
      if (planned.kind === "impossible") throw planned.error;
      // What was planned may no longer hold when the person presses the button: judged again, and only this very method.
      const current = await plan(instance);
      if (current.kind === "impossible") throw current.error;
      if (current.method !== planned.method)
        throw disagrees("it is now run in another way than when the restart was planned");
      const tools = {
        locate: door.locate,
        health: ({ port }: GatewayInstance) => readHealth(port),
        perform: (target: GatewayInstance) => restarter.perform(target, planned.method),
        now,
        ...(options.limits === undefined ? {} : { limits: options.limits }),
      };
      return await restartGateway(tools, instance, restartOptions);
    },
  };
}
