// A file operation that goes wrong once it is told to, for the running test only; everything else stays the real one.

import fs, { readdirSync, readlinkSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { onTestFinished } from "vitest";

type Anything = (...args: never[]) => unknown;

/** What the kernel would say. */
export function systemError(code: string): Error {
  return Object.assign(new Error(code), { code });
}

/** Puts `make(real)` in the place of a function of `node:fs` until the test ends. */
export function replaceSync<K extends keyof typeof fs>(name: K, make: (real: (typeof fs)[K]) => Anything): void {
  const module = fs as unknown as Record<string, Anything>;
  const real = module[name] as Anything;
  module[name] = (make as (real: Anything) => Anything)(real);
  syncBuiltinESMExports();
  onTestFinished(() => {
    module[name] = real;
    syncBuiltinESMExports();
  });
}

/** Files and folders below `folder` that this process has open; none where the system does not tell. */
export function openBelow(folder: string): readonly string[] {
  try {
    return readdirSync("/proc/self/fd")
      .map((descriptor) => target(descriptor) ?? "")
      .filter((path) => path.startsWith(folder));
  } catch {
    return [];
  }
}

/** Whether a call is about something below `folder`; one of another test's leftovers in this process is not. */
export function isBelow(folder: string, ...args: readonly unknown[]): boolean {
  const paths = args.map((arg) => (typeof arg === "number" ? (target(String(arg)) ?? folder) : arg));
  return paths.some((path) => typeof path === "string" && path.startsWith(folder));
}

/** Where a descriptor of this process leads; undefined where the system does not tell. */
function target(descriptor: string): string | undefined {
  try {
    return readlinkSync(`/proc/self/fd/${descriptor}`);
  } catch {
    return undefined;
  }
}
