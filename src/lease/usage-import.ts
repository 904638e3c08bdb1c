// Passes the gateway's usage export on to the broker when it has changed; the file is only read.

import { join } from "node:path";
import { z } from "zod";
import { USAGE_EXPORT } from "../config/defaults.ts";
import { CodexAuthError } from "../errors.ts";
import { fingerprintJson } from "../secrets/fingerprint.ts";
import { ensurePrivateFolder } from "../storage/atomic-write.ts";
import { parseJson, readJsonFile, readTextFile, writeJsonFile } from "../storage/json-file.ts";
import type { CallOptions, LeaseBroker, LeaseOwner } from "./broker.ts";
import { trimUsageExport, usageExportSchema } from "./usage-export.ts";

/** What {@link importUsageExport} works with. */
export interface UsageImportOptions extends CallOptions {
  readonly broker: Pick<LeaseBroker, "importUsage">;
  readonly owner: LeaseOwner;
  /** The lease whose credential the broker books the figures on. */
  readonly leaseId?: string;
  /** `usageExportJsonPath`. */
  readonly path: string;
  /** `usageExportDays`. */
  readonly days: number;
  /** Our own folder; what was sent last is remembered in its `usage-import.json`. */
  readonly folder: string;
  readonly now: () => number;
}

const SOURCE = "codex-auth-skill";
const noteSchema = z.object({ schemaVersion: z.literal(1), contentHash: z.string(), importedAt: z.number() });

/**
 * Sends the export if it differs from what was sent last. Remembered only once the broker has it, so a lost answer is sent
 * again, which the broker takes as the same.
 *
 * @throws CodexAuthError `ERR_FILE_NOT_JSON`, `ERR_FILE_SHAPE`, `ERR_FILE_TOO_LARGE`, `ERR_FILE_UNREADABLE`, and what the broker
 * refuses; nothing is changed then.
 */
export async function importUsageExport(options: UsageImportOptions): Promise<"imported" | "unchanged" | "absent"> {
  const { broker, owner, leaseId, path, days, folder, now, signal } = options;
  const text = await readTextFile(path, USAGE_EXPORT.maxBytes);
  if (text === undefined) return "absent";
  const found = usageExportSchema.safeParse(parseJson(text, path));
  if (!found.success) throw notAnExport(path);
  const exportJson = { ...trimUsageExport(found.data, { days, nowMs: now() }) };
  // Without the lease: a new lease alone is no new usage, and would move all days to its credential.
  const contentHash = fingerprintJson({ owner: { ...owner }, exportJson });
  const notePath = join(folder, "usage-import.json");
  if ((await readJsonFile(notePath, noteSchema))?.contentHash === contentHash) return "unchanged";
  const answer = await broker.importUsage(
    { owner, ...(leaseId === undefined ? {} : { leaseId }), sourceName: SOURCE, exportJson },
    signal === undefined ? {} : { signal },
  );
  await ensurePrivateFolder(folder);
  await writeJsonFile(notePath, { schemaVersion: 1, contentHash, importedAt: now() });
  return answer.imported ? "imported" : "unchanged";
}

function notAnExport(path: string): CodexAuthError {
  return new CodexAuthError("ERR_FILE_SHAPE", {
    message: `${path} is not a usage export of OpenClaw.`,
    next: "Write it with `openclaw gateway usage-cost --json`, or take `usageExportJsonPath` out of the settings.",
  });
}
