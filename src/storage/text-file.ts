// The text of one small file, exactly, or an error that says why not.

import { isUtf8 } from "node:buffer";
import { closeSync, constants, fstatSync, openSync, readFileSync, readSync } from "node:fs";
import { MAX_FILE_BYTES } from "../config/defaults.ts";
import { CodexAuthError, systemCode } from "../errors.ts";

/**
 * The text of `path`, or undefined where there is no such file.
 *
 * By synchronous calls: a small file is in memory nearly always and costs some 30 µs so, and twenty times that by the thread
 * pool's four turns, of which a job took two hundred. Taking the text apart, which cannot be done elsewhere, takes longer than this.
 *
 * @throws CodexAuthError `ERR_FILE_UNREADABLE`, `ERR_FILE_TOO_LARGE`.
 */
export function readTextFileSync(path: string, maxBytes = MAX_FILE_BYTES): string | undefined {
  try {
    // Without O_NONBLOCK a pipe at this path would hold the process for ever.
    const descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const found = fstatSync(descriptor);
      if (!found.isFile()) throw unreadable(path, "not a file");
      if (found.size > maxBytes) {
        throw new CodexAuthError("ERR_FILE_TOO_LARGE", {
          message: `${path} is larger than ${maxBytes} bytes.`,
          next: "Look at the file: it is not what this program expects there.",
        });
      }
      return decodeUtf8(readWhole(descriptor, found.size), path);
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    if (error instanceof CodexAuthError) throw error;
    if (systemCode(error) === "ENOENT") return undefined;
    throw unreadable(path, systemCode(error) ?? "unknown error", error);
  }
}

/** In one read where the file is as long as was said. */
function readWhole(descriptor: number, size: number): Buffer {
  // Room for one byte more shows whether it grew since; some file systems say 0 of every file.
  const bytes = Buffer.allocUnsafe(size + 1);
  const bytesRead = readSync(descriptor, bytes, 0, bytes.length, null);
  const head = bytes.subarray(0, bytesRead);
  return bytesRead === size ? head : Buffer.concat([head, readFileSync(descriptor)]);
}

/** Strict: what cannot be read exactly must not be written back. A byte order mark stays, as JSON.parse refuses it. */
function decodeUtf8(bytes: Buffer, path: string): string {
  if (!isUtf8(bytes)) throw unreadable(path, "not UTF-8 text");
  return bytes.toString("utf8");
}

function unreadable(path: string, reason: string, cause?: unknown): CodexAuthError {
  return new CodexAuthError("ERR_FILE_UNREADABLE", {
    message: `${path} cannot be read (${reason}).`,
    next: "Check the owner and permissions of the file; run `codex-auth-skill doctor`.",
    cause,
  });
}
