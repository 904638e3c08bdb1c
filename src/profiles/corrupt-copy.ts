// Keeps a copy of a store that could not be read, so that mending it by hand cannot lose a login.

import { readFile, readdir, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { PROFILES } from "../config/defaults.ts";
import { ensurePrivateFolder, writeFileAtomic } from "../storage/atomic-write.ts";

/** Copies `path` into `folder` (0600; it holds tokens), the newest few kept; false where no folder is given or copying failed. */
export async function keepCorruptCopy(
  path: string,
  agentId: string,
  folder: string | undefined,
  now: number,
): Promise<boolean> {
  if (folder === undefined) return false;
  try {
    const bytes = await readFile(path);
    await ensurePrivateFolder(folder);
    const names = (await readdir(folder)).filter((name) => name.endsWith(".corrupt")).toSorted();
    // The same broken store asked for a hundred times must not push out the copy of another one.
    for (const name of names) if (bytes.equals(await readFile(join(folder, name)))) return true;
    const stamp = new Date(now).toISOString().replaceAll(/[:.]/g, "-");
    await writeFileAtomic(join(folder, `${stamp}-${agentId}-${basename(path)}.corrupt`), bytes);
    const excess = names.slice(0, Math.max(0, names.length + 1 - PROFILES.corruptCopiesKept));
    await Promise.all(excess.map((name) => rm(join(folder, name), { force: true })));
    return true;
  } catch {
    // The store itself is untouched, and its being unreadable is the error to tell.
    return false;
  }
}
