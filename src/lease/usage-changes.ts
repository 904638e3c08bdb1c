// Which days and sessions of a usage export the broker has not had yet, by what was kept of the import before. Pure.

import { z } from "zod";
import { USAGE_EXPORT } from "../config/defaults.ts";
import { fingerprintJson } from "../secrets/fingerprint.ts";
import type { LeaseOwner } from "./broker.ts";
import type { UsageExport } from "./usage-export.ts";

/** What is kept of what was imported: fingerprints only. */
export const importNoteSchema = z.object({
  schemaVersion: z.literal(1),
  /** Of everything that was in the export; all that the version before kept. */
  contentHash: z.string(),
  importedAt: z.number(),
  /** For whom: the broker keeps the figures of each owner apart. */
  owner: z.string().optional(),
  /** By date. */
  days: z.record(z.string(), z.string()).optional(),
  /** By agent and key, the newest first. */
  sessions: z.record(z.string(), z.string()).optional(),
});
/** See {@link importNoteSchema}. */
export type ImportNote = z.infer<typeof importNoteSchema>;

/** What is to be sent of an export, and what is to be kept once the broker has it. */
export interface UsageChanges {
  /** Undefined where the broker has all of it. */
  readonly exportJson: UsageExport | undefined;
  readonly note: ImportNote;
}

type Row = UsageExport["daily"][number];

/**
 * What of `found` differs from what `note` says was imported. Each row that is sent is booked on the credential of the lease that is
 * named with it, also if it was booked on another one before (facts/lease-broker.md §3.7): a day that has not changed must stay where it is.
 */
export function changesIn(
  found: UsageExport,
  note: ImportNote | undefined,
  { owner, days, now }: { readonly owner: LeaseOwner; readonly days: number; readonly now: number },
): UsageChanges {
  const sessions = found.sessions.toSorted((a, b) => updatedAt(b) - updatedAt(a)).slice(0, USAGE_EXPORT.maxSessions);
  const owned = fingerprintJson({ ...owner });
  const contentHash = fingerprintJson({ owner: { ...owner }, exportJson: { ...found } });
  const dayPrints = printsOf(found.daily, dayName);
  const sessionPrints = printsOf(sessions, sessionName);
  // The version before sent all or nothing, and kept no rows.
  const hasAll = note?.owner === undefined && note?.contentHash === contentHash;
  const known = hasAll ? { days: dayPrints, sessions: sessionPrints } : note?.owner === owned ? note : {};
  const daily = found.daily.filter((row) => isNew(known.days, dayName(row), row));
  const changed = sessions.filter((row) => isNew(known.sessions, sessionName(row), row));
  return {
    // The endpoint insists on totals; they are booked nowhere, so that they alone are nothing to tell.
    exportJson: daily.length + changed.length === 0 ? undefined : { totals: found.totals, daily, sessions: changed },
    note: {
      schemaVersion: 1,
      contentHash,
      importedAt: now,
      owner: owned,
      // A row that the export lacks today may be in it again tomorrow. Two days more, as in the export.
      days: newest({ ...known.days, ...dayPrints }, days + 2),
      sessions: first({ ...sessionPrints, ...without(known.sessions, sessionPrints) }, USAGE_EXPORT.maxSessions),
    },
  };
}

function printsOf(rows: readonly Row[], nameOf: (row: Row) => string): Record<string, string> {
  return Object.fromEntries(rows.map((row) => [nameOf(row), fingerprintJson(row)]));
}

function isNew(known: Readonly<Record<string, string>> | undefined, name: string, row: Row): boolean {
  return known?.[name] !== fingerprintJson(row);
}

function dayName(row: Row): string {
  return textOf(row["date"]);
}

function sessionName(row: Row): string {
  return `${textOf(row["agentId"])} ${textOf(row["key"])}`;
}

function textOf(value: Row[string] | undefined): string {
  return typeof value === "string" ? value : "";
}

function updatedAt(row: Row): number {
  return Number(row["updatedAt"]);
}

function newest(prints: Readonly<Record<string, string>>, count: number): Record<string, string> {
  const byDate = Object.entries(prints).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(byDate.slice(-count));
}

function first(prints: Readonly<Record<string, string>>, count: number): Record<string, string> {
  return Object.fromEntries(Object.entries(prints).slice(0, count));
}

function without(prints: Readonly<Record<string, string>> = {}, others: object): Record<string, string> {
  return Object.fromEntries(Object.entries(prints).filter(([name]) => !Object.hasOwn(others, name)));
}
