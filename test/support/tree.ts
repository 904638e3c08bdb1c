// Every file and folder below a place, with its mode: what is compared with what the documents promise.

import { lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { systemCode } from "../../src/errors.ts";

/** One entry below a folder. */
export interface TreeEntry {
  /** Relative to the folder, with `/` at the end of folders. */
  readonly path: string;
  readonly absolute: string;
  readonly isFolder: boolean;
  /** Permission bits, octal: `600`. */
  readonly mode: string;
}

/** What lies below `folder`; entries that go away while we look are left out. */
export function tree(folder: string, below = ""): readonly TreeEntry[] {
  const names = below === "" ? readdirSync(folder) : namesIn(join(folder, below));
  return names.flatMap((name) => {
    const absolute = join(folder, below, name);
    const found = lstatSync(absolute, { throwIfNoEntry: false });
    if (found === undefined) return [];
    const mode = (found.mode & 0o7777).toString(8);
    const path = `${below}${name}`;
    if (!found.isDirectory()) return [{ path, absolute, isFolder: false, mode }];
    return [{ path: `${path}/`, absolute, isFolder: true, mode }, ...tree(folder, `${path}/`)];
  });
}

/** Our locks are folders, and a lock may be given back between the look at it and the look into it. */
function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (systemCode(error) === "ENOENT" || systemCode(error) === "ENOTDIR") return [];
    throw error;
  }
}
