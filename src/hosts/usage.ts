// Usage checks on this machine's store: put together once a process, so that the same question is asked once.

import { parseUsageServer } from "../usage/usage-server.ts";
import { UsageRecords } from "../usage/usage-records.ts";
import { UsageService } from "../usage/usage-service.ts";
import type { Parts } from "./parts.ts";

/** The usage checks. @throws CodexAuthError `ERR_CONFIG_INVALID` where a server is set that may not be asked. */
export function openUsage({
  config,
  log,
  now,
  own,
  store,
}: Pick<Parts, "config" | "log" | "now" | "own" | "store">): UsageService {
  return new UsageService({
    store,
    server: parseUsageServer(config.usageServer),
    records: new UsageRecords({ folder: own.usage, now }),
    now,
    log,
  });
}
