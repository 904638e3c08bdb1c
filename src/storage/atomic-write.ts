// Replaces a file so that a crash leaves either the old bytes or the new ones: temp, fsync, rename, fsync of the folder.

import { randomBytes } from "node:crypto";
import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  linkSync,
  mkdirSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
} from "node:fs";
import { dirname, join, basename } from "node:path";
import { CodexAuthError, systemCode } from "../errors.ts";
import { synced } from "./fsync.ts";
import { isLink, namesIn, realPathOr } from "./look.ts";
import { writeWhole } from "./write-whole.ts";

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
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw unwritable(folder, error);
  }
}

/**
 * Writes `bytes` to `path`. A symbolic link is followed: its target is replaced, the link stays. The owner stays the same.
 *
 * @throws CodexAuthError `ERR_DISK_FULL`, `ERR_FILE_UNWRITABLE`, or what `beforeRename` threw; the old file is then as it was.
 */
export async function writeFileAtomic(
  path: string,
  bytes: string | Uint8Array,
  options: AtomicWriteOptions = {},
): Promise<void> {
  const target = followLink(path);
  const temporary = await writeTemporary(target, bytes, options.mode ?? 0o600).catch((error: unknown) => {
    throw unwritable(path, error);
  });
  let isCallersError = true;
  try {
    await options.beforeRename?.();
    isCallersError = false;
    renameSync(temporary, target);
  } catch (error) {
    removeTemporary(temporary);
    throw isCallersError ? error : unwritable(path, error);
  }
  await syncFolderAfterChange(dirname(target), path);
}

/**
 * Creates `path` with `bytes` only if it does not exist; false where it does. Durable like {@link writeFileAtomic}: it is there as a
 * whole or not at all, also when we are killed in between.
 */
export async function createFileExclusive(path: string, bytes: string, mode = 0o600): Promise<boolean> {
  try {
    const temporary = await writeTemporary(path, bytes, mode);
    try {
      // Unlike a rename, a link refuses to replace what is there.
      linkSync(temporary, path);
    } finally {
      removeTemporary(temporary);
    }
  } catch (error) {
    if (systemCode(error) === "EEXIST") return false;
    throw unwritable(path, error);
  }
  await syncFolderAfterChange(dirname(path), path);
  return true;
}

/** Removes `path` for good; false where it was not there. */
export async function removeDurably(path: string): Promise<boolean> {
  try {
    unlinkSync(path);
  } catch (error) {
    if (systemCode(error) === "ENOENT") return false;
    throw unwritable(path, error);
  }
  await syncFolderAfterChange(dirname(path), path);
  return true;
}

/**
 * Removes temp files that a killed writer of `path` left behind; they hold what was to be written, so they may hold tokens.
 * Only for the holder of the lock of `path`: nobody else may be writing it. Returns how many there were.
 */
export async function removeLeftovers(path: string): Promise<number> {
  const target = followLink(path);
  const folder = dirname(target);
  const prefix = `.${basename(target)}.`;
  const leftovers = namesIn(folder).filter(
    (name) => name.startsWith(prefix) && /^\d+-[0-9a-f]{12}\.tmp$/.test(name.slice(prefix.length)),
  );
  const failures: unknown[] = [];
  for (const name of leftovers) {
    try {
      rmSync(join(folder, name), { force: true });
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
  return leftovers.length;
}

/**
 * Removes the temp files in `folder` whose writer is dead, and those that this process could not remove before; for folders that
 * several live processes write at once.
 */
export async function removeDeadLeftovers(folder: string): Promise<void> {
  // Those of a replaced file lie where the links of its path lead.
  const places = [folder, realPathOr(folder)];
  for (const path of unremoved) if (places.includes(dirname(path))) removeTemporary(path);
  for (const name of namesIn(folder)) {
    const pid = /^\..+\.(\d+)-[0-9a-f]{12}\.tmp$/.exec(name)?.[1];
    if (pid !== undefined && !isAlive(Number(pid))) rmSync(join(folder, name), { force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // EPERM: alive, and somebody else's.
    return systemCode(error) !== "ESRCH";
  }
}

/** Makes renames and unlinks in `folder` survive a power cut. */
async function syncFolder(folder: string): Promise<void> {
  const descriptor = openSync(folder, constants.O_RDONLY);
  try {
    await synced(descriptor);
  } catch (error) {
    // Some network file systems cannot sync a folder; the rename itself stays atomic there.
    if (systemCode(error) !== "EINVAL" && systemCode(error) !== "ENOTSUP") throw error;
  } finally {
    closeSync(descriptor);
  }
}

/** Temp files of ours that could not be removed: they may hold tokens, and name this living process, so nobody else sweeps them up. */
const unremoved = new Set<string>();

/** Tidying up: what went wrong before it is what is told. */
function removeTemporary(path: string): void {
  try {
    rmSync(path, { force: true });
    unremoved.delete(path);
  } catch {
    unremoved.add(path);
  }
}

interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** Whose the new file must be: the replaced file's owner, or the folder's where we are root and the file is new. */
function ownerFor(target: string, folder: string): Owner | undefined {
  const replaced = statSync(target, { throwIfNoEntry: false });
  if (replaced !== undefined) return replaced;
  return process.getuid?.() === 0 ? statSync(folder) : undefined;
}

/** Writes `bytes` durably to a new file beside `target`, with the owner that `target` must have; gives its path. */
async function writeTemporary(target: string, bytes: string | Uint8Array, mode: number): Promise<string> {
  const folder = dirname(target);
  const owner = ownerFor(target, folder);
  const path = join(folder, `.${basename(target)}.${process.pid}-${randomBytes(6).toString("hex")}.tmp`);
  const descriptor = openSync(path, "wx", mode);
  try {
    // Run once with sudo, a rename would hand a 0600 file to root and lock the gateway out of its own store.
    const own = fstatSync(descriptor);
    if (owner !== undefined && owner.uid !== own.uid) fchownSync(descriptor, owner.uid, owner.gid);
    writeWhole(descriptor, bytes);
    // The umask may have taken bits away from `mode`, never added any; chmod makes it exact.
    fchmodSync(descriptor, mode);
    await synced(descriptor);
    return path;
  } catch (error) {
    removeTemporary(path);
    throw error;
  } finally {
    closeSync(descriptor);
  }
}

function followLink(path: string): string {
  try {
    return realpathSync.native(path);
  } catch (error) {
    if (systemCode(error) !== "ENOENT") throw unwritable(path, error);
  }
  if (!isLink(path)) return path;
  // A link to a disk that is not mounted: a file in its place would hide the real one for good.
  throw new CodexAuthError("ERR_FILE_UNWRITABLE", {
    message: `${path} is a link to a file that is not there.`,
    next: "Mount or restore what it points to, or remove the link; nothing was changed.",
  });
}

async function syncFolderAfterChange(folder: string, path: string): Promise<void> {
  try {
    await syncFolder(folder);
  } catch (error) {
    throw new CodexAuthError("ERR_FILE_UNWRITABLE", {
      message: `${path} was changed, but the disk did not confirm it (${systemCode(error) ?? "unknown error"}).`,
      next: "Check the disk; the change may be lost if the power fails now.",
      retryable: true,
      cause: error,
    });
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
