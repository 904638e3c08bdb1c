// Writes all bytes to an open file: the kernel may take only a part of what it is given.

import { writeSync } from "node:fs";

/** Writes `bytes` from where the file is; what the system throws is thrown, with a part of them written. */
export function writeWhole(descriptor: number, bytes: string | Uint8Array): void {
  const all = typeof bytes === "string" ? Buffer.from(bytes) : bytes;
  for (let written = 0; written < all.length;) written += writeSync(descriptor, all, written);
}
