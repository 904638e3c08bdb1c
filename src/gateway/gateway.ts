// The port to the running gateway: find it, ask how it is, make it read the store again, restart it.

import type { CodexAuthError } from "../errors.ts";

/** One running gateway, as its lock file and the system agree on it. */
export interface GatewayInstance {
  readonly pid: number;
  readonly startTime: number | string;
  readonly port: number;
  readonly stateDir: string;
  readonly configPath: string;
  readonly protocol?: number;
  readonly version?: string;
}

/** Where the gateway is: running, not running, or claimed by something whose signs do not agree. */
export type GatewayLocation =
  | { readonly kind: "running"; readonly instance: GatewayInstance }
  | { readonly kind: "stopped" }
  | { readonly kind: "refused"; readonly error: CodexAuthError };

/** What the gateway's probes say. */
export interface GatewayHealth {
  readonly live: boolean;
  readonly ready: boolean;
  readonly uptimeMs?: number;
  readonly failing: readonly string[];
}

/** The ways to restart a gateway. */
export type RestartMethod = "systemd-user" | "launchd" | "signal" | "command";

/** How it could be restarted, or why not. */
export type RestartPlan =
  | {
      readonly kind: "possible";
      readonly method: RestartMethod;
      readonly describes: string;
      readonly interrupts?: readonly string[];
    }
  | { readonly kind: "impossible"; readonly error: CodexAuthError };

/** One profile as the gateway itself lists it. */
export interface GatewayProfile {
  readonly profileId: string;
  readonly expiresAtMs?: number;
}

/** What a restart reports on its way. */
export type RestartStep = "waiting-for-start-window" | "stopping" | "starting" | "healthy";

/** The running gateway. */
export interface Gateway {
  locate(): Promise<GatewayLocation>;
  health(instance: GatewayInstance): Promise<GatewayHealth>;
  reload(
    instance: GatewayInstance,
    signal?: AbortSignal,
  ): Promise<{ readonly durationMs: number; readonly warningCount: number }>;
  profiles(instance: GatewayInstance, agentId?: string): Promise<readonly GatewayProfile[] | undefined>;
  planRestart(instance: GatewayInstance): Promise<RestartPlan>;
  restart(
    instance: GatewayInstance,
    plan: RestartPlan,
    options: {
      onProgress?(step: RestartStep, detail?: { readonly waitMs?: number }): void;
      readonly signal?: AbortSignal;
    },
  ): Promise<{ readonly instance: GatewayInstance; readonly durationMs: number }>;
}
