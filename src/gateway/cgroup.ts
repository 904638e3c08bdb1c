// Whether we live inside the gateway's own service or container: what is started there dies with the gateway, however detached.

import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { looksLikeGateway, PROC } from "./process-facts.ts";
import type { ProcessTable } from "./process-table.ts";

/** Where we are, seen from the gateway. */
export type Surroundings = "outside" | "same-service" | "same-container";

/** The systemd unit that a process belongs to. */
export interface ServiceUnit {
  readonly unit: string;
  /** The path of its control group as systemd names it. */
  readonly controlGroup: string;
  /** The user whose service manager runs it; undefined for the system's. */
  readonly managerUid: number | undefined;
}

/** Tells where this process is, seen from the gateway `pid`. */
export async function readSurroundings(pid: number, processes: ProcessTable, proc = PROC): Promise<Surroundings> {
  const [own, gateway, isContainerRoot] = await Promise.all([
    readCgroup("self", proc),
    readCgroup(pid, proc),
    isContainersMainProcess(pid, processes),
  ]);
  return judgeSurroundings(own, gateway, isContainerRoot);
}

/** The judgement of {@link readSurroundings}; the texts are those of `/proc/<pid>/cgroup`. */
export function judgeSurroundings(own: string, gateway: string, gatewayIsContainerRoot: boolean): Surroundings {
  if (gatewayIsContainerRoot) return "same-container";
  const [ours, theirs] = [serviceOf(own), serviceOf(gateway)];
  return ours !== undefined && ours.controlGroup === theirs?.controlGroup ? "same-service" : "outside";
}

/** The innermost service in the text of a `/proc/<pid>/cgroup`; a login session or the root is none. */
export function serviceOf(text: string): ServiceUnit | undefined {
  const path = cgroupPath(text);
  const parts = path.split("/");
  // `user@1000.service` is the user's service manager itself: everything of that user lies below it.
  const at = parts.findLastIndex((part) => part.endsWith(".service") && !/^user@\d+\.service$/.test(part));
  const unit = parts[at];
  if (unit === undefined) return undefined;
  const manager = /\/user@(\d+)\.service\//.exec(path)?.[1];
  return {
    unit,
    controlGroup: parts.slice(0, at + 1).join("/"),
    managerUid: manager === undefined ? undefined : Number(manager),
  };
}

/** The text of `/proc/<pid>/cgroup`; empty where it cannot be read. */
export async function readCgroup(pid: number | "self", proc = PROC): Promise<string> {
  return await readFile(join(proc, String(pid), "cgroup"), "utf8").catch(() => "");
}

const CONTAINER_INITS = new Set(["tini", "docker-init", "dumb-init", "catatonit", "podman-init"]);

/** Whether the container ends with this gateway: it, or the launcher above it, is PID 1 or the child of a container's tiny init. */
export async function isContainersMainProcess(pid: number, processes: Pick<ProcessTable, "read">): Promise<boolean> {
  let current = await processes.read(pid);
  while (current !== undefined) {
    if (current.pid === 1) return true;
    const parent = await processes.read(current.parentPid);
    if (parent?.pid === 1 && CONTAINER_INITS.has(basename(parent.commandLine[0] ?? ""))) return true;
    current = parent !== undefined && looksLikeGateway(parent.commandLine) ? parent : undefined;
  }
  return false;
}

function cgroupPath(text: string): string {
  const lines = text.split("\n").map((line) => line.split(":"));
  // With both versions mounted systemd may keep its names in the version 1 tree of its own.
  const named = lines
    .find(([, controllers]) => controllers === "name=systemd")
    ?.slice(2)
    .join(":");
  const unified = lines
    .find(([id, controllers]) => id === "0" && controllers === "")
    ?.slice(2)
    .join(":");
  return [unified, named].find((path) => path !== undefined && path !== "/") ?? "/";
}
