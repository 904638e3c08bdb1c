// The one view on processes that locating a gateway needs, from `/proc` where there is one, else from `ps` and `lsof`.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { procTable, type ProcessTable } from "./proc-table.ts";
import { PROC } from "./process-facts.ts";
import { psFacts, psListensOn } from "./process-commands.ts";

export type { ProcessTable } from "./proc-table.ts";

/** The view for this machine. */
export function processTable(proc = PROC): ProcessTable {
  return existsSync(join(proc, "self", "stat")) ? procTable(proc) : commandTable();
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
