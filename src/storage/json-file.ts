// Reads and writes one JSON file; a file that does not parse is an error, never an empty value.

import type { ZodType } from "zod";
import { CodexAuthError } from "../errors.ts";
import { writeFileAtomic, type AtomicWriteOptions } from "./atomic-write.ts";
import { readTextFileSync } from "./text-file.ts";

/** The text of `path`, or undefined where there is no such file; see {@link readTextFileSync}. */
export async function readTextFile(path: string, maxBytes?: number): Promise<string | undefined> {
  return readTextFileSync(path, maxBytes);
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
