// The one view on processes that locating a gateway needs, from `/proc` where there is one, else from `ps` and `lsof`.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { findListener, listensOn, readListeners } from "./listeners.ts";
import {
  PROC,
  readGatewayVariables,
  readProcess,
  type GatewayVariables,
  type ProcessIdentity,
} from "./process-facts.ts";
import { psFacts, psListensOn } from "./process-commands.ts";

/** Looks at processes and their listening ports. */
export interface ProcessTable {
  read(pid: number): Promise<ProcessIdentity | undefined>;
  /** Whether this pid itself has a listening socket on `port` that belongs to `uid`. */
  listensOn(pid: number, port: number, uid: number): Promise<boolean>;
  /** Who listens on `port`: a pid of ours, `foreign` (another user's or one we cannot look into), or nobody. */
  whoListensOn(port: number, uid: number): Promise<number | "foreign" | undefined>;
  /** The gateway's variables; undefined where they cannot be known, and then it must not be signalled. */
  variables(pid: number): Promise<GatewayVariables | undefined>;
}

/** The view for this machine. */
export function processTable(proc = PROC): ProcessTable {
  return existsSync(join(proc, "self", "stat")) ? procTable(proc) : commandTable();
}

function procTable(proc: string): ProcessTable {
  return {
    read: (pid) => readProcess(pid, proc),
    listensOn: (pid, port, uid) => listensOn(pid, port, uid, proc),
    variables: (pid) => readGatewayVariables(pid, proc),
    whoListensOn: async (port, uid) => {
      const listeners = (await readListeners(proc))?.filter((listener) => listener.port === port) ?? [];
      if (listeners.length === 0) return undefined;
      return (await findListener(port, uid, proc)) ?? "foreign";
    },
  };
}

function commandTable(): ProcessTable {
  return {
    read: psFacts,
    listensOn: (pid, port) => psListensOn(pid, port),
    // Without /proc the environment of a process is not to be had: no signal then.
    variables: () => Promise.resolve(undefined),
    whoListensOn: () => Promise.resolve(undefined),
  };
}
