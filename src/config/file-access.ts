// Who besides us could have read or written a file: what decides about logins, or opens the bot, is nobody else's to write.

import { statSync, type Stats } from "node:fs";
import { CodexAuthError } from "../errors.ts";

/** Who can get at a file besides its owner. */
export interface FileAccess {
  readonly othersRead: boolean;
  readonly othersWrite: boolean;
  /** Whether its owner is neither root nor we. */
  readonly isForeign: boolean;
}

/** How `path` is protected; undefined where there is no such file. `uid` is ours, undefined where the system knows none. */
export async function fileAccess(path: string, uid: number | undefined): Promise<FileAccess | undefined> {
  const found = statsOf(path);
  return found === undefined ? undefined : accessOf(found, uid);
}

function statsOf(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}

function accessOf(found: { readonly mode: number; readonly uid: number }, uid: number | undefined): FileAccess {
  // Where there are no user ids (Windows) the mode says nothing either.
  if (uid === undefined) return { othersRead: false, othersWrite: false, isForeign: false };
  return {
    othersRead: (found.mode & 0o044) !== 0,
    othersWrite: (found.mode & 0o022) !== 0,
    isForeign: found.uid !== 0 && found.uid !== uid,
  };
}

/**
 * Refuses a file that somebody else can write: who writes the settings decides who may change logins and which command
 * restarts the gateway.
 *
 * @throws CodexAuthError `ERR_CONFIG_INVALID`.
 */
export async function assertOursAlone(path: string, uid: number | undefined): Promise<void> {
  const found = statsOf(path);
  if (found !== undefined) assertOurs(found, path, uid);
}

/** The same for a file that was looked at already. @throws CodexAuthError `ERR_CONFIG_INVALID`. */
export function assertOurs(
  found: { readonly mode: number; readonly uid: number },
  path: string,
  uid: number | undefined,
): void {
  const access = accessOf(found, uid);
  if (access.isForeign) {
    throw new CodexAuthError("ERR_CONFIG_INVALID", {
      message: `${path} belongs to another user, who could put in it what they like.`,
      next: `Run this as the user it belongs to, or make it yours: chown ${uid} ${path}`,
    });
  }
  if (access.othersWrite) {
    throw new CodexAuthError("ERR_CONFIG_INVALID", {
      message: `${path} can be written by other users, who could put in it what they like.`,
      next: `Look through it, then: chmod 600 ${path}`,
    });
  }
}
