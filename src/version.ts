// The version of this program, from its own package.json.

import { readFileSync } from "node:fs";

/** The version, such as `0.1.0`. */
export const VERSION: string = versionIn(readFileSync(new URL("../package.json", import.meta.url), "utf8"));

// By hand: this is read at each start, and zod alone takes longer to load than Node itself.
function versionIn(manifest: string): string {
  const value: unknown = JSON.parse(manifest);
  if (typeof value === "object" && value !== null && "version" in value && typeof value.version === "string")
    return value.version;
  throw new TypeError("package.json names no version.");
}
