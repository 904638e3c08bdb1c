// The files of this repository, for tests that hold its claims against its text.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The repository's folder. */
export const ROOT = fileURLToPath(new URL("../..", import.meta.url));

const NOT_OURS = new Set([
  "node_modules",
  "dist",
  "dist-plugin",
  "dist-skill",
  ".git",
  "coverage",
  "reports",
  ".stryker-tmp",
]);

/** One text file: its path in the repository and its text. */
export interface RepoFile {
  readonly path: string;
  readonly text: string;
}

/** The files below `folder` (in the repository) whose name matches. */
export function repoFiles(folder: string, name: RegExp): readonly RepoFile[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory()) return NOT_OURS.has(entry.name) ? [] : repoFiles(path, name);
    return entry.isFile() && name.test(entry.name) ? [{ path, text: readFile(path) }] : [];
  });
}

/** The text of one file. */
export function readFile(path: string): string {
  return readFileSync(join(ROOT, path), "utf8");
}

/** The rows of the table below a heading of a document, as cells. */
export function tableBelow(document: string, heading: string): readonly (readonly string[])[] {
  const section = readFile(document).split(`\n## ${heading}\n`)[1]?.split("\n## ")[0] ?? "";
  const rows = section.split("\n").filter((line) => line.startsWith("|"));
  const cells = rows.map((line) =>
    line
      .slice(1, -1)
      .split("|")
      .map((cell) => cell.trim()),
  );
  return cells.slice(2);
}

/** The words in backticks of a cell. */
export function codeIn(cell: string): readonly string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, code]) => code ?? "");
}
