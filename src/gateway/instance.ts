// The words of this folder: what a gateway is, how it is doing, and how it could be restarted.

import type { CodexAuthError } from "../errors.ts";

/** One running gateway, told apart from an earlier one with the same pid by its start time. */
export interface GatewayInstance {
  readonly pid: number;
  /** Field 22 of `/proc/<pid>/stat`; where there is no `/proc`, the lock file's creation date. */
  readonly startTime: number | string;
  readonly port: number;
  readonly stateDir: string;
  readonly configPath: string;
  /** The WebSocket protocol it spoke when we last connected. */
  readonly protocol?: number;
  /** The OpenClaw version it named when we last connected. */
  readonly version?: string;
}

/** Where the gateway is; `refused` means that something claims to be it but its signs do not agree. */
export type GatewayLocation =
  | { readonly kind: "running"; readonly instance: GatewayInstance }
  | { readonly kind: "stopped" }
  | { readonly kind: "refused"; readonly error: CodexAuthError };

/** What `/healthz` and `/readyz` say. */
export interface GatewayHealth {
  readonly live: boolean;
  readonly ready: boolean;
  /** Since the last start, also of a restart within the same process. */
  readonly uptimeMs?: number;
  readonly failing: readonly string[];
}

/** A profile as the gateway itself has it in memory; it never holds a token. */
export interface GatewayProfile {
  readonly profileId: string;
  /** The gateway's own word for its state, such as `ok` or `expired`. */
  readonly status?: string;
  /** When its access token ends, in milliseconds since 1970. */
  readonly expiresAtMs?: number;
}

/** The ways in which a gateway can be restarted. */
export type RestartMethod = "systemd-user" | "launchd" | "signal" | "command";

/** Whether and how the gateway can be restarted. */
export type RestartPlan =
  | {
      readonly kind: "possible";
      readonly method: RestartMethod;
      /** One sentence for a person. */
      readonly describes: string;
      /** What stops for a moment, one item each. */
      readonly interrupts?: readonly string[];
    }
  | { readonly kind: "impossible"; readonly error: CodexAuthError };

/** The steps of a restart, in order. */
type RestartStep = "waiting-for-start-window" | "stopping" | "starting" | "healthy";

/** How a restart is watched and cancelled. */
export interface RestartOptions {
  readonly onProgress?: (step: RestartStep, detail?: { readonly waitMs?: number }) => void;
  readonly signal?: AbortSignal;
}

/** A restart that was seen to happen. */
export interface RestartResult {
  readonly instance: GatewayInstance;
  readonly durationMs: number;
}
