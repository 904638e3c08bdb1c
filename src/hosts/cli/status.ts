// `status`: what is running, waiting and done; read-only.

import type { CommandRun } from "./call.ts";
import { quietStatus } from "./quiet-status.ts";

/** Shows jobs, parked logins and receipts; with `--json` as data. */
export const status: CommandRun = async (call) =>
  (await quietStatus(call)) ?? (await (await import("./full-status.ts")).fullStatus(call));
