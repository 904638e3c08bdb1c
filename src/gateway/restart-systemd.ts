// Restarts a gateway that systemd's user manager runs, with one command that stops and starts it.

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { GATEWAY } from "../config/defaults.ts";
import type { ServiceUnit } from "./cgroup.ts";

const run = promisify(execFile);

/** What systemd says of a unit. */
export interface UnitState {
  readonly id: string;
  readonly mainPid: number;
  readonly controlGroup: string;
  readonly isActive: boolean;
}

/** Asks systemd's user manager for a unit; undefined where there is no such manager or unit. */
export async function readUserUnit(unit: string): Promise<UnitState | undefined> {
  try {
    const properties = "--property=Id,MainPID,ControlGroup,ActiveState";
    const { stdout } = await run("systemctl", ["--user", "show", properties, "--", unit], {
      timeout: GATEWAY.healthTimeoutMs,
    });
    return parseUnit(stdout);
  } catch {
    return undefined;
  }
}

/** Restarts the unit; resolves when systemd has taken the order. Whether it happened is seen elsewhere. */
export async function restartUserUnit(unit: string): Promise<void> {
  await run("systemctl", ["--user", "restart", "--", unit], { timeout: GATEWAY.commandTimeoutMs });
}

/** The lines `Name=value` of `systemctl show`. */
export function parseUnit(output: string): UnitState | undefined {
  const value = (name: string): string => output.match(new RegExp(`^${name}=(.*)$`, "m"))?.[1]?.trim() ?? "";
  const id = value("Id");
  if (id === "") return undefined;
  return {
    id,
    mainPid: Number(value("MainPID")) || 0,
    controlGroup: value("ControlGroup"),
    isActive: value("ActiveState") === "active",
  };
}

/** Whether the unit is the one that this gateway runs in: same control group, and its main process is the gateway or its launcher. */
export function isUnitOfGateway(
  state: UnitState | undefined,
  service: ServiceUnit,
  gateway: { readonly pid: number; readonly parentPid: number },
): boolean {
  if (state === undefined || !state.isActive || state.id !== service.unit) return false;
  return state.controlGroup === service.controlGroup && [gateway.pid, gateway.parentPid].includes(state.mainPid);
}
