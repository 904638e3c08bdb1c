// OpenClaw's lock file itself: made, read, and set aside by synchronous calls, so that nothing of ours runs in between.

import { randomBytes } from "node:crypto";
import {
  closeSync,
  fstatSync,
  linkSync,
  lstatSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  unlinkSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { systemCode } from "../errors.ts";
import { namesIn } from "./look.ts";
import type { LockHolder } from "./openclaw-lock-holder.ts";
import { writeWhole } from "./write-whole.ts";

/** A lock file as it was found: what it is, which file it is, and what it says. */
export interface LockFile {
  /** `other` is a link or a special file; `unreadable` is a file that we may not read. */
  readonly kind: "file" | "folder" | "other" | "unreadable";
  readonly device: number;
  readonly inode: number;
  readonly text: string;
  /** Absent where the text does not name a process. */
  readonly holder?: LockHolder;
}

/** Makes the lock file and returns it, or undefined where there is something at `path` already. Other failures are thrown. */
export function createLockFile(path: string, holder: LockHolder, createdAt: Date): LockFile | undefined {
  let descriptor: number;
  try {
    // Readable for all as OpenClaw's own: it tells no secret, and a gateway of another account that cannot read it is stuck.
    descriptor = openSync(path, "wx", 0o644);
  } catch (error) {
    if (systemCode(error) === "EEXIST") return undefined;
    throw error;
  }
  const { pid, startTime } = holder;
  const payload = {
    pid,
    createdAt: createdAt.toISOString(),
    ...(startTime === undefined ? {} : { starttime: startTime }),
  };
  const text = JSON.stringify(payload, null, 2);
  try {
    // Whole: half a lock file names nobody, and would be waited for as long as it lies there.
    writeWhole(descriptor, text);
    const made = fstatSync(descriptor);
    return { kind: "file", device: made.dev, inode: made.ino, text, holder };
  } catch (error) {
    // An empty lock file left here would block OpenClaw 2026.5.28 for ever.
    rmSync(path, { force: true });
    throw error;
  } finally {
    closeSync(descriptor);
  }
}

/** What lies at `path`, or undefined where there is nothing. */
export function readLockFile(path: string): LockFile | undefined {
  try {
    const found = lstatSync(path);
    const place = { device: found.dev, inode: found.ino };
    if (found.isDirectory()) return { kind: "folder", ...place, text: "" };
    if (!found.isFile()) return { kind: "other", ...place, text: "" };
    return readContent(path, place);
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** True where both are the same file with the same text. A file system may give a number again at once, so the inode is not enough. */
export function isSameLock(a: LockFile, b: LockFile): boolean {
  return a.kind === b.kind && a.device === b.device && a.inode === b.inode && a.text === b.text;
}

/** Removes the lock file at `path` if it is still `mine`; false where it is not. */
export function removeOwnLock(path: string, mine: LockFile): boolean {
  const found = readLockFile(path);
  if (found === undefined || !isSameLock(found, mine)) return false;
  unlinkSync(path);
  return true;
}

/**
 * Removes the lock file at `path` that was judged abandoned; false where it is another one by now.
 * Two that judge the same file cannot both win: it is moved aside first, and what was moved is compared with what was judged.
 */
export function removeAbandonedLock(path: string, judged: LockFile): boolean {
  const found = readLockFile(path);
  if (found === undefined || !isSameLock(found, judged)) return false;
  const aside = `${path}.${process.pid}-${randomBytes(6).toString("hex")}.stale`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if (systemCode(error) === "ENOENT") return false;
    throw error;
  }
  const moved = readLockFile(aside);
  const isTheOne = moved !== undefined && isSameLock(moved, judged);
  if (!isTheOne) giveBack(aside, path);
  rmSync(aside, { force: true });
  return isTheOne;
}

/**
 * Removes what takers left that were killed between moving an abandoned lock aside and removing it; nobody else ever would. For whoever
 * has just got the lock at `path`. Where it cannot be removed it stays: it is in nobody's way.
 */
export function removeDeadAsides(path: string, isAlive: (holder: LockHolder) => boolean): void {
  const folder = dirname(path);
  for (const name of namesIn(folder)) {
    const pid = name.startsWith(`${basename(path)}.`) ? /\.(\d+)-[0-9a-f]{12}\.stale$/.exec(name)?.[1] : undefined;
    if (pid === undefined || isAlive({ pid: Number(pid) })) continue;
    try {
      rmSync(join(folder, name), { force: true });
    } catch {
      // Only tidiness is lost.
    }
  }
}

/** A fresh lock was moved by mistake: the link is the same inode, so its owner still finds it his own. */
function giveBack(aside: string, path: string): void {
  try {
    linkSync(aside, path);
  } catch (error) {
    // Somebody took the free place within these microseconds. The first owner, if it is ours, finds out before its rename.
    if (systemCode(error) !== "EEXIST") renameSync(aside, path);
  }
}

function readContent(path: string, place: Pick<LockFile, "device" | "inode">): LockFile {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if (systemCode(error) === "ENOENT") throw error;
    return { kind: "unreadable", ...place, text: "" };
  }
  const holder = parseHolder(text);
  return { kind: "file", ...place, text, ...(holder === undefined ? {} : { holder }) };
}

function parseHolder(text: string): LockHolder | undefined {
  let payload: unknown;
  try {
    payload = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof payload !== "object" || payload === null || !("pid" in payload)) return undefined;
  const { pid } = payload;
  if (typeof pid !== "number" || !Number.isInteger(pid) || pid <= 0) return undefined;
  const startTime = "starttime" in payload && typeof payload.starttime === "number" ? payload.starttime : undefined;
  return { pid, ...(startTime === undefined ? {} : { startTime }) };
}
