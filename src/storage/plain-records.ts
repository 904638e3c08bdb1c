// The records of a folder as they lie there, without a schema: for an answer that is to come before a schema could be loaded.

import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { CodexAuthError, systemCode } from "../errors.ts";
import { readTextFileSync } from "./text-file.ts";

/** The names of the files in `folder` that are meant as records, sorted; none where there is no such folder. @throws CodexAuthError `ERR_FILE_UNREADABLE`. */
export function recordNames(folder: string): readonly string[] {
  try {
    // Asked first: what is not there costs readdir an error of its own, and most of these folders come with their first record.
    if (statSync(folder, { throwIfNoEntry: false }) === undefined) return [];
    const names = readdirSync(folder);
    return names.filter((name) => name.endsWith(".json") && !name.startsWith(".")).toSorted();
  } catch (error) {
    if (systemCode(error) === "ENOENT") return [];
    throw new CodexAuthError("ERR_FILE_UNREADABLE", {
      message: `${folder} cannot be read (${systemCode(error) ?? "unknown error"}).`,
      next: "Check the owner and permissions of the folder; run `codex-auth-skill doctor`.",
      cause: error,
    });
  }
}

/**
 * What `pick` makes of each record of `folder`; undefined as soon as one cannot be read, is no JSON object or is nothing to `pick`:
 * then {@link RecordFolder} has to judge them.
 */
export function plainRecords<T>(
  folder: string,
  pick: (record: Readonly<Record<string, unknown>>) => T | undefined,
): readonly T[] | undefined {
  try {
    const picked = recordNames(folder).map((name) => pickFrom(readTextFileSync(join(folder, name)), pick));
    return picked.every((one) => one !== undefined) ? picked : undefined;
  } catch {
    return undefined;
  }
}

function pickFrom<T>(
  text: string | undefined,
  pick: (record: Readonly<Record<string, unknown>>) => T | undefined,
): T | undefined {
  const value: unknown = JSON.parse(text ?? "null");
  return typeof value === "object" && value !== null ? pick(Object.fromEntries(Object.entries(value))) : undefined;
}
