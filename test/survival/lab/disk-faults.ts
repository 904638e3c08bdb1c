// A disk that fails when told: every operation of this process on files below one folder is counted, and one of them, or all from one on, goes wrong.

import type fs from "node:fs";
import type { FileHandle } from "node:fs/promises";
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
    const require = createRequire(import.meta.url);
    const promises = require("node:fs/promises") as Record<string, Anything>;
    const sync = require("node:fs") as typeof fs & Record<string, Anything>;
    const open = promises["open"] as (path: string, flags?: string | number, mode?: number) => Promise<FileHandle>;
    this.#replace(promises, "open", async (path: string, flags?: string | number, mode?: number) => {
      const isWrite = typeof flags === "string" && /[wax+]/.test(flags);
      this.#meet(isWrite ? "open to write" : "open to read", path);
      const handle = await open(path, flags, mode);
      if (this.#concerns(path)) this.#watch(handle, path);
      return handle;
    });
    for (const name of ["rename", "unlink", "link", "rm", "mkdir", "readdir"] as const)
      this.#wrap(promises, name, name);
    const pairs = [
      ["renameSync", "rename"],
      ["unlinkSync", "unlink"],
      ["linkSync", "link"],
      ["rmSync", "rm"],
    ] as const;
    for (const [name, operation] of pairs) this.#wrapSync(sync, name, operation);
    const locks = new Map<number, string>();
    const openSync = sync.openSync.bind(sync);
    this.#replace(sync, "openSync", (path: string, flags: string, mode?: number) => {
      this.#meet(flags.includes("x") ? "open to write" : "open to read", path);
      const descriptor = openSync(path, flags, mode);
      if (this.#concerns(path)) locks.set(descriptor, path);
      else locks.delete(descriptor);
      return descriptor;
    });
    const writeSync = sync.writeSync.bind(sync);
    this.#replace(sync, "writeSync", (descriptor: number, bytes: Buffer, offset = 0) => {
      const path = locks.get(descriptor);
      const fault = path === undefined ? undefined : this.#next("write", path);
      // A short write is no error at this level: the kernel tells how much it took.
      if (fault === "short") return writeSync(descriptor, bytes, offset, Math.ceil((bytes.length - offset) / 2));
      if (fault !== undefined) throw failure(fault);
      return writeSync(descriptor, bytes, offset);
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

  #watch(handle: FileHandle, path: string): void {
    const write = handle.writeFile.bind(handle);
    handle.writeFile = async (data, options) => {
      const fault = this.#next("write", path);
      if (fault === "short") await write(String(data).slice(0, String(data).length / 2), options);
      if (fault !== undefined) throw failure(fault);
      return write(data, options);
    };
    const [read, sync, chmod] = [handle.readFile.bind(handle), handle.sync.bind(handle), handle.chmod.bind(handle)];
    handle.readFile = (async (options?: never) => {
      this.#meet("read", path);
      return read(options);
    }) as typeof handle.readFile;
    handle.sync = async () => {
      this.#meet("sync", path);
      return sync();
    };
    handle.chmod = async (mode) => {
      this.#meet("chmod", path);
      return chmod(mode);
    };
  }

  #wrap(target: Record<string, Anything>, name: string, operation: Operation): void {
    const real = target[name] as (...args: unknown[]) => Promise<unknown>;
    this.#replace(target, name, async (...args: unknown[]) => {
      this.#meet(operation, args[0]);
      return real(...args);
    });
  }

  #wrapSync(target: Record<string, Anything>, name: string, operation: Operation): void {
    const real = target[name] as (...args: unknown[]) => unknown;
    this.#replace(target, name, (...args: unknown[]) => {
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
