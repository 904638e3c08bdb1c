// Whether anything runs or waits; looked at without a schema, so that a quiet status loads none.

import { join } from "node:path";
import { isEndState } from "../../apply/job-words.ts";
import type { OwnPaths } from "../../config/paths.ts";
import { plainRecords, recordNames } from "../../storage/plain-records.ts";

/** True also where that cannot be told: the chat, which judges each record, tells it then. */
export function isRestless({ chat, parked, pending, queue }: OwnPaths): boolean {
  const waiting = [parked, pending, join(pending, "device"), join(chat, "invitations")];
  try {
    if (waiting.some((folder) => recordNames(folder).length > 0)) return true;
  } catch {
    return true;
  }
  const ended = plainRecords(join(queue, "jobs"), ({ schemaVersion, state }) =>
    schemaVersion === 1 ? isEndState(state) : undefined,
  );
  return ended === undefined || ended.includes(false);
}
