// Reads one JSON5 file, the form of openclaw.json; apart from plain JSON, because most of what reads that needs no second parser.

import JSON5 from "json5";
import { CodexAuthError } from "../errors.ts";
import { readTextFile } from "./json-file.ts";

/** `text` as JSON5, the form of openclaw.json. @throws CodexAuthError `ERR_FILE_NOT_JSON`. */
export function parseJson5(text: string, path: string): unknown {
  try {
    // OpenClaw itself writes plain JSON, which means the same in both: JSON5's own parser takes thirty times as long.
    return JSON.parse(text) as unknown;
  } catch {
    return parseOnlyJson5(text, path);
  }
}

function parseOnlyJson5(text: string, path: string): unknown {
  try {
    return JSON5.parse<unknown>(text);
  } catch {
    // Like V8's, the error of JSON5 quotes the file, which may hold a token.
    throw new CodexAuthError("ERR_FILE_NOT_JSON", {
      message: `${path} is not valid JSON5.`,
      next: "It was left as it is. Mend it (OpenClaw will not start with it either), then try again.",
    });
  }
}

/** The value of `path` as JSON5; undefined where there is no such file. @throws CodexAuthError `ERR_FILE_NOT_JSON`. */
export async function readJson5File(path: string): Promise<unknown> {
  const text = await readTextFile(path);
  return text === undefined ? undefined : parseJson5(text, path);
}
