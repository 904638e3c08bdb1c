// Passes on to the broker what has changed in the gateway's usage export; the file is only read.

import { join } from "node:path";
import { USAGE_EXPORT } from "../config/defaults.ts";
import { CodexAuthError } from "../errors.ts";
import { ensurePrivateFolder } from "../storage/atomic-write.ts";
import { parseJson, readJsonFile, readTextFile, writeJsonFile } from "../storage/json-file.ts";
import type { CallOptions, LeaseBroker, LeaseOwner } from "./broker.ts";
import { changesIn, importNoteSchema } from "./usage-changes.ts";
import { trimUsageExport, usageExportSchema, type UsageExport } from "./usage-export.ts";

/** What {@link importUsageExport} works with. */
export interface UsageImportOptions extends CallOptions {
  readonly broker: Pick<LeaseBroker, "importUsage">;
  readonly owner: LeaseOwner;
  /** The lease whose credential the broker books on what has changed. */
  readonly leaseId?: string;
  /** `usageExportJsonPath`. */
  readonly path: string;
  /** `usageExportDays`. */
  readonly days: number;
  /** Our own folder; fingerprints of what was imported are kept in its `usage-import.json`. */
  readonly folder: string;
  readonly now: () => number;
}

const SOURCE = "codex-auth-skill";

/**
 * Sends the days and sessions that differ from what was imported last. Remembered only once the broker has them, so that after a lost
 * answer they are sent again, which the broker takes as the same.
 *
 * @throws CodexAuthError `ERR_FILE_NOT_JSON`, `ERR_FILE_SHAPE`, `ERR_FILE_TOO_LARGE`, `ERR_FILE_UNREADABLE`, and what the broker
 * refuses; nothing is changed then.
 */
export async function importUsageExport(options: UsageImportOptions): Promise<"imported" | "unchanged" | "absent"> {
  const { owner, path, days, folder, now } = options;
  const text = await readTextFile(path, USAGE_EXPORT.maxBytes);
  if (text === undefined) return "absent";
  const found = usageExportSchema.safeParse(parseJson(text, path));
  if (!found.success) throw notAnExport(path);
  const at = now();
  const notePath = join(folder, "usage-import.json");
  const before = await readJsonFile(notePath, importNoteSchema);
  const { exportJson, note } = changesIn(trimUsageExport(found.data, { days, nowMs: at }), before, {
    owner,
    days,
    now: at,
  });
  // A note of the version before would have everything sent at the first change.
  if (exportJson === undefined && before?.owner === note.owner) return "unchanged";
  const isImported = exportJson !== undefined && (await send(options, exportJson));
  await ensurePrivateFolder(folder);
  await writeJsonFile(notePath, note);
  return isImported ? "imported" : "unchanged";
}

async function send({ broker, owner, leaseId, signal }: UsageImportOptions, exportJson: UsageExport): Promise<boolean> {
  const { imported } = await broker.importUsage(
    { owner, ...(leaseId === undefined ? {} : { leaseId }), sourceName: SOURCE, exportJson: { ...exportJson } },
    signal === undefined ? {} : { signal },
  );
  return imported;
}

function notAnExport(path: string): CodexAuthError {
  return new CodexAuthError("ERR_FILE_SHAPE", {
    message: `${path} is not a usage export of OpenClaw.`,
    next: "Write it with `openclaw gateway usage-cost --json`, or take `usageExportJsonPath` out of the settings.",
  });
}
