// The arguments of a call: JSON body, form body or query, and typed access that refuses like the real server.

import { badRequest } from "./api-error.ts";

/** The arguments of one call. */
export type Arguments = Readonly<Record<string, unknown>>;

/** True for a plain object. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The arguments in a body of `contentType` and a query. @throws ApiError where the JSON does not parse. */
export function readArguments(contentType: string, body: string, query: URLSearchParams): Arguments {
  const fromQuery = Object.fromEntries(query);
  if (body === "") return fromQuery;
  if (contentType.includes("application/json")) {
    const parsed = parseJson(body);
    if (!isRecord(parsed)) throw badRequest("can't parse request body as a JSON object");
    return { ...fromQuery, ...parsed };
  }
  return { ...fromQuery, ...Object.fromEntries(new URLSearchParams(body)) };
}

/** A whole number, or `fallback` where it is absent. */
export function integer(args: Arguments, name: string, fallback?: number): number {
  const value = args[name];
  if (value === undefined && fallback !== undefined) return fallback;
  const number = typeof value === "string" ? Number(value) : value;
  if (typeof number !== "number" || !Number.isSafeInteger(number)) throw badRequest(`parameter "${name}" is invalid`);
  return number;
}

/** A text, or `fallback`. */
export function text(args: Arguments, name: string, fallback = ""): string {
  const value = args[name];
  return typeof value === "string" ? value : fallback;
}

/** A value that forms send as JSON text and JSON bodies send as it is. */
export function structured(args: Arguments, name: string): unknown {
  const value = args[name];
  return typeof value === "string" ? parseJson(value) : value;
}

function parseJson(json: string): unknown {
  try {
    return JSON.parse(json) as unknown;
  } catch {
    throw badRequest("can't parse JSON object");
  }
}
