// Replaces a file so that a crash leaves either the old bytes or the new ones: temp, fsync, rename, fsync of the folder.

import { randomBytes } from "node:crypto";
import { mkdir, open, realpath, rename, rm, unlink, type FileHandle } from "node:fs/promises";
import { dirname, join, basename } from "node:path";
import { CodexAuthError, systemCode } from "../errors.ts";

/** How {@link writeFileAtomic} treats the file. */
export interface AtomicWriteOptions {
  /** Permission bits of the new file. Default `0o600`. */
  readonly mode?: number;
  /** Runs after the temp file is durable and right before the rename; a throw leaves the old file untouched. */
  readonly beforeRename?: () => Promise<void>;
}

/** Makes `folder` (0700, with its parents) where it does not exist. */
export async function ensurePrivateFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw unwritable(folder, error);
  }
}

/**
 * Writes `bytes` to `path`. A symbolic link is followed: its target is replaced, the link stays.
 *
 * @throws CodexAuthError `ERR_DISK_FULL`, `ERR_FILE_UNWRITABLE`, or what `beforeRename` threw; the old file is then as it was.
 */
export async function writeFileAtomic(
  path: string,
  bytes: string | Uint8Array,
  options: AtomicWriteOptions = {},
): Promise<void> {
  const target = await followLink(path);
  const folder = dirname(target);
  const temporary = join(folder, `.${basename(target)}.${randomBytes(6).toString("hex")}.tmp`);
  try {
    await writeDurably(temporary, bytes, options.mode ?? 0o600);
    await options.beforeRename?.();
    await rename(temporary, target);
    await syncFolder(folder);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw unwritable(path, error);
  }
}

/** Creates `path` with `bytes` only if it does not exist; false where it does. Durable like {@link writeFileAtomic}. */
export async function createFileExclusive(path: string, bytes: string, mode = 0o600): Promise<boolean> {
  let handle: FileHandle;
  try {
    handle = await open(path, "wx", mode);
  } catch (error) {
    if (systemCode(error) === "EEXIST") return false;
    throw unwritable(path, error);
  }
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } catch (error) {
    await rm(path, { force: true }).catch(() => undefined);
    throw unwritable(path, error);
  } finally {
    await handle.close();
  }
  await syncFolder(dirname(path));
  return true;
}

/** Removes `path` for good; false where it was not there. */
export async function removeDurably(path: string): Promise<boolean> {
  try {
    await unlink(path);
  } catch (error) {
    if (systemCode(error) === "ENOENT") return false;
    throw unwritable(path, error);
  }
  await syncFolder(dirname(path));
  return true;
}

async function writeDurably(path: string, bytes: string | Uint8Array, mode: number): Promise<void> {
  const handle = await open(path, "wx", mode);
  try {
    await handle.writeFile(bytes);
    // The umask may have taken bits away from `mode`, never added any; chmod makes it exact.
    await handle.chmod(mode);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function followLink(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if (systemCode(error) === "ENOENT") return path;
    throw unwritable(path, error);
  }
}

/** Makes renames and unlinks in `folder` survive a power cut. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } catch (error) {
    // Some network file systems cannot sync a folder; the rename itself stays atomic there.
    if (systemCode(error) !== "EINVAL" && systemCode(error) !== "ENOTSUP") throw error;
  } finally {
    await handle.close();
  }
}

function unwritable(path: string, error: unknown): unknown {
  if (error instanceof CodexAuthError) return error;
  const code = systemCode(error);
  if (code === "ENOSPC" || code === "EDQUOT") {
    return new CodexAuthError("ERR_DISK_FULL", {
      message: `There is no room on the disk to write ${path}.`,
      next: "Free some space and try again; nothing was changed.",
      retryable: true,
      cause: error,
    });
  }
  return new CodexAuthError("ERR_FILE_UNWRITABLE", {
    message: `${path} cannot be written (${code ?? "unknown error"}).`,
    next: "Check the owner and permissions of the file and its folder; nothing was changed.",
    cause: error,
  });
}
