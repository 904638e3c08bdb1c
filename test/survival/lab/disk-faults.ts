// A disk that fails when told: every operation of this process on files below one folder is counted, and one of them, or all from one on, goes wrong.

import type fs from "node:fs";
import { createRequire, syncBuiltinESMExports } from "node:module";
import { onTestFinished } from "vitest";

/** What the kernel would say. `short`: half of the bytes are written, and then the disk is full. */
export type DiskFault = "ENOSPC" | "EROFS" | "EACCES" | "EIO" | "short";

/** Operations that change the disk, by the faults that can meet them; EIO can meet all, also what only looks. */
const CHANGES = ["open to write", "write", "rename", "unlink", "link", "rm", "mkdir", "sync"] as const;
type Operation = (typeof CHANGES)[number] | "open to read" | "read" | "readdir" | "chmod";

const MEETS: Readonly<Record<DiskFault, (operation: Operation) => boolean>> = {
  ENOSPC: (operation) => ["open to write", "write", "sync", "rename", "link", "mkdir"].includes(operation),
  short: (operation) => operation === "write",
  EROFS: (operation) => operation !== "write" && operation !== "sync" && CHANGES.some((one) => one === operation),
  EACCES: (operation) => operation === "open to read" || MEETS.EROFS(operation),
  EIO: () => true,
};

type Anything = (...args: never[]) => unknown;

/** Installed once for a test; {@link arm} says what goes wrong. */
export class DiskFaults {
  readonly #folder: string;
  #armed: { readonly fault: DiskFault; readonly at: number; readonly lasts: boolean } | undefined;
  #seen = 0;
  #hits = 0;

  constructor(folder: string) {
    this.#folder = folder;
    const real = createRequire(import.meta.url)("node:fs") as typeof fs;
    const target = real as unknown as Record<string, Anything>;
    for (const name of ["rename", "unlink", "link", "rm", "mkdir", "readdir"] as const) this.#wrap(target, name);
    const { openSync, readSync, writeSync, fchmodSync, fsync, fsyncSync } = { ...real };
    /** Whose files are open, by their numbers; the kernel gives a number again. */
    const open = new Map<number, string>();
    this.#replace(target, "openSync", (path: string, flags: string | number, mode?: number) => {
      const isWrite = typeof flags === "string" && /[wax+]/.test(flags);
      this.#meet(isWrite ? "open to write" : "open to read", path);
      const descriptor = openSync(path, flags, mode);
      if (this.#concerns(path)) open.set(descriptor, path);
      else open.delete(descriptor);
      return descriptor;
    });
    this.#replace(target, "readSync", (descriptor: number, ...rest: [Buffer, number, number, null]) => {
      this.#meet("read", open.get(descriptor));
      return readSync(descriptor, ...rest);
    });
    this.#replace(target, "writeSync", (descriptor: number, bytes: Buffer, offset = 0) => {
      const fault = this.#next("write", open.get(descriptor));
      // A short write is no error at this level: the kernel tells how much it took.
      if (fault === "short") return writeSync(descriptor, bytes, offset, Math.ceil((bytes.length - offset) / 2));
      if (fault !== undefined) throw failure(fault);
      return writeSync(descriptor, bytes, offset);
    });
    this.#replace(target, "fchmodSync", (descriptor: number, mode: number) => {
      this.#meet("chmod", open.get(descriptor));
      fchmodSync(descriptor, mode);
    });
    this.#replace(target, "fsync", (descriptor: number, done: (error: Error | null) => void) => {
      const fault = this.#next("sync", open.get(descriptor));
      if (fault === undefined) fsync(descriptor, done);
      else done(failure(fault));
    });
    this.#replace(target, "fsyncSync", (descriptor: number) => {
      this.#meet("sync", open.get(descriptor));
      fsyncSync(descriptor);
    });
    syncBuiltinESMExports();
    onTestFinished(() => syncBuiltinESMExports());
  }

  /** From the `at`-th operation that `fault` can meet: that one, or with `lasts` all from there. */
  arm(fault: DiskFault, at: number, lasts: boolean): void {
    this.#armed = { fault, at, lasts };
    this.#seen = 0;
    this.#hits = 0;
  }

  /** The disk is well again; gives how many operations have failed, and how many could have. */
  disarm(): { readonly hits: number; readonly seen: number } {
    this.#armed = undefined;
    return { hits: this.#hits, seen: this.#seen };
  }

  #concerns(path: unknown): path is string {
    return typeof path === "string" && path.startsWith(this.#folder);
  }

  #next(operation: Operation, path: unknown): DiskFault | undefined {
    const armed = this.#armed;
    if (armed === undefined || !this.#concerns(path) || !MEETS[armed.fault](operation)) return undefined;
    this.#seen += 1;
    const isHit = armed.lasts ? this.#seen >= armed.at : this.#seen === armed.at;
    if (!isHit) return undefined;
    this.#hits += 1;
    return armed.fault;
  }

  #meet(operation: Operation, path: unknown): void {
    const fault = this.#next(operation, path);
    if (fault !== undefined) throw failure(fault);
  }

  #wrap(target: Record<string, Anything>, operation: "rename" | "unlink" | "link" | "rm" | "mkdir" | "readdir"): void {
    const real = target[`${operation}Sync`] as (...args: unknown[]) => unknown;
    this.#replace(target, `${operation}Sync`, (...args: unknown[]) => {
      this.#meet(operation, args[0]);
      return real(...args);
    });
  }

  #replace(target: Record<string, Anything>, name: string, by: Anything): void {
    const real = target[name];
    target[name] = by;
    onTestFinished(() => {
      if (real !== undefined) target[name] = real;
    });
  }
}

function failure(fault: DiskFault): Error {
  const code = fault === "short" ? "ENOSPC" : fault;
  return Object.assign(new Error(`${code}: the disk was told to fail`), { code });
}
