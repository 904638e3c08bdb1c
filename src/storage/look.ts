// Looks at the disk where it does not matter why something cannot be seen: then it counts as not there.

import { lstatSync, readdirSync, realpathSync } from "node:fs";

/** The names in `folder`; none where it cannot be read. */
export function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Where `path` leads, or itself where it leads nowhere. */
export function realPathOr(path: string): string {
  try {
    return realpathSync.native(path);
  } catch {
    return path;
  }
}

/** Whether a symbolic link lies at `path`. */
export function isLink(path: string): boolean {
  try {
    return lstatSync(path).isSymbolicLink();
  } catch {
    return false;
  }
}
