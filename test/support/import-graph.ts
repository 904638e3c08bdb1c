// Which files of the repository are loaded when one of them is: followed through imports and re-exports that are not of types alone.

import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

const FROM = /^\s*(?:import|export)\s+(?!type\b)(?:[^"';]*?\sfrom\s+)?"([^"]+)"/gm;
const DYNAMIC = /\bimport\(\s*"([^"]+)"\s*\)/g;

/** The files that `entry` (absolute) loads at once or later, itself included, each with the file that first led to it. */
export function filesLoadedBy(entry: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>([[entry, ""]]);
  for (const [file] of found) {
    const text = readFileSync(file, "utf8");
    for (const [, name = ""] of [...text.matchAll(FROM), ...text.matchAll(DYNAMIC)]) {
      if (!name.startsWith(".")) continue;
      const path = join(dirname(file), name).replace(/\.js$/, ".ts");
      if (existsSync(path) && !found.has(path)) found.set(path, file);
    }
  }
  return found;
}
