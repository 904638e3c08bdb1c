// Reads and writes one JSON file; a file that does not parse is an error, never an empty value.

import { constants } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";
import type { ZodType } from "zod";
import { MAX_FILE_BYTES } from "../config/defaults.ts";
import { CodexAuthError, systemCode } from "../errors.ts";
import { writeFileAtomic, type AtomicWriteOptions } from "./atomic-write.ts";

/** The text of `path`, or undefined where there is no such file. */
export async function readTextFile(path: string, maxBytes = MAX_FILE_BYTES): Promise<string | undefined> {
  try {
    // Without O_NONBLOCK a pipe at this path would hold the process for ever.
    const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const found = await handle.stat();
      if (!found.isFile()) throw unreadable(path, "not a file");
      if (found.size > maxBytes) {
        throw new CodexAuthError("ERR_FILE_TOO_LARGE", {
          message: `${path} is larger than ${maxBytes} bytes.`,
          next: "Look at the file: it is not what this program expects there.",
        });
      }
      return decodeUtf8(await readWhole(handle, found.size), path);
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (error instanceof CodexAuthError) throw error;
    if (systemCode(error) === "ENOENT") return undefined;
    throw unreadable(path, systemCode(error) ?? "unknown error", error);
  }
}

/** `text` as JSON. @throws CodexAuthError `ERR_FILE_NOT_JSON`, which never quotes the text. */
export function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // The SyntaxError of V8 quotes the text around the fault, which may be a token: it is not kept as a cause.
    throw new CodexAuthError("ERR_FILE_NOT_JSON", {
      message: `${path} is not valid JSON.`,
      next: "It was left as it is. Mend or restore the file, then try again.",
    });
  }
}

/** The value of `path` checked against `schema`, or undefined where there is no such file. */
export async function readJsonFile<T>(path: string, schema: ZodType<T>): Promise<T | undefined> {
  const text = await readTextFile(path);
  if (text === undefined) return undefined;
  const result = schema.safeParse(parseJson(text, path));
  if (result.success) return result.data;
  const where = result.error.issues[0]?.path.join(".") ?? "";
  throw new CodexAuthError("ERR_FILE_SHAPE", {
    message: `${path} does not have the expected shape${where === "" ? "" : ` (at ${where})`}.`,
    next: "It was left as it is. Mend or restore the file, then try again.",
  });
}

/** Writes `value` as indented JSON, atomically and 0600. */
export async function writeJsonFile(path: string, value: unknown, options?: AtomicWriteOptions): Promise<void> {
  await writeFileAtomic(path, `${JSON.stringify(value, null, 2)}\n`, options);
}

/** In one read where the file is as long as was said: each step is a thread's, and a job reads some fifty files. */
async function readWhole(handle: FileHandle, size: number): Promise<Uint8Array> {
  // Room for one byte more shows whether it grew since; some file systems say 0 of every file.
  const bytes = Buffer.allocUnsafe(size + 1);
  const { bytesRead } = await handle.read(bytes, 0, bytes.length);
  const head = bytes.subarray(0, bytesRead);
  return bytesRead === size ? head : Buffer.concat([head, await handle.readFile()]);
}

/** Strict: what cannot be read exactly must not be written back. A byte order mark stays, as JSON.parse refuses it. */
function decodeUtf8(bytes: Uint8Array, path: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw unreadable(path, "not UTF-8 text");
  }
}

function unreadable(path: string, reason: string, cause?: unknown): CodexAuthError {
  return new CodexAuthError("ERR_FILE_UNREADABLE", {
    message: `${path} cannot be read (${reason}).`,
    next: "Check the owner and permissions of the file; run `codex-auth-skill doctor`.",
    cause,
  });
}
