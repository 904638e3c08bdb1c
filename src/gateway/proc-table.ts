// The view on processes that locating a gateway needs, from `/proc` alone: nothing is run for it.

import { findListener, listensOn, readListeners } from "./listeners.ts";
import {
  PROC,
  readGatewayVariables,
  readProcess,
  type GatewayVariables,
  type ProcessIdentity,
} from "./process-facts.ts";

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

/** The view from the `/proc` at `proc`. */
export function procTable(proc = PROC): ProcessTable {
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
