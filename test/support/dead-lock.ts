// What a killed process may leave at OpenClaw's lock path: a lock that names the dead, which OpenClaw takes over at once.

import { rmSync } from "node:fs";
import { expect } from "vitest";
import { readLockFile } from "../../src/storage/openclaw-lock-file.ts";
import { isHolderAlive } from "../../src/storage/openclaw-lock-holder.ts";

/** Fails where the lock of `storePath` would be waited for; one of a dead process goes, as at the next lock of anybody. */
export function assertBlocksNobody(storePath: string): void {
  const path = `${storePath}.lock`;
  const lock = readLockFile(path);
  if (lock === undefined) return;
  expect(lock).toMatchObject({ kind: "file", holder: { pid: expect.any(Number) as number } });
  expect(lock.holder !== undefined && isHolderAlive(lock.holder), "the holder of the lock lives").toBe(false);
  rmSync(path);
}
