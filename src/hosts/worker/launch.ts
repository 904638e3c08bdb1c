// Starts the worker for a host: where it must live, and what it is given.

import { fileURLToPath } from "node:url";
import { launchWorker, type Placement } from "../../apply/launch.ts";
import { workerVariables } from "../../config/env.ts";
import { readSurroundings } from "../../gateway/cgroup.ts";
import type { Gateway } from "../../gateway/gateway.ts";
import { processTable } from "../../gateway/process-table.ts";

const ENTRY = new URL("main.js", import.meta.url);

/** Starts a worker for the OpenClaw of `gateway`; the `launch` of every host. @throws CodexAuthError `ERR_RESTART_IMPOSSIBLE`. */
export async function launchWorkerFor({ gateway }: { readonly gateway: Gateway }): Promise<void> {
  const placement = await placementFor(gateway);
  await launchWorker({ entry: fileURLToPath(ENTRY), variables: workerVariables(), placement });
}

/** A worker started inside the gateway's own service would die in the restart it makes. */
async function placementFor(gateway: Gateway): Promise<Placement> {
  const location = await gateway.locate();
  if (location.kind !== "running") return "fork";
  return (await readSurroundings(location.instance.pid, processTable())) === "same-service" ? "leave" : "fork";
}
