// The operator's log of one host as a file of limited size: when it is full at a start, it becomes the one earlier file.

import { appendFile, rename, stat } from "node:fs/promises";
import { join } from "node:path";
import { LOG_FILE } from "../config/defaults.ts";
import { createLog, type Log } from "../secrets/log.ts";
import { ensurePrivateFolder } from "../storage/atomic-write.ts";

/** A log that goes to a file. */
export interface FileLog {
  readonly log: Log;
  /** Resolves when everything is written. */
  readonly close: () => Promise<void>;
}

/** Opens `<folder>/<name>.log` (0600); a log that cannot be written is given up silently, it must not stop the work. */
export async function fileLog(folder: string, name: string): Promise<FileLog> {
  const path = join(folder, `${name}.log`);
  let writing: Promise<void> = ensurePrivateFolder(folder)
    .then(() => makeRoom(path))
    .catch(() => undefined);
  await writing;
  const log = createLog((line) => {
    writing = writing.then(() => appendFile(path, `${line}\n`, { mode: 0o600 })).catch(() => undefined);
  }, Date.now);
  return { log, close: async () => writing };
}

async function makeRoom(path: string): Promise<void> {
  const size = await stat(path).then(
    (found) => found.size,
    () => 0,
  );
  if (size > LOG_FILE.maxBytes) await rename(path, `${path}.1`);
}
