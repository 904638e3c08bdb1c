// The gateway's own lock file: where it may lie, what it says, and whether it can be believed.

import { createHash } from "node:crypto";
import { closeSync, constants, fstatSync, lstatSync, openSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { z } from "zod";
import { CodexAuthError, systemCode } from "../errors.ts";

/** What OpenClaw writes into it. */
export interface GatewayLock {
  readonly pid: number;
  readonly createdAt: string;
  readonly configPath: string;
  /** Only on Linux. */
  readonly startTime?: number | undefined;
}

/** A lock file as it was found. */
export interface FoundLock {
  readonly path: string;
  readonly isPlainFile: boolean;
  readonly uid: number;
  readonly mode: number;
  readonly folder: { readonly isFolder: boolean; readonly uid: number; readonly mode: number };
  readonly text: string;
}

/** Whether a found lock can be believed. */
export type LockJudgement =
  | { readonly kind: "believed"; readonly lock: GatewayLock }
  | { readonly kind: "refused"; readonly error: CodexAuthError };

const lockSchema = z.object({
  pid: z
    .number()
    .int()
    .min(1)
    .max(2 ** 31),
  createdAt: z.string().max(64),
  configPath: z.string().max(4_096),
  startTime: z.number().optional(),
});
const MAX_LOCK_BYTES = 16 * 1024;
const WRITABLE_BY_OTHERS = 0o022;

/** The path of the lock of the gateway that runs with `configPath` and has `tmp` as its folder for temporary files. */
export function gatewayLockPath(tmp: string, uid: number, configPath: string): string {
  const hash = createHash("sha256").update(configPath).digest("hex").slice(0, 8);
  return join(tmp, `openclaw-${uid}`, `gateway.${hash}.lock`);
}

/** Reads the lock at `path`, following no link; undefined where there is none. */
export function readGatewayLock(path: string): FoundLock | undefined {
  try {
    const file = lstatSync(path, { throwIfNoEntry: false });
    if (file === undefined) return undefined;
    const folder = lstatSync(dirname(path));
    const text = file.isFile() ? readPlainFile(path) : "";
    return {
      path,
      isPlainFile: file.isFile(),
      uid: file.uid,
      mode: file.mode,
      folder: { isFolder: folder.isDirectory(), uid: folder.uid, mode: folder.mode },
      text,
    };
  } catch (error) {
    if (systemCode(error) === "ENOENT" || systemCode(error) === "ENOTDIR") return undefined;
    throw disagrees("the gateway's lock file cannot be read", error);
  }
}

/** Nothing but a plain file is waited for: where the folder is not ours yet, anybody could put a pipe there between look and read. */
function readPlainFile(path: string): string {
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
  try {
    const found = fstatSync(descriptor);
    return found.isFile() && found.size <= MAX_LOCK_BYTES ? readFileSync(descriptor, "utf8") : "";
  } finally {
    closeSync(descriptor);
  }
}

/** A lock is believed only if nobody but us can have written it and it names our configuration. */
export function judgeGatewayLock(found: FoundLock, uid: number, configPath: string): LockJudgement {
  if (!found.isPlainFile || !found.folder.isFolder) return refuse("the gateway's lock file is not a plain file");
  if (found.uid !== uid || found.folder.uid !== uid) return refuse("the gateway's lock file belongs to another user");
  if (((found.mode | found.folder.mode) & WRITABLE_BY_OTHERS) !== 0)
    return refuse("the gateway's lock file can be written by others");
  const parsed = lockSchema.safeParse(parse(found.text));
  if (!parsed.success) return refuse("the gateway's lock file does not have the expected shape");
  if (parsed.data.configPath !== configPath) return refuse("the gateway's lock file is for another openclaw.json");
  return { kind: "believed", lock: parsed.data };
}

/** The refusal that every disagreement leads to; `what` completes "…, so it is left alone". */
export function disagrees(what: string, cause?: unknown): CodexAuthError {
  return new CodexAuthError("ERR_GATEWAY_DISAGREES", {
    message: `Something looks like the gateway, but ${what}; it is left alone.`,
    next: "Check with `openclaw gateway status` which gateway runs; if it has just been started, wait a moment and try again.",
    retryable: true,
    cause,
  });
}

function refuse(what: string): LockJudgement {
  return { kind: "refused", error: disagrees(what) };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
