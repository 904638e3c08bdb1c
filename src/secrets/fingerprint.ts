// The only form in which a token may appear in a receipt, a journal or a log.

import { hash } from "node:crypto";
import type { Secret } from "./secret.ts";

/** `sha256:` and 16 hex digits of a secret: enough to tell two apart, too little to search for it. */
export function fingerprint(secret: Secret | string): string {
  const text = typeof secret === "string" ? secret : secret.expose();
  return `sha256:${hash("sha256", `codex-auth fingerprint\0${text}`).slice(0, 16)}`;
}

/** The fingerprint of a JSON value, independent of the order of its keys. */
export function fingerprintJson(value: unknown): string {
  return fingerprint(canonicalJson(value));
}

/** JSON text with sorted keys, so that equal values give equal text; `undefined` is told from `null`. */
export function canonicalJson(value: unknown): string {
  const text: string | undefined = JSON.stringify(value, (_key, inner: unknown) => {
    if (typeof inner !== "object" || inner === null || Array.isArray(inner)) return inner;
    return Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
  });
  // JSON has no text for undefined and functions, whatever the type of JSON.stringify says.
  return text ?? "undefined";
}
